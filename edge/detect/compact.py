"""Compact spots on moving ground: brighter than any spot near their place in the frames before and after.

Where bright things move, a neighbouring frame is often brighter than a hit, and c − max(p, n) is 0. The white top-hat
of a frame, the frame less its opening, keeps only what is narrower than the opening's window. A hit has more of it
than anything within a few pixels in the frames before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.view import Greys

OPENING_PX = 7
NEARBY_PX = 9
HALO_PX = OPENING_PX + NEARBY_PX
"""The excess at a pixel depends on pixels up to about so far away."""
_OPENING = np.ones((OPENING_PX, OPENING_PX), np.uint8)
_NEARBY = np.ones((NEARBY_PX, NEARBY_PX), np.uint8)


def compact_excess(greys: Greys) -> Image:
    """Return by how much the spots of the middle frame exceed those near their place in the frames beside it.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width)
        Previous, current and next frame.

    Returns
    -------
    uint8 array, shape (height, width)
        Grey levels; 0 where no spot of the middle frame is higher.

    Examples
    --------
    A spot on a bright thing that was not there before:

    >>> greys = np.full((3, 40, 40), 80, np.uint8)
    >>> greys[1:, :, :30] = 200
    >>> greys[1, 20, 10] = 240
    >>> excess = compact_excess(tuple(greys))
    >>> int(excess[20, 10]), int(np.count_nonzero(excess))
    (40, 1)

    """
    before, middle, after = (top_hat(grey) for grey in greys)
    excess: Image = cv2.subtract(middle, cv2.dilate(cv2.max(before, after), _NEARBY))
    return excess


def top_hat(grey: Image) -> Image:
    """Return the picture less its opening: what is narrower than 7 pixels."""
    narrow: Image = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, _OPENING)
    return narrow


def compact_peaks(
    greys: Greys, floor_dn: Image, tiles: NDArray[np.bool_], tile_px: int
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Find the highest compact spots of some tiles of the picture.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width)
    floor_dn : uint8 array, shape (height, width)
        Grey levels that a spot has to exceed.
    tiles : bool array, shape (ceil(height / tile_px), ceil(width / tile_px))
        Which tiles are searched.
    tile_px : int
        Side of a tile.

    Returns
    -------
    (int array, uint8 array), each of shape (n,)
        Flat indices of the peaks, and their excess.

    """
    height, width = floor_dn.shape
    places, heights = [np.empty(0, np.intp)], [np.empty(0, np.uint8)]
    for row, left, right in _runs(tiles):
        y0, y1 = row * tile_px, min((row + 1) * tile_px, height)
        x0, x1 = left * tile_px, min(right * tile_px, width)
        top, beside = max(y0 - HALO_PX, 0), max(x0 - HALO_PX, 0)
        window = (slice(top, min(y1 + HALO_PX, height)), slice(beside, min(x1 + HALO_PX, width)))
        previous, current, following = (grey[window] for grey in greys)
        excess = compact_excess((previous, current, following))
        above = cv2.subtract(excess, floor_dn[window])
        peaks = (above > 0) & (excess == cv2.dilate(excess, _NEARBY))
        ys, xs = np.nonzero(peaks[y0 - top : y1 - top, x0 - beside : x1 - beside])
        places.append((ys + y0) * width + xs + x0)
        heights.append(excess[ys + y0 - top, xs + x0 - beside])
    return np.concatenate(places), np.concatenate(heights)


def _runs(tiles: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return runs of neighbouring tiles of a row: (row, first column, column after the last)."""
    runs = []
    for row, line in enumerate(tiles):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        runs += [(row, int(left), int(right)) for left, right in zip(edges[::2], edges[1::2], strict=True)]
    return runs
