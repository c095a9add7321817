"""The colour of spots: hits fall into single pixels of the colour mosaic, light comes through a lens that blurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Frame, Image
    from edge.detect.hit import Candidate, Hit

_EACH = 4
"""Every fourth pixel of every fourth row tells whether a picture is grey."""
_SPOT = 1
_GROUND = 6
"""Pixels of the halved picture to each side: cameras send colours at half the size."""


def spot_colours(frame: Frame, spots: Sequence[Candidate | Hit], mask: Image | None = None) -> NDArray[np.float64]:
    """Return by how much the colour of each spot differs from its ground's.

    Parameters
    ----------
    frame : Frame
        Frame whose colours are decoded, at half the size.
    spots : sequence of Candidate or Hit
        Their brightest pixels say where they lie.
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels.

    Returns
    -------
    float64 array, shape (n,)
        The greatest distance of a pixel of the spot from the median of its ground in Cr and Cb (ITU-R BT.601), levels
        of 0..255. NaN where the camera gives no colours (at night, many send grey in three channels), where they cannot
        be decoded, or where the mask covers the spot.

    """
    if not frame.has_colours:
        return np.full(len(spots), np.nan)
    try:
        halved = frame.colour_halved()
    except SourceError:  # its grey could be decoded: a hit is not lost for want of its colour
        return np.full(len(spots), np.nan)
    if _is_neutral(halved, mask):
        return np.full(len(spots), np.nan)
    return np.array([_contrast(halved, spot.x // 2, spot.y // 2, mask) for spot in spots])


def _is_neutral(halved: Image, mask: Image | None) -> bool:
    """Return whether the three channels are equal but for JPEG's rounding, by one in 16 of the unmasked pixels."""
    few = halved[::_EACH, ::_EACH].astype(np.int16)
    spread = few.max(axis=2) - few.min(axis=2)
    if mask is not None:
        spread[_masked(mask, 0, 0, halved.shape)[::_EACH, ::_EACH]] = 0
    return int(spread.max()) <= 1


def _contrast(halved: Image, x: int, y: int, mask: Image | None) -> float:
    rows = slice(max(y - _GROUND, 0), y + _GROUND + 1)
    columns = slice(max(x - _GROUND, 0), x + _GROUND + 1)
    chroma = cv2.cvtColor(np.ascontiguousarray(halved[rows, columns]), cv2.COLOR_BGR2YCrCb)[..., 1:].astype(np.float64)
    unmasked = (
        np.ones(chroma.shape[:2], bool) if mask is None else ~_masked(mask, rows.start, columns.start, chroma.shape)
    )
    spot = np.zeros_like(unmasked)
    top, left = y - rows.start, x - columns.start
    spot[max(top - _SPOT, 0) : top + _SPOT + 1, max(left - _SPOT, 0) : left + _SPOT + 1] = True
    if not (unmasked & spot).any():
        return float("nan")
    distance = chroma[unmasked & spot] - np.median(chroma[unmasked], axis=0)
    return float(np.hypot(distance[:, 0], distance[:, 1]).max())


def _masked(mask: Image, top: int, left: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of a part of the halved picture contain a masked pixel, shape (height, width)."""
    height, width = shape[:2]
    part = mask[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)] != 0
    whole = np.zeros((2 * height, 2 * width), bool)
    whole[: part.shape[0], : part.shape[1]] = part
    touched: NDArray[np.bool_] = np.any(whole.reshape(height, 2, width, 2), axis=(1, 3))
    return touched
