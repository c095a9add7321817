"""Splits an HTTP Motion JPEG stream (multipart/x-mixed-replace) into its pictures, as leniently as browsers do.

Cameras leave out the first boundary, declare another one than they send or none, send empty lines too many, header
lines without a name, wrong lengths, and parts that are no pictures. Pictures without anything between are split, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.capture.jpeg import JPEG_END, JPEG_START

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_PART = 32 << 20  # bytes; no camera sends a larger picture
LARGEST_HEAD = 64 << 10
_CHUNK_BYTES = 64 << 10
_LINE_ENDS = b"\r\n"
_FILL = b"\r\n\x00 "  # between the end of a JPEG and the next boundary
_LENGTH = re.compile(rb"content[-_ ]?length\s*[:=]\s*(\d+)", re.IGNORECASE)
_TYPE = re.compile(rb"content[-_ ]?type\s*[:=]\s*([\w.+/-]+)", re.IGNORECASE)
_STAMP = re.compile(rb"(?:x-)?time-?stamp\s*[:=]\s*(\d+(?:\.\d+)?)\s*$", re.IGNORECASE)
_NO_PICTURE = (b"text/", b"audio/", b"application/json", b"application/xml")
_OVERLAP = 256  # searched again when more has come; longer than what marks an end
_PROVEN = 3  # lengths in a row that led to the next boundary


class Readable(Protocol):
    """A stream of bytes."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes as soon as there are any; no bytes at the end."""
        ...


class MultipartError(ValueError):
    """Bytes that are no multipart stream. The message is the reason in a few words."""


@dataclass(frozen=True, slots=True)
class Part:
    """A picture of a stream, and the camera's time stamp in its header, in the camera's own unit, where it has one."""

    body: bytes
    stamp: float | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    length: int | None = None
    stamp: float | None = None
    is_picture: bool = True


def parts(stream: Readable, boundary: str | None = None) -> Iterator[Part]:
    r"""Yield each picture as soon as it is complete. A part that is cut short at the end is left out.

    The length of a part is its Content-Length where that leads to the end of a JPEG or to a boundary. Otherwise the
    part reaches up to the next boundary. Parts of text or sound are left out.

    Parameters
    ----------
    stream : Readable
    boundary : str or None
        As declared, with its dashes or without, as cameras differ. The boundary that is sent counts where they differ.

    Raises
    ------
    MultipartError
        A part is larger than any picture, or there is no boundary.

    Examples
    --------
    >>> import io
    >>> stream = io.BufferedReader(io.BytesIO(b"--cut\r\n\r\none\r\n--cut\r\n\r\ntwo\r\n--cut--\r\n"))
    >>> [part.body for part in parts(stream, "cut")]
    [b'one', b'two']

    """
    splitter = _Splitter(stream, boundary)
    while (head := splitter.head()) is not None:
        body = splitter.body(head)
        if body is None:
            return
        if head.is_picture or body.startswith(JPEG_START):
            yield Part(body, head.stamp)


class _Splitter:
    """The way through a stream, part by part."""

    def __init__(self, stream: Readable, boundary: str | None) -> None:
        self._inflow = _Inflow(stream)
        self._name = (boundary or "").strip().strip('"').lstrip("-").encode("latin-1", "replace")
        self._mark: bytes | None = None
        self._proven = 0

    def head(self) -> _Head | None:
        """Consume the header of the next part and return what it says; None at the end of the stream."""
        lines: list[bytes] = []
        length = 0
        while True:
            if self._inflow.starts_with(JPEG_START):
                return _head_of(lines)
            line = self._inflow.line()
            if line is None:
                return None
            length += len(line)
            if length > LARGEST_HEAD:
                raise MultipartError("a header without end" if lines else f"no boundary within {LARGEST_HEAD} bytes")
            text = line.strip()
            if self._is_boundary(text):
                lines = [b""]  # a part may have no header lines
            elif text:
                lines.append(text)
            elif lines and (lines[0] == b"" or any(_LENGTH.match(known) or _TYPE.match(known) for known in lines)):
                self._inflow.skip_empty_lines_before(JPEG_START)
                return _head_of(lines)
            else:
                lines = []  # a preamble

    def body(self, head: _Head) -> bytes | None:
        """Consume the body of a part and return it; None where the stream ends within it."""
        if head.length and head.length > LARGEST_PART:
            raise MultipartError(f"a part of {head.length} bytes is announced")
        if head.length and self._inflow.fill(head.length) and self._leads_on(head.length):
            return self._inflow.cut(head.length)
        if self._mark is None:
            return self._inflow.take_jpeg()
        return self._inflow.take_until(re.compile(rb"(?:\r?\n|(?<=\xff\xd9))[\x00 ]*-*" + re.escape(self._mark)))

    def _leads_on(self, length: int) -> bool:
        """Return whether a part of this length ends where it should.

        To look at what follows means to wait for the next picture, so it is done only where the part itself leaves a
        doubt and lengths have not proven true before.
        """
        body = self._inflow.peek(length)
        if body.rstrip(_FILL).endswith(JPEG_END):
            return True
        if self._proven < _PROVEN or (self._mark is not None and self._mark in body):
            mark = self._mark or b"--"
            following = self._inflow.following(length, 2 + len(mark))
            is_true = not following or following.lstrip(_LINE_ENDS).startswith((mark, mark[: len(following) - 2]))
            self._proven = self._proven + 1 if is_true else 0
            return is_true
        return True

    def _is_boundary(self, text: bytes) -> bool:
        """Return whether a line is a boundary, and learn how it is written. The closing one is a boundary, too."""
        bare = text.lstrip(b"-")
        if self._name and (bare == self._name or bare == self._name + b"--"):
            self._mark = text[: len(text) - len(bare)] + self._name
            return True
        if text.startswith(b"--") and bare and b":" not in text:
            name = bare.removesuffix(b"--")
            self._name = self._name if self._mark is not None else name
            self._mark = self._mark or text[: len(text) - len(bare)] + name
            return True
        return False


