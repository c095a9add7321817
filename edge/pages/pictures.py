"""Pictures within pages: strips of crops in one contrast, and scenes in which nobody can be recognised."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"

NARROW_PX = 17
"""Side of a crop around a hit. It is narrower than a face has to be to be recognised; see `COARSE_COLUMNS`."""
ENLARGED = 8
"""Times that a pixel of a strip is enlarged."""
COARSE_COLUMNS = 96
"""Columns of a blurred scene. A face is recognised from about 20 pixels across (IEC 62676-4, 125 pixels a metre), so
that it would have to fill a fifth of the picture."""
_GAP = 1
_MIN_CONTRAST_DN = 24


def crop(picture: Image, x: int, y: int, side: int) -> Image:
    """Cut a square of an odd side around a pixel; beyond the edge of the picture its last pixels are repeated.

    Examples
    --------
    >>> grey = np.arange(100, dtype=np.uint8).reshape(10, 10)
    >>> crop(grey, 0, 5, 3).tolist()
    [[40, 40, 41], [50, 50, 51], [60, 60, 61]]

    """
    half = side // 2
    rows = np.clip(np.arange(y - half, y + half + 1), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(x - half, x + half + 1), 0, picture.shape[1] - 1)
    cut: Image = picture[rows[:, None], columns]
    return cut


def stretched(pictures: Sequence[NDArray[np.uint8]]) -> list[Image]:
    """Stretch the contrast of pictures alike: the darkest pixel of all becomes 0, the brightest 255.

    Pictures with less contrast than 24 grey levels are stretched as if they had so much.
    """
    low = min(float(picture.min()) for picture in pictures)
    high = max(float(picture.max()) for picture in pictures)
    gain = 255.0 / max(high - low, _MIN_CONTRAST_DN)
    return [np.rint((picture.astype(np.float32) - low) * np.float32(gain)).astype(np.uint8) for picture in pictures]


def strip(pictures: Sequence[NDArray[np.uint8]], marks: Sequence[tuple[int, int] | None] = ()) -> Image:
    """Lay pictures of one size side by side, in one contrast and enlarged 8 times.

    Parameters
    ----------
    pictures : sequence of uint8 arrays, shape (height, width) or (height, width, 3)
    marks : sequence of (x, y) or None
        For each picture the pixel that corners are drawn around.

    Returns
    -------
    uint8 array, shape (8 × height, 8 × widths with a gap between, 3), blue first

    """
    tiles: list[Image] = []
    marks = [*marks, *[None] * (len(pictures) - len(marks))]
    for picture, mark in zip(stretched(pictures), marks, strict=True):
        colour: Image = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        tile: Image = cv2.resize(colour, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_NEAREST)
        if mark is not None:
            _draw_corners(tile, *mark)
        if tiles:
            tiles.append(np.zeros((tile.shape[0], _GAP * ENLARGED // 2, 3), np.uint8))
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def blurred(picture: Image) -> Image:
    """Return a picture of the same size with detail of 96 columns only, so that no face in it can be recognised."""
    height, width = picture.shape[:2]
    columns = min(COARSE_COLUMNS, width)
    rows = max(round(height * columns / width), 1)
    coarse = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    smooth: Image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def as_png(picture: NDArray[np.uint8]) -> str:
    """Return a picture as an address that holds it as PNG."""
    return _address("png", cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())


def as_jpeg(picture: NDArray[np.uint8], quality: int = 80) -> str:
    """Return a picture as an address that holds it as JPEG."""
    return _address("jpeg", cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def _draw_corners(tile: Image, x: int, y: int) -> None:
    """Draw four corners around a pixel of an enlarged tile, which hide nothing of the hit."""
    reach, arm = 4 * ENLARGED, 2 * ENLARGED
    centre_x, centre_y = x * ENLARGED + ENLARGED // 2, y * ENLARGED + ENLARGED // 2
    for side_x in (-1, 1):
        for side_y in (-1, 1):
            corner = (centre_x + side_x * reach, centre_y + side_y * reach)
            for end in ((corner[0] - side_x * arm, corner[1]), (corner[0], corner[1] - side_y * arm)):
                cv2.line(tile, corner, end, (44, 90, 255), 2)


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
