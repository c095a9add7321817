"""Tells a whole JPEG from a damaged one before it is decoded, and decodes its grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

# Markers, ITU-T T.81 table B.1. In the coded data FF00 is a data byte FF and FFD0...FFD7 are restart markers.
_START = b"\xff\xd8"
_END = 0xD9
_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
_BARE = {0x01, *range(0xD0, 0xD8)}
_BETWEEN_SCANS = {0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE}


class DamagedJpegError(ValueError):
    """A packet that holds no whole JPEG; the message is the reason, in a few words."""


def complete_jpeg(packet: bytes) -> bytes:
    """Give the JPEG in a packet, from FFD8 to FFD9, without the padding that cameras and containers add.

    Walks the segments and looks for markers inside the coded data: a picture cut short, two pictures run into one
    and restart markers out of order are noticed; bytes changed within the coded data are not.

    Raises
    ------
    DamagedJpegError
        The packet begins with no JPEG, or its JPEG is cut short or broken.

    """
    if packet[:2] != _START:
        raise DamagedJpegError("does not begin as a JPEG" if packet else "is empty")
    at, restart_interval = 2, 0
    while True:
        at, marker = _next_segment(packet, at)
        if marker == _END:
            raise DamagedJpegError("JPEG without picture data")
        length = _length(packet, at)
        if marker == _RESTART_INTERVAL:
            restart_interval = int.from_bytes(packet[at + 2 : at + 4], "big")
        at += length
        if marker == _SCAN:
            break
    end, restarts = _walk_coded_data(packet, at)
    if restart_interval and not np.array_equal(restarts, 0xD0 + np.arange(len(restarts)) % 8):
        raise DamagedJpegError("restart markers of the JPEG out of order")
    return packet[:end]


def decode_grey(jpeg: bytes) -> Image:
    """Decode the grey of a JPEG: uint8, shape (height, width).

    Raises
    ------
    DamagedJpegError
        The decoder finds no picture.

    """
    try:
        grey: Image | None = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        grey = None
    if grey is None:
        raise DamagedJpegError("JPEG that cannot be decoded")
    return grey


def _next_segment(packet: bytes, at: int) -> tuple[int, int]:
    """Give the place after the next marker, and the marker."""
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


def _walk_coded_data(packet: bytes, at: int) -> tuple[int, NDArray[np.uint8]]:
    """Give the place after FFD9 and the restart markers of the first scan."""
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
    raise DamagedJpegError("JPEG cut short (no FFD9)")
