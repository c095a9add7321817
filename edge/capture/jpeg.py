"""Recognises damaged JPEG pictures before they are decoded, and decodes the grey of whole ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Markers, ITU-T T.81 table B.1. In the coded data FF00 is a data byte FF and FFD0...FFD7 are restart markers.
_START = b"\xff\xd8"
_END = 0xD9
_END_OF_IMAGE = b"\xff\xd9"
_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
_BARE = {0x01, *range(0xD0, 0xD8)}
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BETWEEN_SCANS = {0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE}

_SURPLUS = re.compile(r"(\d+) extraneous bytes")
HARMLESS_SURPLUS_BYTES = 16  # some webcams (Logitech C270) end every picture with a few bytes too many
_MAX_PADDING = 64
MAX_PIXELS = 100_000_000  # a damaged header must not make the decoder ask for all memory


class DamagedJpegError(ValueError):
    """A packet without a whole JPEG. The message is the reason in a few words."""


def complete_jpeg(packet: bytes) -> bytes:
    """Return the JPEG in a packet, from FFD8 to FFD9, without the padding that cameras and containers add.

    The function walks the segments and the markers in the coded data. It recognises two pictures in one, and restart
    markers out of order. A missing FFD9 is put in its place. Only decoding finds a loss within the coded data.

    Raises
    ------
    DamagedJpegError
        The packet does not begin with a JPEG, or its JPEG is cut short or broken.

    """
    if packet[:2] != _START:
        raise DamagedJpegError("does not begin as a JPEG" if packet else "is empty")
    at, restart_interval = _read_header(packet)
    end, restarts = _walk_coded_data(packet, at)
    if restart_interval and not np.array_equal(restarts, 0xD0 + np.arange(len(restarts)) % 8):
        raise DamagedJpegError("restart markers of the JPEG out of order")
    if end is None:
        # Some recorders leave the end marker out. Decoding tells whether the data before it are whole.
        return packet.removesuffix(b"\xff") + _END_OF_IMAGE
    if _is_field(packet, end):
        raise DamagedJpegError("two fields in one picture: it is interlaced; deinterlace the recording first")
    return packet[:end]


def _read_header(packet: bytes) -> tuple[int, int]:
    """Walk the segments up to the coded data. Return their offset and the restart interval."""
    at, restart_interval = 2, 0
    while True:
        at, marker = _next_segment(packet, at)
        if marker == _END:
            raise DamagedJpegError("JPEG without picture data")
        length = _length(packet, at)
        if marker in _FRAME_HEADERS:
            height, width = (int.from_bytes(packet[at + i : at + i + 2], "big") for i in (3, 5))
            if not 0 < height * width <= MAX_PIXELS:
                raise DamagedJpegError("JPEG with an impossible size in its header")
        if marker == _RESTART_INTERVAL:
            restart_interval = int.from_bytes(packet[at + 2 : at + 4], "big")
        at += length
        if marker == _SCAN:
            return at, restart_interval


def decode_grey(jpeg: bytes) -> NDArray[np.uint8]:
    """Decode the grey of a JPEG: uint8, shape (height, width); the same pixels as `cv2.imdecode`.

    simplejpeg raises the complaints of libjpeg about damaged data, which OpenCV only prints. It is equally fast.

    Raises
    ------
    DamagedJpegError
        The decoder finds no picture, or finds its data damaged.

    """
    try:
        decoded = simplejpeg.decode_jpeg(jpeg, "GRAY")
    except ValueError as error:
        surplus = _SURPLUS.search(str(error))
        if surplus is None or int(surplus[1]) > HARMLESS_SURPLUS_BYTES:
            raise DamagedJpegError(_reason(str(error))) from error
        decoded = simplejpeg.decode_jpeg(jpeg, "GRAY", strict=False)
    grey: NDArray[np.uint8] = decoded[..., 0]
    return grey


def picture_size(jpeg: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG in pixels, from its header. Raise DamagedJpegError where there is none."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise DamagedJpegError("JPEG with a broken header") from error
    return int(width), int(height)


def is_coloured(jpeg: bytes) -> bool:
    """Return whether a JPEG has colours, from its header. Raise DamagedJpegError where there is none."""
    try:
        _, _, space, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise DamagedJpegError("JPEG with a broken header") from error
    return bool(space.upper() != "GRAY")


def _reason(complaint: str) -> str:
    """Return the complaint of libjpeg without its numbers, so that equal damage is counted together."""
    if "premature end" in complaint:
        return "JPEG data with a piece missing"
    if _SURPLUS.search(complaint):
        return "JPEG data with a piece too much"
    return "JPEG that cannot be decoded"


def _next_segment(packet: bytes, at: int) -> tuple[int, int]:
    """Return the offset after the next marker, and the marker."""
    while True:
        if at >= len(packet):
            raise DamagedJpegError("JPEG cut short (in its header)")
        if packet[at] != 0xFF:
            raise DamagedJpegError("JPEG with a broken header")
        while at < len(packet) and packet[at] == 0xFF:
            at += 1
        if at >= len(packet):
            raise DamagedJpegError("JPEG cut short (in its header)")
        marker = packet[at]
        at += 1
        if marker not in _BARE:
            return at, marker


def _length(packet: bytes, at: int) -> int:
    length = int.from_bytes(packet[at : at + 2], "big")
    if length < 2 or at + length > len(packet):
        raise DamagedJpegError("JPEG cut short (in its header)")
    return length


def _is_field(packet: bytes, end: int) -> bool:
    """Return whether a picture is one of two fields: it says so (APP0 AVI1), or another of its size follows."""
    if packet[2:4] == b"\xff\xe0" and packet[6:10] == b"AVI1" and packet[10] != 0:
        return True
    second = packet.find(_START, end, end + _MAX_PADDING)
    if second < 0:
        return False
    try:
        return picture_size(packet[second:]) == picture_size(packet[:end])
    except DamagedJpegError:
        return False


def _walk_coded_data(packet: bytes, at: int) -> tuple[int | None, NDArray[np.uint8]]:
    """Return the offset after FFD9, or None where it is missing, and the restart markers of the first scan."""
    coded = np.frombuffer(packet, np.uint8)
    after_ff = np.flatnonzero(coded[at:-1] == 0xFF) + (at + 1)  # the bytes that follow an FF
    marks = coded[after_ff]
    is_restart = (marks & 0xF8) == 0xD0
    is_marker = (marks != 0) & (marks != 0xFF) & ~is_restart
    resume, first = at, None
    for place in after_ff[is_marker].tolist():
        if place < resume:
            continue
        first = place if first is None else first
        marker = packet[place]
        if marker == _END:
            return place + 1, marks[is_restart & (after_ff < first)]
        if marker not in _BETWEEN_SCANS:
            raise DamagedJpegError(f"stray marker FF{marker:02X} within the JPEG")
        resume = place + 1 + _length(packet, place + 1)
    if packet.endswith(b"\x00\x00") and not packet.endswith(b"\xff\x00\x00"):
        raise DamagedJpegError("JPEG cut short (zeros instead of its end)")
    return None, marks[is_restart & (after_ff < (first if first is not None else len(packet)))]
