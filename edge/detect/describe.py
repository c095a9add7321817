"""From pixels above their floor to candidates: the highest pixel of each spot, described by its surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.compact import compact_peaks
from edge.detect.hit import Candidate, positions
from edge.detect.noise_map import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.manifest import CandidateRules
    from edge.detect.noise_map import NoiseMap
    from edge.detect.sweep import Indices
    from edge.detect.view import Greys

REACH = 4
"""A candidate is the brightest spike within this many pixels, and its surroundings are as wide."""
TILE = 64
"""Moving ground is examined in tiles of 64×64 pixels."""
_SAME_PX = 2


def describe(greys: Greys, points: Indices, rules: CandidateRules, noise: NoiseMap) -> tuple[Candidate, ...]:
    """Return a candidate for each point that is the highest of its surroundings, the most promising first."""
    if not points.size:
        return ()
    height, width = greys[1].shape
    points = _highest_of_cells(greys, points)
    ys, xs = np.divmod(points, width)
    reach = np.arange(-REACH, REACH + 1)
    window = np.clip(ys[:, None] + reach, 0, height - 1)[:, :, None] * width
    window = window + np.clip(xs[:, None] + reach, 0, width - 1)[:, None, :]
    previous, current, following = (grey.ravel()[window] for grey in greys)
    spike = cv2.subtract(current, cv2.max(previous, following)).reshape(current.shape)
    heights = spike[:, REACH, REACH]
    tall = heights[:, None, None]
    highest = heights == spike.max(axis=(1, 2), initial=0)
    # Of neighbouring peaks of equal height, as a saturated spot has them, the first one stands for all.
    second = ((spike == tall) & (window < points[:, None, None])).any(axis=(1, 2))
    stands_out = heights - _ring_means(spike) > noise.floor_dn.ravel()[points]
    motion = cv2.absdiff(previous, following).reshape(current.shape).mean(axis=(1, 2), dtype=np.float32)
    pixels = np.count_nonzero(spike > tall // 2, axis=(1, 2))
    sigma = noise.sigma_dn[ys // BLOCK, xs // BLOCK]
    promise = heights / (sigma + motion)
    wanted = highest & ~second & stands_out & (pixels <= rules.max_pixels)
    chosen = np.flatnonzero(wanted)
    chosen = chosen[np.argsort(-promise[chosen], kind="stable")]
    columns = (xs, ys, heights, pixels, motion, promise)
    described = zip(*(column[chosen].tolist() for column in columns), strict=True)
    return tuple(Candidate(x, y, float(spike_dn), *rest) for x, y, spike_dn, *rest in described)


def compact_candidates(
    greys: Greys, moving: NDArray[np.bool_], candidates: tuple[Candidate, ...], noise: NoiseMap
) -> tuple[Candidate, ...]:
    """Find the compact spots of moving ground that are no spikes, because a neighbouring frame is brighter there."""
    points, heights = compact_peaks(greys, noise.floor_dn, _tiles_with(moving), TILE)
    if not points.size:
        return ()
    new = _apart(points, candidates, greys[1].shape)
    points, heights = points[new], heights[new].astype(np.float64)
    ys, xs = np.divmod(points, greys[1].shape[1])
    rows, row_inside = _window(ys, greys[1].shape[0])
    columns, column_inside = _window(xs, greys[1].shape[1])
    inside = row_inside[:, :, None] & column_inside[:, None, :]
    previous, current, following = (grey[rows[:, :, None], columns[:, None, :]] for grey in greys)
    moved = np.maximum(previous, following) - np.minimum(previous, following)
    motion = np.sum(moved, axis=(1, 2), where=inside, dtype=np.int64) * (1.0 / np.count_nonzero(inside, axis=(1, 2)))
    high = current > (current[:, REACH, REACH] - heights / 2)[:, None, None]
    pixels = np.count_nonzero(high & inside, axis=(1, 2))
    promise = heights / (noise.sigma_dn[ys // BLOCK, xs // BLOCK].astype(np.float64) + motion)
    described = zip(*(column.tolist() for column in (xs, ys, heights, pixels, motion, promise)), strict=True)
    return tuple(Candidate(*each) for each in described)


def _apart(points: Indices, candidates: tuple[Candidate, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which points are farther than 2 pixels from any candidate, shape (n,)."""
    height, width = shape
    xs, ys = positions(candidates)
    reach = np.arange(-_SAME_PX, _SAME_PX + 1)
    near = np.zeros(height * width, bool)
    rows, columns = np.clip(ys[:, None] + reach, 0, height - 1), np.clip(xs[:, None] + reach, 0, width - 1)
    near[rows[:, :, None] * width + columns[:, None, :]] = True
    return ~near[points]


def _window(middles: Indices, length: int) -> tuple[Indices, NDArray[np.bool_]]:
    """Return the rows or columns around each place, and which of them lie in the picture, both of shape (n, 9)."""
    wanted = middles[:, None] + np.arange(-REACH, REACH + 1)
    return np.clip(wanted, 0, length - 1), (wanted >= 0) & (wanted < length)


def by_promise(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return candidates in the order in which they are classified, the most promising first."""
    return tuple(sorted(candidates, key=lambda candidate: -candidate.promise))


def _ring_means(windows: Image) -> NDArray[np.float32]:
    """Return the mean of the outermost pixels of each window, float32 (n,), of uint8 windows (n, side, side).

    Where light flickers or a large thing brightens, the surroundings of a spike are a spike, too.
    """
    side = windows.shape[1]
    edges = np.concatenate([windows[:, 0], windows[:, -1], windows[:, 1:-1, 0], windows[:, 1:-1, -1]], axis=1)
    means: NDArray[np.float32] = edges.sum(axis=1, dtype=np.float32) / np.float32(4 * side - 4)
    return means


def _highest_of_cells(greys: Greys, points: Indices) -> Indices:
    """Return the highest point of each cell of 4×4 pixels, which leaves a few windows instead of thousands."""
    width = greys[1].shape[1]
    previous, current, following = (grey.ravel()[points].astype(np.int32) for grey in greys)
    heights = current - np.maximum(previous, following)
    cells = (points // width // REACH) * (width // REACH + 1) + points % width // REACH
    order = np.lexsort((points, -heights, cells))
    first = np.ones(order.size, bool)
    first[1:] = cells[order[1:]] != cells[order[:-1]]
    return points[order[first]]


def _tiles_with(blocks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the tiles of 64×64 pixels that hold a marked block."""
    side = TILE // BLOCK
    padded = np.pad(blocks, [(0, -length % side) for length in blocks.shape])
    rows, columns = (length // side for length in padded.shape)
    marked: NDArray[np.bool_] = np.any(padded.reshape(rows, side, columns, side), axis=(1, 3))
    return marked