class _Inflow:
    """Bytes that have arrived and are not used yet."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def fill(self, length: int) -> bool:
        """Wait for so many bytes. Return False where the stream ends before."""
        while len(self._buffer) < length:
            if not self._more():
                return False
        return True

    def peek(self, length: int) -> bytes:
        """Return the next bytes as far as they have arrived."""
        return bytes(self._buffer[:length])

    def following(self, after: int, length: int) -> bytes:
        """Return the bytes after a part; fewer at the end of the stream."""
        self.fill(after + length)
        return bytes(self._buffer[after : after + length])

    def starts_with(self, mark: bytes) -> bool:
        """Return whether the mark comes next. Only as many bytes are waited for as decide it."""
        for length in range(1, len(mark) + 1):
            if not self.fill(length) or self._buffer[:length] != mark[:length]:
                return False
        return True

    def line(self) -> bytes | None:
        """Return the next line with its end; None where the stream ends before one."""
        found = self._find(re.compile(rb"\n"), LARGEST_HEAD)
        return None if found is None else self.cut(found.end())

    def skip_empty_lines_before(self, mark: bytes) -> None:
        """Skip empty lines that stand before a mark, and none where something else follows."""
        length = 0
        while self.fill(length + 1) and self._buffer[length] in _LINE_ENDS and length < LARGEST_HEAD:
            length += 1
        if length and self.following(length, len(mark)) == mark:
            del self._buffer[:length]

    def take_until(self, mark: re.Pattern[bytes]) -> bytes | None:
        """Return the bytes before a boundary, without the line end that belongs to the boundary."""
        found = self._find(mark, LARGEST_PART)
        return None if found is None else self.cut(found.start())

    def take_jpeg(self) -> bytes | None:
        """Return a JPEG in a stream without boundaries: up to an end marker after which another thing begins.

        A preview within a JPEG ends with such a marker, too, but more of the same picture comes after it.
        """
        end = re.compile(rb"\xff\xd9(?=[\x00\r\n ]{0,200}(?:\xff\xd8|--|[Cc]ontent-|\Z))")
        searched = 0
        while True:
            found = end.search(self._buffer, searched)
            if found is not None and found.end() < len(self._buffer.rstrip(_FILL)):
                return self.cut(found.end())
            searched = found.start() if found is not None else max(len(self._buffer) - _OVERLAP, 0)
            if len(self._buffer) > LARGEST_PART:
                raise MultipartError(f"no end of a picture within {LARGEST_PART} bytes")
            if not self._more():
                return None if found is None else self.cut(found.end())

    def cut(self, length: int) -> bytes:
        part = bytes(self._buffer[:length])
        del self._buffer[:length]
        return part

    def _find(self, mark: re.Pattern[bytes], limit: int) -> re.Match[bytes] | None:
        searched = 0
        while True:
            found = mark.search(self._buffer, searched)
            if found is not None:
                return found
            if len(self._buffer) > limit:
                raise MultipartError(f"no boundary within {limit} bytes")
            searched = max(len(self._buffer) - _OVERLAP, 0)
            if not self._more():
                return None

    def _more(self) -> bool:
        arrived = self._stream.read1(_CHUNK_BYTES)
        self._buffer += arrived
        return bool(arrived)


def _head_of(lines: list[bytes]) -> _Head:
    length: int | None = None
    stamp: float | None = None
    is_picture = True
    for line in lines:
        if found := _LENGTH.match(line):
            length = int(found[1])
        elif found := _TYPE.match(line):
            is_picture = not found[1].lower().startswith(_NO_PICTURE)
        elif found := _STAMP.match(line):
            stamp = float(found[1])
    return _Head(length, stamp, is_picture)
