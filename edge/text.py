"""Parts of sentences for people."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 hit` or `22,383 hits`. An irregular plural has to be given."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def significant(value: float) -> float:
    """Return a rate rounded to four digits, more than a counted rate is ever worth."""
    return float(f"{value:.4g}")
