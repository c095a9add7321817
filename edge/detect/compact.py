"""Compact spots on moving ground: brighter than any spot near their place in the frames before and after.

Where bright things move, a neighbouring frame is often brighter than a hit, and c − max(p, n) is 0. The white top-hat
of a frame, the frame less its opening, keeps only what is narrower than the opening's window. A hit has more of it
than anything within a few pixels in the frames before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.view import Greys

_Run: TypeAlias = tuple[int, int, int]

OPENING_PX = 7
NEARBY_PX = 9
HALO_PX = OPENING_PX + NEARBY_PX
"""The excess at a pixel depends on pixels up to about so far away."""
_MAX_LAID_PX = 4096
_OUTSIDE = 255
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
    places, heights = [np.empty(0, np.intp)], [np.empty(0, np.uint8)]
    for runs in _batches(_runs(tiles), tile_px):
        found, tall = _peaks_of(greys, floor_dn, runs, tile_px)
        places.append(found)
        heights.append(tall)
    return np.concatenate(places), np.concatenate(heights)


def _peaks_of(
    greys: Greys, floor_dn: Image, runs: Sequence[_Run], tile_px: int
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Find the peaks of some runs of tiles, laid side by side, as each call would make other threads wait.

    Each run brings its halo. What lies outside of the picture is 255 where the lowest is looked for, and else 0, so
    that it never counts.
    """
    (height, width), side = floor_dn.shape, tile_px + 2 * HALO_PX
    starts = np.concatenate([[0], np.cumsum([(right - left) * tile_px + 2 * HALO_PX for _, left, right in runs])])
    laid = np.full((len(greys), side, starts[-1]), _OUTSIDE, np.uint8)
    floor = np.full(laid.shape[1:], _OUTSIDE, np.uint8)
    outside: list[tuple[slice, slice]] = []
    for (row, left, right), start, end in zip(runs, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        y0, x0 = row * tile_px - HALO_PX, left * tile_px - HALO_PX
        top, bottom = max(y0, 0), min(y0 + side, height)
        first, last = max(x0, 0), min(x0 + end - start, width)
        window = (slice(top - y0, bottom - y0), slice(first - x0 + start, last - x0 + start))
        for layer, grey in zip(laid, greys, strict=True):
            layer[window] = grey[top:bottom, first:last]
        own = slice(start, end)
        outside += [
            *((slice(0, top - y0), own), (slice(bottom - y0, side), own)),
            *((slice(0, side), slice(start, first - x0 + start)), (slice(0, side), slice(last - x0 + start, end))),
        ]
        low, beyond = min((row + 1) * tile_px, height), min(right * tile_px, width)
        inner = (slice(HALO_PX, low - y0), slice(HALO_PX + start, beyond - x0 + start))
        floor[inner] = floor_dn[row * tile_px : low, left * tile_px : beyond]
    excess = _excess_inside(laid, outside)
    above = cv2.findNonZero(cv2.subtract(excess, floor))
    if above is None:
        return np.empty(0, np.intp), np.empty(0, np.uint8)
    xs, ys = above.reshape(-1, 2).T.astype(np.intp)  # OpenCV 4 gives them another shape than OpenCV 5
    tall = excess[ys, xs]
    peaks = np.flatnonzero(tall == cv2.dilate(excess, _NEARBY)[ys, xs])
    of_run = np.searchsorted(starts, xs[peaks], side="right") - 1
    peaks, of_run = (values[np.argsort(of_run, kind="stable")] for values in (peaks, of_run))
    rows, lefts = (np.array([run[part] for run in runs], np.intp) * tile_px - HALO_PX for part in (0, 1))
    return (ys[peaks] + rows[of_run]) * width + xs[peaks] - starts[of_run] + lefts[of_run], tall[peaks]


def _excess_inside(laid: Image, outside: Sequence[tuple[slice, slice]]) -> Image:
    """Return `compact_excess` of three pictures laid one below the other, and 0 where they are outside."""
    eroded, hats = (np.empty_like(laid) for _ in range(2))
    column = laid.reshape(-1, laid.shape[2])
    cv2.erode(column, _OPENING, dst=eroded.reshape(column.shape))
    _clear(eroded, outside)
    cv2.subtract(column, cv2.dilate(eroded.reshape(column.shape), _OPENING), dst=hats.reshape(column.shape))
    _clear(hats, outside)
    before, middle, after = hats
    excess: Image = cv2.subtract(middle, cv2.dilate(cv2.max(before, after), _NEARBY))
    return excess


def _clear(layers: Image, parts: Sequence[tuple[slice, slice]]) -> None:
    for rows, columns in parts:
        if rows.start < rows.stop and columns.start < columns.stop:
            layers[:, rows, columns] = 0


def _batches(runs: Sequence[_Run], tile_px: int) -> Iterator[Sequence[_Run]]:
    """Yield the runs in parts of limited width, which limits the memory."""
    part: list[_Run] = []
    width = 0
    for run in runs:
        wide = (run[2] - run[1]) * tile_px + 2 * HALO_PX
        if part and width + wide > _MAX_LAID_PX:
            yield part
            part, width = [], 0
        part.append(run)
        width += wide
    if part:
        yield part


def _runs(tiles: NDArray[np.bool_]) -> list[_Run]:
    """Return runs of neighbouring tiles of a row: (row, first column, column after the last)."""
    bordered = np.zeros((tiles.shape[0], tiles.shape[1] + 2), np.int8)
    bordered[:, 1:-1] = tiles
    rows, edges = np.nonzero(np.diff(bordered, axis=1))
    return list(zip(rows[::2].tolist(), edges[::2].tolist(), edges[1::2].tolist(), strict=True))
