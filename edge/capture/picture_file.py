"""Decodes picture files: JPEG, PNG, TIFF and the like, with 8 or 16 bits."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.arguments import takes
from edge.capture.jpeg import JPEG_START, DamagedJpegError, InterlacedError, complete_jpeg, decode_grey, weave

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.capture.frame import Image

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm")
MAX_PICTURE_BYTES = 512 << 20
"""A larger file is no picture."""
SAMPLES = 8
"""Pictures from which the bits in use are determined, spread over the folder."""
DEPTHS = (10, 12, 14, 16)
"""Bits that sensors have; in a file of 16 bits a picture uses the lower ones of these."""
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
_TIFF_STARTS = (b"II*\x00", b"MM\x00*")
_ORIENTATION = 0x0112
_EXIF_WITHIN = 128 << 10  # bytes from the beginning; it stands before the picture, except in WebP


@takes(content=bytes)
def decode_picture(content: bytes, bits: int | None = None, *, upright: bool = False) -> Image | None:
    """Decode a picture to 8 bits: grey, shape (height, width), or blue, green and red, shape (height, width, 3).

    Parameters
    ----------
    content : bytes
        The file. Bytes after the end of a PNG do no harm, nor does a missing end if the data is whole.
    bits : int or None
        Bits in use of a picture with 16, which are scaled to 8. None takes those that its brightest pixel needs.
    upright : bool
        Whether a rotation that is noted in the file (EXIF) is applied, as viewers do.

    Returns
    -------
    uint8 array, or None where the picture is cut short or cannot be decoded.

    """
    picture = _decode(content, upright=upright)
    if picture is None:
        return None
    if picture.dtype == np.uint8:
        whole: Image = picture.astype(np.uint8, copy=False)
        return whole
    depth = bits if bits is not None else depth_of(int(picture.max(initial=0)))
    scaled: Image = np.minimum(picture >> (depth - 8), 255).astype(np.uint8)
    return scaled


def read_colour(file: Path, bits: int | None = None) -> Image | None:
    """Read a picture upright and in colours: uint8, shape (height, width, 3), blue first.

    None stands for a file that cannot be read, or whose picture is damaged or cut short.
    """
    content = content_or_empty(file)
    if content.startswith(JPEG_START):
        try:
            jpeg = complete_jpeg(content)
            decode_grey(jpeg)  # finds damage that OpenCV passes over
        except InterlacedError as fields:
            return _woven(fields)
        except DamagedJpegError:
            return None
        content = jpeg
    picture = decode_picture(content, bits, upright=True)
    if picture is None or picture.ndim == 3:
        return picture
    colour: Image = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return colour


def bits_of(files: Sequence[Path]) -> int | None:
    """Return how many bits the pictures in some files use, from a sample of them; None where they have 8 bits."""
    return bits_in_use(content_or_empty(file) for file in samples_of(files))


def samples_of(files: Sequence[Path]) -> Sequence[Path]:
    """Return some of many files, spread evenly."""
    return files[:: max(len(files) // SAMPLES, 1)]


def bits_in_use(contents: Iterable[bytes]) -> int | None:
    """Return how many bits some pictures use: those that they declare or their brightest pixel needs; None for 8."""
    brightest, declared = 0, 0
    for content in contents:
        picture = None if content.startswith(JPEG_START) else _decode(content)
        if picture is not None and picture.itemsize == 2:
            brightest = max(brightest, int(picture.max(initial=0)), 1)
            declared = max(declared, _declared_bits(content))
    return max(depth_of(brightest), declared) if brightest else None


def depth_of(brightest: int) -> int:
    """Return the smallest depth of a sensor, 10, 12, 14 or 16 bits, that holds a value."""
    return next(depth for depth in DEPTHS if brightest < 1 << depth)


@takes(content=bytes)
def pages_of(content: bytes) -> int:
    """Return the number of pictures in a file (TIFF, animated PNG and WebP); only the first is decoded."""
    if content.startswith(_PNG_START):
        return next((int.from_bytes(body[:4], "big") for name, body in _png_chunks(content) if name == b"acTL"), 1)
    if content[:4] == b"RIFF" and content[8:16] == b"WEBPVP8X":
        return max(content.count(b"ANMF"), 1)
    if not content.startswith(_TIFF_STARTS):
        return 1
    try:
        whole, pages = cv2.imdecodemulti(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return 1
    return len(pages) if whole else 1


def orientation_of(content: bytes) -> int:
    """Return the EXIF orientation that is noted in a picture: 1 for upright or unknown, 2 to 8 turned or mirrored."""
    if content.startswith(_TIFF_STARTS):
        return _orientation_in(content)
    for mark in (b"Exif\0\0", b"eXIf", b"EXIF"):
        at = content.find(mark, 0, _EXIF_WITHIN if mark != b"EXIF" else len(content))
        if at >= 0:
            start = at + len(mark) + (4 if mark == b"EXIF" else 0)
            return _orientation_in(content[start : start + _EXIF_WITHIN])
    return 1


def _orientation_in(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, at)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, at + 2 + 12 * number)
            if tag == _ORIENTATION and kind == 3:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def content_of(file: Path) -> bytes:
    """Return the content of a picture file.

    Raises
    ------
    OSError
        It cannot be read, or is larger than any picture.

    """
    with file.open("rb") as opened:
        content = opened.read(MAX_PICTURE_BYTES + 1)
    if len(content) > MAX_PICTURE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def content_or_empty(file: Path) -> bytes:
    """Return the content of a picture file; nothing where `content_of` raises an error."""
    try:
        return content_of(file)
    except OSError:
        return b""


def _woven(fields: InterlacedError) -> Image | None:
    try:
        return weave(fields.top, fields.bottom)[1]
    except DamagedJpegError:
        return None


def _declared_bits(content: bytes) -> int:
    """Return the significant bits that a PNG declares (sBIT), 0 where it declares none."""
    declared = next((max(body) for name, body in _png_chunks(content) if name == b"sBIT" and body), 0)
    return declared if 8 < declared <= 16 else 0


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each whole chunk of a PNG whose checksum is right, up to the first that is not."""
    at = len(_PNG_START)
    while content.startswith(_PNG_START) and at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        check = content[at + 8 + length : at + 12 + length]
        if len(check) < 4 or zlib.crc32(name + body) != int.from_bytes(check, "big"):
            return
        yield name, body
        at += 12 + length


def _whole_png(content: bytes) -> bytes | None:
    """Return a PNG with its end; None where it is cut short."""
    end = content.find(_PNG_END)
    if end >= 0:
        return content[: end + len(_PNG_END)]
    chunks = list(_png_chunks(content))
    inflated = zlib.decompressobj()
    try:
        for name, body in chunks:
            if name == b"IDAT":
                inflated.decompress(body, 1 << 28)
    except zlib.error:
        return None
    if not inflated.eof:
        return None
    return content[: len(_PNG_START) + sum(12 + len(body) for _, body in chunks)] + _PNG_END


def _decode(content: bytes, *, upright: bool = False) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    if content.startswith(_PNG_START[:4]):
        content = _whole_png(content) or b""
    if not content:
        return None
    how = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    except cv2.error:
        return None
    return picture if picture is not None and picture.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)} else None
