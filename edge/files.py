"""Files that are whole or not there, whatever happens while they are written; and the order of numbered files."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edge.arguments import as_path, takes
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


MAX_DIGITS = 18  # fits 64 bits
MAX_TEXT_BYTES = 1 << 30
"""A larger file is none of ours."""


@takes(path=as_path, text=str)
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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Raise OSError where that fails."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without the mark that some editors put at its beginning.

    Raises
    ------
    OSError, UnicodeDecodeError
        The file cannot be read, or it is not UTF-8. `why` says so in words.

    """
    with path.open("rb") as file:
        content = file.read(MAX_TEXT_BYTES + 1)
    if len(content) > MAX_TEXT_BYTES:
        raise OSError(errno.EFBIG, "it is too large", str(path))
    return content.decode("utf-8-sig")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size.

    Raises
    ------
    OSError
        The file cannot be read.

    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def name_in_utf8(path: Path) -> Iterator[str]:
    """Yield a name under which a library opens a file, also where its own name is not UTF-8.

    OpenCV crashes on such names. Linux knows an open file by its number, too.

    Raises
    ------
    OSError
        The file cannot be opened.

    """
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        yield name


def shown_name(name: str) -> str:
    r"""Return a name that any text may hold: bytes that are not UTF-8 are written as their codes.

    Examples
    --------
    >>> print(shown_name(b"caf\xe9".decode("utf-8", "surrogateescape")))
    caf\udce9

    """
    return name.encode("utf-8", "backslashreplace").decode()


def load_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever the text holds
    """Return the value of a JSON text. Unlike Python's own reader, it refuses numbers that no computer counts with.

    Raises
    ------
    ValueError
        It is no JSON, is nested too deeply, or holds NaN, a number such as 1e999, or more than 18 digits.

    Examples
    --------
    >>> load_json('{"x": 1.5}')
    {'x': 1.5}
    >>> load_json('{"x": 1e999}')
    Traceback (most recent call last):
    ValueError: 1e999 is no finite number

    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_newer(text: str, known: int = 1) -> bool:
    """Return whether a JSON text names a schema version above the one that is known here.

    Examples
    --------
    >>> is_newer('{"schema_version": 2}'), is_newer('{"schema_version": 1}'), is_newer("{")
    (True, False, False)

    """
    try:
        version = load_json(text)["schema_version"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(version, int) and version > known


def why(error: BaseException) -> str:
    """Return the cause of a failed reading or writing in words, without names of Python.

    Examples
    --------
    >>> why(FileNotFoundError(2, "No such file or directory")), why(KeyError("frame"))
    ('no such file or directory', '"frame" is missing')

    """
    if isinstance(error, KeyError):
        return f'"{error.args[0]}" is missing' if error.args else "a value is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON from line {error.lineno}, column {error.colno} on"
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), None)
    if words is None and isinstance(error, OSError):
        words = error.strerror.lower() if error.strerror else "the system refuses it"
    return words or one_line(str(error), 200) or "it is damaged"


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (UnicodeError, "it is not UTF-8"),
    (TypeError, "a value is of another kind"),
    (AttributeError, "a value is of another kind"),
    (OverflowError, "a number is too large"),
    (MemoryError, "not enough memory"),
)


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is no finite number")
    return number


def _whole(word: str) -> int:
    if len(word) > MAX_DIGITS:
        raise ValueError(f"{word[:20]}… is too large a number")
    return int(word)


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths as people number them: frame2 before frame10.

    Examples
    --------
    >>> from pathlib import Path
    >>> [path.name for path in in_natural_order(Path(f"{number}.png") for number in (10, 9, 1))]
    ['1.png', '9.png', '10.png']

    """
    named = [as_path(path, "in_natural_order") for path in paths]
    return sorted(named, key=lambda path: ([_key(part) for part in path.parts], str(path)))


def _key(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.casefold())]
