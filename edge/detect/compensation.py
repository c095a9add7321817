"""Motion compensation: where the surroundings of a candidate were in the frames before and after, by block matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

SEARCH_PX = 7
"""Largest shift that is tried, in each direction."""
_CONTEXT_PX = 11
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
        Side of the returned patches; odd, at least 23.

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
    middle = np.ascontiguousarray(greys[..., 1])
    rows, columns = np.arange(size)[None, :, None], np.arange(size)[None, None, :]
    which = np.arange(len(greys))[:, None, None]
    for channel, beside in enumerate((greys[..., 0], greys[..., 2])):
        down, right = _shifts(middle, np.ascontiguousarray(beside))
        top, left = down[:, None, None] + SEARCH_PX, right[:, None, None] + SEARCH_PX
        moved[..., channel] = beside[which, rows + top, columns + left]
    return moved


def _shifts(middle: Image, beside: Image) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the shift of each patch, down and to the right: (n,) each."""
    resting = _difference(middle, beside, (0, 0), _CONTEXT_PX, _SPOT_PX)
    moving = np.flatnonzero(resting > _MIN_DIFFERENCE_DN * _PIXELS)
    shifts = np.zeros((len(middle), 2), np.intp)
    if moving.size:
        found, left = _best_shifts(middle[moving], beside[moving])
        fits = left < _MIN_GAIN * resting[moving]
        shifts[moving[fits]] = found[fits]
    return shifts[:, 0], shifts[:, 1]


def _best_shifts(middle: Image, beside: Image) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the shift of each patch that leaves least, (n, 2), and what it leaves, (n,)."""
    count, centre = len(middle), middle.shape[1] // 2
    reach = SEARCH_PX // _COARSE
    ours, theirs = _halved(middle, centre), _halved(beside, centre)
    block = _CONTEXT_PX // _COARSE
    tried = [(down, right) for down in range(-reach, reach + 1) for right in range(-reach, reach + 1)]
    sums = np.stack([_difference(ours, theirs, shift, block, _SPOT_PX // _COARSE) for shift in tried])
    best = np.array(tried)[sums.argmin(axis=0)] * _COARSE
    finest, lowest = np.zeros((count, 2), np.intp), np.full(count, np.inf, np.float32)
    for step in ((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)):
        shift = np.clip(best + step, -SEARCH_PX, SEARCH_PX)
        left = _difference_of_each(middle, beside, shift)
        better = left < lowest
        finest[better], lowest[better] = shift[better], left[better]
    return finest, lowest


def _halved(patch: Image, centre: int) -> Image:
    """Return patches at half the size, the candidate in the very middle, uint8."""
    first = centre % _COARSE
    even = patch[:, first:, first:].astype(np.uint16)
    side = even.shape[1] // _COARSE * _COARSE
    even = even[:, :side, :side]
    total = even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]
    halved: Image = (total // 4).astype(np.uint8)
    return halved


def _difference(middle: Image, beside: Image, shift: tuple[int, int], reach: int, spot: int) -> NDArray[np.float32]:
    """Return the sums of absolute differences of all patches for one shift, without the spot: (n,)."""
    centre = middle.shape[1] // 2
    down, right = shift
    block = slice(centre - reach, centre + reach + 1)
    other = (
        slice(None),
        slice(centre - reach + down, centre + reach + 1 + down),
        slice(centre - reach + right, centre + reach + 1 + right),
    )
    ours, theirs = middle[:, block, block], beside[other]
    change = np.maximum(ours, theirs) - np.minimum(ours, theirs)
    change[:, reach - spot : reach + spot + 1, reach - spot : reach + spot + 1] = 0
    sums: NDArray[np.float32] = change.sum(axis=(1, 2), dtype=np.float32)
    return sums


def _difference_of_each(middle: Image, beside: Image, shifts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the sum of absolute differences of each patch for its own shift, without the spot: (n,)."""
    centre, reach = middle.shape[1] // 2, _CONTEXT_PX
    block = slice(centre - reach, centre + reach + 1)
    side = np.arange(-reach, reach + 1) + centre
    rows = side[None, :, None] + shifts[:, 0, None, None]
    columns = side[None, None, :] + shifts[:, 1, None, None]
    theirs = beside[np.arange(len(middle))[:, None, None], rows, columns]
    ours = middle[:, block, block]
    change = np.maximum(ours, theirs) - np.minimum(ours, theirs)
    change[:, reach - _SPOT_PX : reach + _SPOT_PX + 1, reach - _SPOT_PX : reach + _SPOT_PX + 1] = 0
    sums: NDArray[np.float32] = change.sum(axis=(1, 2), dtype=np.float32)
    return sums
