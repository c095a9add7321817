"""Recognises damaged JPEG pictures before they are decoded, and decodes the grey of whole ones."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

from edge.arguments import takes

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Markers, ITU-T T.81 table B.1. In the coded data FF00 is a data byte FF and FFD0...FFD7 are restart markers.
JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
_END = 0xD9
SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
_BOTTOM_FIRST = 2  # polarity in APP0 AVI1
_BARE = {0x01, *range(0xD0, 0xD8)}
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_LOSSLESS = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}  # frame headers of lossless and hierarchical JPEG
_BETWEEN_SCANS = {0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE}

_SURPLUS = re.compile(r"(\d+) extraneous bytes")
HARMLESS_SURPLUS_BYTES = 16  # some webcams (Logitech C270) end every picture with a few bytes too many
_MAX_PADDING = 64
_MAX_LEADING = 64  # bytes before a picture
_FIELD_HEIGHT = 0.75  # of the height of the recording; a higher picture is no field, whatever it says
MAX_PIXELS = 100_000_000  # a damaged header must not make the decoder ask for all memory


class DamagedJpegError(ValueError):
    """A packet without a whole JPEG. The message is the reason in a few words."""


class InterlacedError(DamagedJpegError):
    """A packet with two JPEG, each with every second row of the picture: a whole picture, but not one JPEG.

    Attributes
    ----------
    top, bottom : bytes
        The JPEG of rows 0, 2, 4 … and that of rows 1, 3, 5 …

    """

    def __init__(self, top: bytes, bottom: bytes) -> None:
        super().__init__("two fields in one picture: it is interlaced")
        self.top = top
        self.bottom = bottom


@takes(packet=bytes)
def complete_jpeg(packet: bytes, full_height: int | None = None) -> bytes:
    """Return the JPEG in a packet, from FFD8 to FFD9, without the padding that cameras and containers add.

    The function walks the segments and the markers in the coded data. It recognises two pictures in one, and restart
    markers out of order. A missing FFD9 is put in its place. Only decoding finds a loss within the coded data.

    Parameters
    ----------
    packet : bytes
    full_height : int or None
        Height that the recording declares. A picture that calls itself a field and is as high is none.

    Raises
    ------
    InterlacedError
        The packet holds the two fields of a picture.
    DamagedJpegError
        The packet does not begin with a JPEG, or its JPEG is cut short or broken.

    """
    if packet[:2] != JPEG_START:
        begin = packet.find(JPEG_START, 0, _MAX_LEADING)
        if begin < 0:
            raise DamagedJpegError("does not begin as a JPEG" if packet else "is empty")
        packet = packet[begin:]
    at, restart_interval = _read_header(packet)
    end, restarts = _walk_coded_data(packet, at)
    if restart_interval and not np.array_equal(restarts, 0xD0 + np.arange(len(restarts)) % 8):
        raise DamagedJpegError("restart markers of the JPEG out of order")
    if end is None:
        # Some recorders leave the end marker out. Decoding tells whether the data before it are whole.
        return packet.removesuffix(b"\xff") + JPEG_END
    polarity = packet[10] if packet[2:4] == b"\xff\xe0" and packet[6:10] == b"AVI1" else 0
    second = packet.find(JPEG_START, end, end + _MAX_PADDING)
    if second >= 0 and (polarity or _have_one_size(packet[:end], packet[second:])):
        if not polarity and not (full_height and picture_size(packet)[1] < _FIELD_HEIGHT * full_height):
            raise DamagedJpegError("two pictures in one, or the unmarked fields of an interlaced one")
        # With a height of 1, no mark can make a lone field of the second one, which is whole without the first.
        fields = packet[:end], complete_jpeg(packet[second:], full_height=1)
        raise InterlacedError(*(fields[::-1] if polarity == _BOTTOM_FIRST else fields))
    if polarity and not (full_height and picture_size(packet)[1] >= _FIELD_HEIGHT * full_height):
        raise DamagedJpegError("a single field of an interlaced picture")
    return packet[:end]


def size_of(packet: bytes) -> tuple[int, int]:
    """Return width and height of the picture in a packet, both fields together.

    Raises
    ------
    DamagedJpegError
        As `complete_jpeg` raises it.

    """
    try:
        return picture_size(complete_jpeg(packet))
    except InterlacedError as fields:
        width, height = picture_size(fields.top)
        return width, height + picture_size(fields.bottom)[1]


def weave(top: bytes, bottom: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the grey and the colours of a picture of two fields: uint8, (height, width) and (height, width, 3).

    Raises
    ------
    DamagedJpegError
        A field cannot be decoded, or they do not fit together.

    """
    greys = decode_grey(top), decode_grey(bottom)
    colours = [simplejpeg.decode_jpeg(field, "BGR", strict=False) for field in (top, bottom)]
    if greys[0].shape[1] != greys[1].shape[1] or not 0 <= len(greys[0]) - len(greys[1]) <= 1:
        raise DamagedJpegError("two fields of different size in one picture")
    height, width = len(greys[0]) + len(greys[1]), greys[0].shape[1]
    grey, colour = np.empty((height, width), np.uint8), np.empty((height, width, 3), np.uint8)
    for first in (0, 1):
        grey[first::2], colour[first::2] = greys[first], colours[first]
    return grey, colour


