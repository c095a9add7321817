"""Splits an HTTP Motion JPEG stream (multipart/x-mixed-replace) into its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_PART = 32 << 20  # bytes; no camera sends a larger picture
LARGEST_HEAD = 64 << 10
_CHUNK_BYTES = 64 << 10


class Readable(Protocol):
    """A stream of bytes."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes as soon as there are any; no bytes at the end."""
        ...


class MultipartError(ValueError):
    """Bytes that are no multipart stream."""


def parts(stream: Readable, boundary: str) -> Iterator[bytes]:
    """Yield the body of each part as soon as it is complete. A part that is cut short at the end is left out.

    The length of a part is its Content-Length, or reaches up to the next boundary where it has none. The dashes of the
    boundary may stand in its declaration or not, as cameras differ.

    Raises
    ------
    MultipartError
        A part is larger than any picture, or there is no boundary.

    """
    name = boundary.strip().strip('"').lstrip("-").encode("latin-1")
    inflow = _Inflow(stream)
    dashes = inflow.skip_past(name, LARGEST_HEAD)
    if dashes is None:
        return
    mark = dashes + name
    while True:
        head = inflow.take_head()
        if head is None:
            return
        length = _content_length(head)
        body = inflow.take(length) if length is not None else inflow.take_until(mark)
        if body is None:
            return
        yield body
        if inflow.skip_past(mark, LARGEST_PART) is None:
            return


class _Inflow:
    """Bytes that have arrived and are not used yet."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def take(self, length: int) -> bytes | None:
        if length > LARGEST_PART:
            raise MultipartError(f"a part of {length} bytes")
        while len(self._buffer) < length:
            if not self._more():
                return None
        return self._cut(length, length)

    def take_until(self, mark: bytes) -> bytes | None:
        """Return the bytes before the next boundary, without the line end that belongs to the boundary."""
        at = self._find(b"\n" + mark, LARGEST_PART)
        if at is None:
            return None
        end = at - 1 if self._buffer[at - 1 : at] == b"\r" else at
        return self._cut(end, at)

    def take_head(self) -> bytes | None:
        """Return the header lines after a boundary, up to the empty line. Return None at the closing boundary."""
        at = self._find(b"\n", LARGEST_HEAD)
        if at is None or self._cut(at, at + 1).startswith(b"--"):
            return None
        lines = b""
        while True:
            at = self._find(b"\n", LARGEST_HEAD)
            if at is None:
                return None
            line = self._cut(at, at + 1).strip()
            if not line:
                return lines
            lines += line + b"\n"
            if len(lines) > LARGEST_HEAD:
                raise MultipartError("a header without end")

    def skip_past(self, mark: bytes, limit: int) -> bytes | None:
        """Skip past the mark and return the dashes directly before it."""
        at = self._find(mark, limit)
        if at is None:
            return None
        before = self._cut(at, at + len(mark))
        return before[len(before.rstrip(b"-")) :]

    def _find(self, mark: bytes, limit: int) -> int | None:
        searched = 0
        while True:
            at = self._buffer.find(mark, searched)
            if at >= 0:
                return at
            if len(self._buffer) > limit:
                raise MultipartError(f"no boundary within {limit} bytes")
            searched = max(len(self._buffer) - len(mark), 0)
            if not self._more():
                return None

    def _cut(self, length: int, until: int) -> bytes:
        part = bytes(self._buffer[:length])
        del self._buffer[:until]
        return part

    def _more(self) -> bool:
        arrived = self._stream.read1(_CHUNK_BYTES)
        self._buffer += arrived
        return bool(arrived)


def _content_length(head: bytes) -> int | None:
    for line in head.split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return None
