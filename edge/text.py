"""Parts of sentences for people."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 hit` or `22,383 hits`. An irregular plural has to be given."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def significant(value: float) -> float:
    """Return a rate rounded to four digits, more than a counted rate is ever worth."""
    return float(f"{value:.4g}")


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question for the known word that was probably meant; an empty text where none is near.

    Examples
    --------
    >>> meant("widht", ("width", "head"))
    '; did you mean width?'

    """
    close = nearest(word, known)
    return f"; did you mean {close}?" if close else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is nearest to a word; an empty text where none is near."""
    return next(iter(difflib.get_close_matches(word.lower(), list(known), n=1)), "")


MAX_LINE = 1000


def one_line(text: str, limit: int = MAX_LINE) -> str:
    r"""Return text from elsewhere as one line that cannot do harm on a terminal.

    Control signs, line ends and signs that change the direction of text are written as their codes. What exceeds the
    limit is cut off.

    Examples
    --------
    >>> print(one_line("calm\x1b[2J\nALARM"))
    calm\x1b[2J\nALARM

    """
    escaped = text
    if not (text.isascii() and text.isprintable()):  # as nearly all texts are
        escaped = "".join(
            sign if sign == " " or (sign.isprintable() and sign not in _DIRECTIONS) else _code(sign) for sign in text
        )
    return escaped if len(escaped) <= limit else f"{escaped[: limit - 1]}…"


_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _code(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