def _read_header(packet: bytes) -> tuple[int, int]:
    """Walk the segments up to the coded data. Return their offset and the restart interval."""
    at, restart_interval = 2, 0
    while True:
        at, marker = next_segment(packet, at)
        if marker == _END:
            raise DamagedJpegError("JPEG without picture data")
        length = segment_length(packet, at)
        if marker in _FRAME_HEADERS:
            height, width = (int.from_bytes(packet[at + i : at + i + 2], "big") for i in (3, 5))
            if not 0 < height * width <= MAX_PIXELS:
                raise DamagedJpegError("JPEG with an impossible size in its header")
            if length < 8:
                raise DamagedJpegError("JPEG with a broken header")
            _check_kind(marker, bits=packet[at + 2], colours=packet[at + 7])
        if marker == _RESTART_INTERVAL:
            restart_interval = int.from_bytes(packet[at + 2 : at + 4], "big")
        at += length
        if marker == SCAN:
            return at, restart_interval


def _check_kind(marker: int, *, bits: int, colours: int) -> None:
    """Refuse kinds of JPEG that no decoder here knows, by their name."""
    if marker in _LOSSLESS:
        raise DamagedJpegError("lossless JPEG, which cannot be decoded here")
    if bits != 8:
        raise DamagedJpegError(f"JPEG of {bits} bits a colour, of which only 8 can be decoded")
    if colours == 4:
        raise DamagedJpegError("JPEG in colours for print (CMYK), which cannot be decoded here")


@takes(jpeg=bytes)
def decode_grey(jpeg: bytes) -> NDArray[np.uint8]:
    """Decode the grey of a JPEG: uint8, shape (height, width); the same pixels as `cv2.imdecode`.

    simplejpeg raises the complaints of libjpeg about damaged data, which OpenCV only prints. It is equally fast.

    Raises
    ------
    DamagedJpegError
        The decoder finds no picture, or finds its data damaged.

    """
    return decoded(jpeg, "GRAY")[..., 0]


def decoded(jpeg: bytes, space: str) -> NDArray[np.uint8]:
    """Return the channels of a JPEG: uint8, shape (height, width, channels). Those of colour are not smoothed.

    Raises
    ------
    DamagedJpegError
        As `decode_grey` raises it.

    """
    decode = functools.partial(simplejpeg.decode_jpeg, jpeg, space, fastupsample=True)
    try:
        channels: NDArray[np.uint8] = decode()
    except ValueError as error:
        surplus = _SURPLUS.search(str(error))
        if surplus is None or int(surplus[1]) > HARMLESS_SURPLUS_BYTES:
            raise DamagedJpegError(_reason(str(error))) from error
        channels = decode(strict=False)
    return channels


@takes(jpeg=bytes)
def picture_size(jpeg: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG in pixels, from its header. Raise DamagedJpegError where there is none."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise DamagedJpegError("JPEG with a broken header") from error
    return int(width), int(height)


@takes(jpeg=bytes)
def is_coloured(jpeg: bytes) -> bool:
    """Return whether a JPEG has colours, from its header. Raise DamagedJpegError where there is none."""
    return space_of(jpeg) != "GRAY"


def space_of(jpeg: bytes) -> str:
    """Return what the channels of a JPEG are, in capitals. Raise DamagedJpegError where its header does not tell it."""
    try:
        _, _, space, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise DamagedJpegError("JPEG with a broken header") from error
    return str(space).upper()


def _reason(complaint: str) -> str:
    """Return the complaint of libjpeg without its numbers, so that equal damage is counted together."""
    if "premature end" in complaint:
        return "JPEG data with a piece missing"
    if _SURPLUS.search(complaint):
        return "JPEG data with a piece too much"
    return "JPEG that cannot be decoded"


def next_segment(packet: bytes, at: int) -> tuple[int, int]:
    """Return the offset after the next marker, and the marker. Raise DamagedJpegError where there is none."""
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


def segment_length(packet: bytes, at: int) -> int:
    """Return the length that a segment says of itself. Raise DamagedJpegError where the packet is shorter."""
    length = int.from_bytes(packet[at : at + 2], "big")
    if length < 2 or at + length > len(packet):
        raise DamagedJpegError("JPEG cut short (in its header)")
    return length


def _have_one_size(first: bytes, second: bytes) -> bool:
    try:
        return picture_size(first) == picture_size(second)
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
        resume = place + 1 + segment_length(packet, place + 1)
    if packet.endswith(b"\x00\x00") and not packet.endswith(b"\xff\x00\x00"):
        raise DamagedJpegError("JPEG cut short (zeros instead of its end)")
    return None, marks[is_restart & (after_ff < (first if first is not None else len(packet)))]
