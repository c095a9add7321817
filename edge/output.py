"""Places of output: what is there and was not written by Gammabox is never overwritten without --force."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import load_json, why

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENERATOR = "Gammabox"
PAGE_MARK = f'<meta name="generator" content="{GENERATOR}">'
"""Stands in the head of every page that Gammabox writes."""
PICTURE_MARK = f"<!-- {GENERATOR} -->"
"""Stands at the beginning of every SVG picture."""
_HEAD_BYTES = 1 << 16
_EVENTS = frozenset({"hit", "alarm", "camera"})


def require_free(path: Path, is_ours: Callable[[bytes], bool], *, force: bool = False) -> None:
    """Check that a file may be written at a place.

    Parameters
    ----------
    path : Path
        A missing or empty file may be written, and so may a device or a pipe.
    is_ours : callable
        Returns whether the first 64 KiB of a file are those of a file that Gammabox wrote; such a file is replaced.
    force : bool
        Whether any file is replaced.

    Raises
    ------
    OutputError
        A file of somebody else is there, or a folder.

    """
    try:
        if path.is_dir():
            raise OutputError(path, "is a folder", "name a file in it")
        if force or not path.is_file() or not path.stat().st_size:
            return
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise OutputError(path, f"cannot be written ({why(error)})", "name another file") from error
    if not is_ours(head):
        raise OutputError(
            path, "is there already and was not written by this command", "name another file, or add --force"
        )


def require_apart(path: Path, *inputs: Path | str | None) -> None:
    """Raise OutputError where a place of output is one of the inputs, by whatever name."""
    for given in inputs:
        if given is not None and os.path.exists(given) and path.exists() and path.samefile(given):  # noqa: PTH110
            raise OutputError(path, "is what is read", "name another file for the output")


def is_page(head: bytes) -> bool:
    """Return whether a file begins as a page of Gammabox."""
    return PAGE_MARK.encode() in head


def is_picture(head: bytes) -> bool:
    """Return whether a file begins as an SVG picture of Gammabox."""
    return PICTURE_MARK.encode() in head


def is_events(head: bytes) -> bool:
    r"""Return whether a file begins as one of events: each of its first lines is a hit, an alarm or a state.

    Examples
    --------
    >>> is_events(b'{"type": "hit", "frame": 3}\n'), is_events(b"my notes\n")
    (True, False)

    """
    whole, _, _ = head.rpartition(b"\n")
    try:
        events = [load_json(line) for line in whole.split(b"\n")[:100]]
    except ValueError:
        return False
    return all(isinstance(event, dict) and event.get("type") in _EVENTS for event in events)


def begins_with(mark: str) -> Callable[[bytes], bool]:
    """Return a check of a file by the text that it begins with."""
    return lambda head: head.lstrip().startswith(mark.encode())
