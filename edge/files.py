"""Files that are whole or not there, whatever happens while they are written; and the order of numbered files."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write a file in one step, so that a power cut leaves the old one or the new one.

    A file that root writes belongs to the owner of its folder, so that the agent can replace it later.

    Raises
    ------
    OSError
        The file cannot be written; the old one is untouched.

    Examples
    --------
    >>> from pathlib import Path
    >>> replace_file(Path("state.json"), "{}")
    >>> Path("state.json").read_text(encoding="utf-8"), [path.name for path in Path().iterdir()]
    ('{}', ['state.json'])

    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0:
                owner = path.parent.stat()
                os.chown(file.fileno(), owner.st_uid, owner.st_gid)
        part.replace(path)
    except OSError:
        # On a full disk the part would keep it full.
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths as people number them: frame2 before frame10.

    Examples
    --------
    >>> from pathlib import Path
    >>> [path.name for path in in_natural_order(Path(f"{number}.png") for number in (10, 9, 1))]
    ['1.png', '9.png', '10.png']

    """
    return sorted(paths, key=lambda path: ([_key(part) for part in path.parts], str(path)))


def _key(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.casefold())]
