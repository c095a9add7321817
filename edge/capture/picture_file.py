"""Decodes picture files that are no JPEG: PNG, TIFF and the like, with 8 or 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from edge.capture.frame import Image

_PNG_START = b"\x89PNG"
_PNG_END = b"IEND\xae\x42\x60\x82"  # type and checksum of the chunk that ends every PNG
_TIFF_STARTS = (b"II*\x00", b"MM\x00*")
DEPTHS = (10, 12, 14, 16)
"""Bits that sensors have; in a file of 16 bits a picture uses the lower ones of these."""


def decode_picture(content: bytes, bits: int | None = None) -> Image | None:
    """Decode a picture to 8 bits: grey, shape (height, width), or blue, green and red, shape (height, width, 3).

    Parameters
    ----------
    content : bytes
        The file. Bytes after the end of a PNG do no harm.
    bits : int or None
        Bits in use of a picture with 16, which are scaled to 8. None takes those that its brightest pixel needs.

    Returns
    -------
    uint8 array, or None where the picture is cut short or cannot be decoded.

    """
    picture = _decode(content)
    if picture is None:
        return None
    if picture.dtype == np.uint8:
        whole: Image = picture.astype(np.uint8, copy=False)
        return whole
    depth = bits if bits is not None else depth_of(int(picture.max(initial=0)))
    scaled: Image = np.minimum(picture >> (depth - 8), 255).astype(np.uint8)
    return scaled


def bits_in_use(contents: Iterable[bytes]) -> int | None:
    """Return how many bits the brightest pixel of some pictures needs; None where they have 8 bits."""
    pictures = (_decode(content) for content in contents)
    brightest = [int(picture.max(initial=0)) for picture in pictures if picture is not None and picture.itemsize == 2]
    return depth_of(max(brightest)) if brightest else None


def depth_of(brightest: int) -> int:
    """Return the smallest depth of a sensor, 10, 12, 14 or 16 bits, that holds a value."""
    return next(depth for depth in DEPTHS if brightest < 1 << depth)


def pages_of(content: bytes) -> int:
    """Return the number of pictures in a file; only the first is decoded. Files other than TIFF have one."""
    if not content.startswith(_TIFF_STARTS):
        return 1
    try:
        whole, pages = cv2.imdecodemulti(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return 1
    return len(pages) if whole else 1


def _decode(content: bytes) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    if not content or (content.startswith(_PNG_START) and _PNG_END not in content):
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        return None
    return picture if picture is not None and picture.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)} else None
