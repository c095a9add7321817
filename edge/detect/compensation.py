"""Motion compensation: where the surroundings of a candidate were in the frames before and after, by block matching."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

SEARCH_PX = 7
"""Largest shift that is tried, in each direction."""
_CONTEXT_PX = 11
MIN_SIZE_PX = 2 * _CONTEXT_PX + 1
"""Smallest side of a patch that holds the block."""
_SPOT_PX = 4
"""The block reaches so far from the candidate; the spot in its middle is left out, or a hit would not be matched."""
_PIXELS = (2 * _CONTEXT_PX + 1) ** 2 - (2 * _SPOT_PX + 1) ** 2
_COARSE = 2
_MIN_DIFFERENCE_DN = 4.0
"""Mean difference of a pixel below which nothing moves, so that no shift is tried."""
_MIN_GAIN = 0.7
"""A shift is taken where it leaves less than this share of the difference without one.

Else fixed points that blink would be shifted onto their neighbours.
"""


def compensated(greys: Image, size: int) -> Image:
    """Return the middle of patches, with the frames beside it moved to where they fit best.

    The sum of absolute differences around the candidate decides: at half the size first, then by single pixels.

    Parameters
    ----------
    greys : uint8 array, shape (n, size + 14, size + 14, 3)
        Previous, current and next grey, the candidate in the very middle.
    size : int
        Side of the returned patches, at least `MIN_SIZE_PX`.

    Returns
    -------
    uint8 array, shape (n, size, size, 2)
        Previous and next grey of each pixel of the middle patch, compensated.

    Examples
    --------
    A scene that moves by three pixels a frame stands still afterwards:

    >>> scene = np.random.default_rng(1).integers(0, 255, (47, 60), np.uint8)
    >>> greys = np.stack([scene[:, 6 - 3 * i : 53 - 3 * i] for i in range(3)], axis=-1)[None]
    >>> still = compensated(greys, 33)
    >>> bool((still[0, ..., 0] == greys[0, 7:-7, 7:-7, 1]).all())
    True

    """
    moved = np.empty((len(greys), size, size, 2), np.uint8)
    if not len(greys):
        return moved
    before, middle, after = (np.ascontiguousarray(greys[..., frame]) for frame in range(3))
    which = np.arange(len(greys))
    for channel, beside in enumerate((before, after)):
        down, right = _shifts(middle, beside)
        windows = sliding_window_view(beside, (size, size), axis=(1, 2))
        moved[..., channel] = windows[which, down + SEARCH_PX, right + SEARCH_PX]
    return moved


def _shifts(middle: Image, beside: Image) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the shift of each patch, down and to the right: (n,) each."""
    centre = middle.shape[1] // 2
    block = slice(centre - _CONTEXT_PX, centre + _CONTEXT_PX + 1)
    resting = _differences(middle[:, block, block], beside[:, block, block], _SPOT_PX)[:, 0]
    moving = np.flatnonzero(resting > _MIN_DIFFERENCE_DN * _PIXELS)
    shifts = np.zeros((len(middle), 2), np.intp)
    if moving.size:
        found, left = _best_shifts(middle[moving], beside[moving])
        fits = left < _MIN_GAIN * resting[moving]
        shifts[moving[fits]] = found[fits]
    return shifts[:, 0], shifts[:, 1]


def _best_shifts(middle: Image, beside: Image) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the shift of each patch that leaves least, (n, 2), and what it leaves, (n,)."""
    centre = middle.shape[1] // 2
    ours, theirs = _halved(middle, centre), _halved(beside, centre)
    reach, block, middle_of = SEARCH_PX // _COARSE, _CONTEXT_PX // _COARSE, ours.shape[1] // 2
    around = slice(middle_of - block - reach, middle_of + block + reach + 1)
    inner = slice(middle_of - block, middle_of + block + 1)
    sums = _differences(ours[:, inner, inner], theirs[:, around, around], _SPOT_PX // _COARSE)
    best = _COARSE * (np.stack(np.divmod(sums.argmin(axis=1), 2 * reach + 1), axis=1) - reach)
    side = np.arange(-_CONTEXT_PX - 1, _CONTEXT_PX + 2) + centre
    rows = side[None, :, None] + best[:, 0, None, None]
    columns = side[None, None, :] + best[:, 1, None, None]
    near = beside[np.arange(len(middle))[:, None, None], rows, columns]
    inner = slice(centre - _CONTEXT_PX, centre + _CONTEXT_PX + 1)
    sums = _differences(middle[:, inner, inner], near, _SPOT_PX)
    finest = sums.argmin(axis=1)
    return best + np.stack(np.divmod(finest, 3), axis=1) - 1, sums[np.arange(len(middle)), finest]


def _halved(patch: Image, centre: int) -> Image:
    """Return patches at half the size, the candidate in the very middle, uint8."""
    first = centre % _COARSE
    even = patch[:, first:, first:].astype(np.uint16)
    side = even.shape[1] // _COARSE * _COARSE
    even = even[:, :side, :side]
    total = even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]
    halved: Image = (total // 4).astype(np.uint8)
    return halved


def _differences(ours: Image, theirs: Image, spot: int) -> NDArray[np.float32]:
    """Return the sums of absolute differences of blocks (n, s, s) for all shifts in wider ones (n, s + k, s + k).

    The spot in the middle is left out. The result has the shape (n, (k + 1)²), row by row.
    """
    count, side = ours.shape[:2]
    (own,), places = _places(side, side, spot), _places(side, theirs.shape[1], spot)
    still = np.take(ours.reshape(count, -1), own, axis=1, mode="clip")
    shifted = np.take(theirs.reshape(count, -1), places, axis=1, mode="clip")
    change = cv2.absdiff(shifted.reshape(-1, own.size), np.repeat(still, len(places), axis=0))
    sums: NDArray[np.float32] = cv2.reduce(change, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    return sums.reshape(count, -1)


@lru_cache(maxsize=8)
def _places(side: int, wide: int, spot: int) -> NDArray[np.intp]:
    """Return the flat indices, in a block of `wide` pixels, of a block of `side` without its spot, for each shift."""
    ring = np.ones((side, side), bool)
    ring[side // 2 - spot : side // 2 + spot + 1, side // 2 - spot : side // 2 + spot + 1] = False
    rows, columns = np.nonzero(ring)
    down, right = np.divmod(np.arange((wide - side + 1) ** 2), wide - side + 1)
    return (rows + down[:, None]) * wide + columns + right[:, None]
