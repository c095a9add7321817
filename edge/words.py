"""Numbers in sentences for people."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 hit`, `2 hits`; `many` where the plural is not made with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
