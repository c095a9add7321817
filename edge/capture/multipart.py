"""Takes the pictures out of an HTTP Motion JPEG stream (multipart/x-mixed-replace)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_PART = 32 << 20  # bytes; what runs on without a boundary is no camera
LARGEST_HEAD = 64 << 10
_CHUNK_BYTES = 64 << 10


class Readable(Protocol):
    """What the bytes are read from."""

    def read1(self, size: int, /) -> bytes:
        """Give what is there, at most `size` bytes, waiting for at least one; empty at the end."""
        ...


class MultipartError(ValueError):
    """Bytes that follow no multipart form."""


def parts(stream: Readable, boundary: str) -> Iterator[bytes]:
    """Yield the body of each part as it is complete; ends with the stream, leaving out a part that is cut short.

    Follows Content-Length where a part names it and looks for the next boundary where it does not. Some cameras
    write the boundary's dashes into its declaration, some leave them out: both are understood.

    Raises
    ------
    MultipartError
        A part longer than any picture, or no boundary at all.

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
    """The bytes that came and were not used yet."""

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
        """Give what stands before the next boundary, without the line end that belongs to the boundary."""
        at = self._find(b"\n" + mark, LARGEST_PART)
        if at is None:
            return None
        end = at - 1 if self._buffer[at - 1 : at] == b"\r" else at
        return self._cut(end, at)

    def take_head(self) -> bytes | None:
        """Give the header lines after a boundary, up to the empty line; None at the closing boundary."""
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
        """Give the dashes that stand right before the mark."""
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
        taken = bytes(self._buffer[:length])
        del self._buffer[:until]
        return taken

    def _more(self) -> bool:
        came = self._stream.read1(_CHUNK_BYTES)
        self._buffer += came
        return bool(came)


def _content_length(head: bytes) -> int | None:
    for line in head.split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return None
