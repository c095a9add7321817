"""Reads from the end of an .xz file how large its content is, without unpacking it.

The format: https://tukaani.org/xz/xz-file-format.txt, sections 2.1.2 (footer) and 4 (index).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"\xfd7zXZ\0"
_FOOTER = struct.Struct("<IIH2s")
_HEADER_BYTES = 12
_MAX_INDEX = 1 << 26


def unpacked_size(file: BinaryIO) -> int:
    """Return the number of bytes that an .xz file unpacks to, over all its streams.

    Raises
    ------
    ValueError
        The file is cut short, or no .xz file.

    """
    end, total = _without_padding(file, file.seek(0, 2)), 0
    while end > 0:
        size, end = _stream_before(file, end)
        total += size
    return total


def _without_padding(file: BinaryIO, end: int) -> int:
    while end >= 4:
        file.seek(end - 4)
        if file.read(4) != b"\0\0\0\0":
            break
        end -= 4
    return end


def _stream_before(file: BinaryIO, end: int) -> tuple[int, int]:
    """Return the unpacked size of the stream that ends here, and where it begins."""
    if end < _HEADER_BYTES + _FOOTER.size:
        raise ValueError("it is cut short")
    file.seek(end - _FOOTER.size)
    footer = file.read(_FOOTER.size)
    check, backward, _, magic = _FOOTER.unpack(footer)
    index_bytes = (backward + 1) * 4
    index_at = end - _FOOTER.size - index_bytes
    if magic != b"YZ" or zlib.crc32(footer[4:10]) != check or index_at < _HEADER_BYTES or index_bytes > _MAX_INDEX:
        raise ValueError("it is cut short")
    file.seek(index_at)
    index = file.read(index_bytes)
    if index[:1] != b"\0" or zlib.crc32(index[:-4]) != int.from_bytes(index[-4:], "little"):
        raise ValueError("its index is damaged")
    count, at = _number(index, 1)
    packed = unpacked = 0
    for _ in range(count):
        block, at = _number(index, at)
        size, at = _number(index, at)
        packed += -(-block // 4) * 4
        unpacked += size
    begin = index_at - packed - _HEADER_BYTES
    file.seek(max(begin, 0))
    if begin < 0 or file.read(len(MAGIC)) != MAGIC:
        raise ValueError("its index is damaged")
    return unpacked, begin


def _number(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 63, 7):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ValueError("its index is damaged")
