"""Decodes the grey and the colours of a JPEG in one pass over its coded data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.arguments import takes
from edge.capture.jpeg import (
    JPEG_START,
    SCAN,
    DamagedJpegError,
    decode_grey,
    decoded,
    next_segment,
    segment_length,
    space_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAYS_SPACE = {0xE0, 0xEE}  # JFIF and Adobe; libjpeg tells by them what the channels are
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64" + bytes(5)
# Recommendation ITU-T T.871, section 7, of brightness and the two colours with their offset of 128: blue, green, red.
_YCC_TO_BGR = np.array(
    [
        [1, 1.772, 0, -128 * 1.772],
        [1, -0.344136, -0.714136, 128 * (0.344136 + 0.714136)],
        [1, 0, 1.402, -128 * 1.402],
    ],
    np.float32,
)


@takes(jpeg=bytes)
def decode_both(jpeg: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Decode the grey of a JPEG and its colours at half the size, both in one pass over the coded data.

    That takes a third longer than the grey alone. Such decoders convert colours, after which the grey would be another
    one. So they get the JPEG with a header by which its channels are red, green and blue, which are left as they are.

    Returns
    -------
    grey : uint8 array, shape (height, width)
        The same pixels as of `decode_grey`.
    halved : uint8 array, shape (ceil(height / 2), ceil(width / 2), 3), or None
        Blue, green and red, each pixel the mean of four; None where the JPEG has no brightness and colours, but one
        channel or three of another kind.

    Raises
    ------
    DamagedJpegError
        As `decode_grey` raises it.

    """
    if not _is_ycc(jpeg):
        return decode_grey(jpeg), None
    ycc = decoded(_as_rgb(jpeg), "RGB")
    return cv2.extractChannel(ycc, 0), cv2.transform(halved(ycc), _YCC_TO_BGR)


def halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture at half the size, each pixel the mean of four. An odd last row or column counts twice."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    size = (picture.shape[1] // 2, picture.shape[0] // 2)
    smaller: NDArray[np.uint8] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return smaller


def _as_rgb(jpeg: bytes) -> bytes:
    """Return a JPEG of three channels with a header by which they are red, green and blue."""
    parts, at = [JPEG_START, _ADOBE_RGB], 2
    while True:
        begin = at
        at, marker = next_segment(jpeg, at)
        if marker == SCAN:
            return b"".join([*parts, jpeg[begin:]])
        at += segment_length(jpeg, at)
        if marker not in _SAYS_SPACE:
            parts.append(jpeg[begin:at])


def _is_ycc(jpeg: bytes) -> bool:
    try:
        return space_of(jpeg) == "YCBCR"
    except DamagedJpegError:
        return False
