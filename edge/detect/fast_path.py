"""The fast path: it finds compact spikes that stand in the middle one of three frames only, in the whole picture.

A hit of radiation is in one frame. With the greys p, c, n of three consecutive frames, the spike c − max(p, n) is what
only the middle frame has. |n − p| holds nothing of it and is motion. A scene that only brightens has no spike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edge.detect.companions import are_moving
from edge.detect.hit import Candidate
from edge.detect.noise_map import BLOCK, fine_block_means, sampled_block_means
from edge.detect.shaking import is_shaken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.field import Field, FieldWatch
    from edge.detect.manifest import CandidateRules
    from edge.detect.noise_map import Blocks, NoiseMap
    from edge.detect.view import Greys

Indices: TypeAlias = "NDArray[np.intp]"

REACH = 4
"""A candidate is the brightest spike within this many pixels, and its surroundings are as wide."""
_MOTION_SIGMAS = 2.5
_MIN_MOTION_DN = 4.0
_SATURATED_DN, _SATURATED_SHARE = 250, 0.5
_TILE = 64
_CROWD = 4
"""This many candidates in a tile of 64×64 pixels are seldom radiation, so the tile is examined."""
_MANY_POINTS = 64
"""This many pixels of a tile above their floor are more than a hit has, so the tile is examined, too."""
_DIPS_OF_SHAKING = 0.2
_FLASH_DN = 4.0
_MAX_MOVING_SHARE = 0.5
_STRIP_PIXELS = 1 << 20
_MAX_POINTS_SHARE = 1 / 200
_MAX_POINTS = 20_000
_SPOT_PX = 5
"""Spots of a strong field are narrower than this, and are taken out of what counts as motion."""
_BACKGROUND_WIDTH = 31


@dataclass(frozen=True, slots=True)
class FastPathResult:
    """Where hits may be, and where one would have been seen.

    Attributes
    ----------
    candidates : tuple of Candidate
        The most promising first.
    live : bool array, shape (ceil(height / 8), ceil(width / 8))
        Blocks that do not move or flicker and are neither saturated nor masked.
    live_fraction : float
        Share of live blocks, 0..1.
    motion_dn : float32 array, shape as live
        Mean |next − previous| of each block, grey levels.
    brightness : uint8 array, shape as live
        Mean grey of each block of the middle frame, from four of its pixels.
    shaken : bool
        Whether the whole camera moved. Such a frame does not show its noise.
    field : Field or None
        What the frames show of a strong field; None where none is likely.
    searched : float
        Share of the picture in which candidates were looked for: less than 1 in a strong field only.
    falling : bool
        Whether rain or snow was seen to fall.

    """

    candidates: tuple[Candidate, ...]
    live: NDArray[np.bool_] = field(repr=False)
    live_fraction: float
    motion_dn: Blocks = field(repr=False)
    brightness: Image = field(repr=False)
    shaken: bool = False
    field: Field | None = None
    searched: float = 1.0
    falling: bool = False

    @property
    def overload(self) -> Field | None:
        """The strong field, where there is one."""
        return self.field if self.field is not None and self.field.overloads else None

    @property
    def saturated(self) -> bool:
        """Whether half of the picture or more is saturated."""
        return bool(np.mean(self.brightness >= _SATURATED_DN) >= _SATURATED_SHARE)

    def is_live(self, x: int, y: int) -> bool:
        """Return whether the pixel (x, y) lies on live ground."""
        return bool(self.live[y // BLOCK, x // BLOCK])


def find_candidates(
    greys: Greys, rules: CandidateRules, noise: NoiseMap, field_watch: FieldWatch | None = None
) -> FastPathResult:
    """Find the compact spikes of the middle frame, and the ground on which a hit would have been seen.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width), both at least 8
        Previous, current and next frame.
    rules : CandidateRules
        Only `max_pixels` and `max_motion_dn` are read here. The smallest spike is already in `noise`, which has to be
        made with the same rules.
    noise : NoiseMap
        Noise of the camera and its mask; `edge.detect.noise_map.noise_of_pair` estimates it from two frames.
    field_watch : FieldWatch or None
        Looks for a strong field; None never does.

    Examples
    --------
    >>> from edge.detect.manifest import CandidateRules
    >>> from edge.detect.noise_map import noise_of_pair
    >>> still, struck = np.full((2, 48, 64), 80, np.uint8)
    >>> struck[20, 30] = 140
    >>> noise = noise_of_pair(still, still, CandidateRules())
    >>> found = find_candidates((still, struck, still), CandidateRules(), noise)
    >>> [(candidate.x, candidate.y, candidate.spike_dn) for candidate in found.candidates]
    [(30, 20, 60.0)]

    """
    current = greys[1]
    sweep = _sweep(greys, noise.floor_dn)
    field = field_watch.look(greys, sweep.points.size, noise) if field_watch is not None else None
    falling = field is not None and field.falls
    if field is not None and field.overloads:
        in_field = _find_in_field(greys, rules, noise, sweep, field)
        if not are_moving(greys, in_field.candidates, noise):
            return in_field
        field, falling = None, True
    crowded = sweep.points.size > max(current.size * _MAX_POINTS_SHARE, 1)
    points = _points_of_flash(greys, noise.floor_dn) if crowded else sweep.points
    candidates = _describe(greys, points, rules, noise)
    moving = _moving_ground(greys, sweep.motion_dn, points, candidates, noise)
    shaken = crowded and is_shaken(*greys)
    if shaken:
        moving[:] = True
    live = ~moving & (sweep.brightness < _SATURATED_DN) & noise.open_blocks
    if np.count_nonzero(moving) > moving.size * _MAX_MOVING_SHARE:
        # The camera shook or its exposure changed: spikes on moving ground say nothing now.
        candidates = tuple(candidate for candidate in candidates if live[candidate.y // BLOCK, candidate.x // BLOCK])
    live_fraction = float(np.count_nonzero(live)) / live.size
    return FastPathResult(
        candidates, live, live_fraction, sweep.motion_dn, sweep.brightness, shaken, field, falling=falling
    )


def _find_in_field(greys: Greys, rules: CandidateRules, noise: NoiseMap, sweep: _Sweep, field: Field) -> FastPathResult:
    """Find candidates among so many hits that those of the frames before and after would look like motion.

    Compact spots are taken out of |next − previous| before it counts as motion. Where there are more points than can be
    described, only some tiles of the picture are searched, chosen evenly.
    """
    previous, current, following = greys
    change = cv2.erode(cv2.absdiff(previous, following), np.ones((_SPOT_PX, _SPOT_PX), np.uint8))
    motion = fine_block_means(change)
    moving = motion > np.maximum(_MOTION_SIGMAS * noise.sigma_dn, _MIN_MOTION_DN)
    live = ~moving & (sweep.brightness < _SATURATED_DN) & noise.open_blocks
    points, searched = _sampled(sweep.points, current.shape)
    candidates = _describe(greys, points, rules, noise) if not field.floods else ()
    live_fraction = float(np.count_nonzero(live)) / live.size
    return FastPathResult(candidates, live, live_fraction, motion, sweep.brightness, field=field, searched=searched)


def _sampled(points: Indices, shape: tuple[int, ...]) -> tuple[Indices, float]:
    """Return the points of as many tiles as can be described, and the share of the tiles; the same for the same points.

    Tiles are taken at equal steps in a fixed order of chance, so that they lie evenly over the picture.
    """
    if points.size <= _MAX_POINTS:
        return points, 1.0
    height, width = shape
    across = -(-width // _TILE)
    tiles = across * -(-height // _TILE)
    wanted = max(int(tiles * _MAX_POINTS / points.size), 1)
    chosen = np.zeros(tiles, bool)
    chosen[np.random.default_rng(points.size).permutation(tiles)[:wanted]] = True
    of_tile = points // (width * _TILE) * across + points % width // _TILE
    return points[chosen[of_tile]], wanted / tiles


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What one pass over the whole picture finds: the flat indices of pixels above their floor, and two block means."""

    points: Indices
    motion_dn: Blocks
    brightness: Image


def _sweep(greys: Greys, floor_dn: Image) -> _Sweep:
    """Pass over the picture in strips: they bound the memory, and each costs some calls, for which threads wait."""
    height, width = floor_dn.shape
    rows = max(_STRIP_PIXELS // width // BLOCK, 1) * BLOCK
    brighter, excess = np.empty((2, rows, width), np.uint8)
    points, motion, brightness = [], [], []
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        previous, current, following = (grey[strip] for grey in greys)
        count = strip.stop - top
        cv2.max(previous, following, dst=brighter[:count])
        cv2.subtract(current, brighter[:count], dst=excess[:count])
        cv2.subtract(excess[:count], floor_dn[strip], dst=excess[:count])
        points.append(_nonzero(excess[:count]) + top * width)
        if count >= BLOCK:
            cv2.absdiff(previous, following, dst=brighter[:count])
            motion.append(fine_block_means(brighter[:count]))
            brightness.append(sampled_block_means(current))
    if len(motion) < len(points):  # less than one block is left at the lower border: it repeats its neighbours
        motion.append(motion[-1][-1:])
        brightness.append(brightness[-1][-1:])
    return _Sweep(np.concatenate(points), np.concatenate(motion), np.concatenate(brightness))


def _points_of_flash(greys: Greys, floor_dn: Image) -> Indices:
    """Find the points of a frame that flashed or shook: only those that stand out of their surroundings."""
    previous, current, following = greys
    spike = cv2.subtract(current, cv2.max(previous, following))
    around = cv2.blur(spike, (_BACKGROUND_WIDTH, _BACKGROUND_WIDTH))
    return _nonzero(cv2.subtract(cv2.subtract(spike, around), floor_dn))


def _moving_ground(
    greys: Greys, motion: Blocks, points: Indices, candidates: tuple[Candidate, ...], noise: NoiseMap
) -> NDArray[np.bool_]:
    """Return the blocks that move: by |next − previous|, or by more spikes in a tile than radiation makes."""
    moving: NDArray[np.bool_] = motion > np.maximum(_MOTION_SIGMAS * noise.sigma_dn, _MIN_MOTION_DN)
    height, width = greys[1].shape
    tiles = (-(-height // _TILE), -(-width // _TILE))
    crowd = np.array([place.y // _TILE * tiles[1] + place.x // _TILE for place in candidates], np.intp)
    spikes = points // (width * _TILE) * tiles[1] + points % width // _TILE
    crowded = (np.bincount(crowd, minlength=tiles[0] * tiles[1]) >= _CROWD) | (
        np.bincount(spikes, minlength=tiles[0] * tiles[1]) >= _MANY_POINTS
    )
    if not crowded.any():
        return moving
    rows, columns = np.divmod(np.flatnonzero(crowded), tiles[1])
    blocks = _TILE // BLOCK
    shaking = _shake_or_flash(greys, noise, rows * _TILE, columns * _TILE)
    for row, column in zip(rows[shaking].tolist(), columns[shaking].tolist(), strict=True):
        moving[row * blocks : (row + 1) * blocks, column * blocks : (column + 1) * blocks] = True
    return moving


def _shake_or_flash(greys: Greys, noise: NoiseMap, tops: Indices, lefts: Indices) -> NDArray[np.bool_]:
    """Return which tiles with many spikes shake or flash, which hits do not, shape (n,).

    A camera that shakes to and fro leaves nothing in |next − previous|, but makes pixels of the middle frame darker as
    well as brighter. A flash brightens the whole tile. All tiles are examined at once, as calls for each of them would
    make other threads wait.
    """
    height, width = greys[1].shape
    high, wide = min(_TILE, height), min(_TILE, width)
    ys, xs = np.minimum(tops, height - high), np.minimum(lefts, width - wide)
    count = tops.size
    previous, current, following, floor = (
        sliding_window_view(picture, (high, wide))[ys, xs].reshape(count * high, wide)
        for picture in (*greys, noise.floor_dn)
    )
    # A tile that the border cuts is moved inside; the pixels of its neighbours do not count.
    outside = (np.arange(high) < (tops - ys)[:, None])[:, :, None] | (np.arange(wide) < (lefts - xs)[:, None])[:, None]
    outside = outside.reshape(count * high, wide)
    spike = cv2.subtract(current, cv2.max(previous, following))
    dip = cv2.subtract(cv2.min(previous, following), current)
    spike[outside] = dip[outside] = 0
    spikes, dips, light = (
        np.add.reduce(values.reshape(count, -1), axis=1, dtype=np.int64)
        for values in (cv2.subtract(spike, floor) > 0, cv2.subtract(dip, floor) > 0, spike)
    )
    pixels = np.minimum(_TILE, height - tops) * np.minimum(_TILE, width - lefts)
    sigma = noise.sigma_dn[tops // BLOCK, lefts // BLOCK].astype(np.float64)
    shaking: NDArray[np.bool_] = (dips > _DIPS_OF_SHAKING * spikes) | (light / pixels > _FLASH_DN + sigma)
    return shaking


def _nonzero(picture: Image) -> Indices:
    """Return the flat indices of the few pixels that are not 0, six times faster than numpy.flatnonzero."""
    flat = np.ascontiguousarray(picture).ravel()
    whole = flat.size // 8 * 8
    words = np.flatnonzero(flat[:whole].view(np.uint64) != 0)
    near = (words[:, None] * 8 + np.arange(8)).ravel()
    near = np.concatenate([near, np.arange(whole, flat.size)])
    found: Indices = near[flat[near] != 0]
    return found


def _describe(greys: Greys, at: Indices, rules: CandidateRules, noise: NoiseMap) -> tuple[Candidate, ...]:
    """Return a candidate for each point that is the highest of its surroundings, the most promising first."""
    if not at.size:
        return ()
    height, width = greys[1].shape
    at = _highest_of_cells(greys, at)
    ys, xs = np.divmod(at, width)
    reach = np.arange(-REACH, REACH + 1)
    window = np.clip(ys[:, None] + reach, 0, height - 1)[:, :, None] * width
    window = window + np.clip(xs[:, None] + reach, 0, width - 1)[:, None, :]
    previous, current, following = (grey.ravel()[window] for grey in greys)
    spike = cv2.subtract(current, cv2.max(previous, following)).reshape(current.shape)
    heights = spike[:, REACH, REACH]
    tall = heights[:, None, None]
    highest = heights == spike.max(axis=(1, 2), initial=0)
    # Of neighbouring peaks of equal height, as a saturated spot has them, the first one stands for all.
    second = ((spike == tall) & (window < at[:, None, None])).any(axis=(1, 2))
    stands_out = heights - _ring_means(spike) > noise.floor_dn.ravel()[at]
    motion = cv2.absdiff(previous, following).reshape(current.shape).mean(axis=(1, 2), dtype=np.float32)
    pixels = np.count_nonzero(spike > tall // 2, axis=(1, 2))
    sigma = noise.sigma_dn[ys // BLOCK, xs // BLOCK]
    promise = heights / (sigma + motion)
    wanted = highest & ~second & stands_out & (pixels <= rules.max_pixels) & (motion <= rules.max_motion_dn)
    chosen = np.flatnonzero(wanted)
    chosen = chosen[np.argsort(-promise[chosen], kind="stable")]
    columns = (xs, ys, heights, pixels, motion, promise)
    described = zip(*(column[chosen].tolist() for column in columns), strict=True)
    return tuple(Candidate(x, y, float(spike_dn), *rest) for x, y, spike_dn, *rest in described)


def _ring_means(windows: Image) -> NDArray[np.float32]:
    """Return the mean of the outermost pixels of each window, float32 (n,), of uint8 windows (n, side, side).

    Where light flickers or a large thing brightens, the surroundings of a spike are a spike, too.
    """
    side = windows.shape[1]
    edges = np.concatenate([windows[:, 0], windows[:, -1], windows[:, 1:-1, 0], windows[:, 1:-1, -1]], axis=1)
    means: NDArray[np.float32] = edges.sum(axis=1, dtype=np.float32) / np.float32(4 * side - 4)
    return means


def _highest_of_cells(greys: Greys, at: Indices) -> Indices:
    """Return the highest point of each cell of 4×4 pixels, which leaves a few windows instead of thousands."""
    width = greys[1].shape[1]
    previous, current, following = (grey.ravel()[at].astype(np.int32) for grey in greys)
    heights = current - np.maximum(previous, following)
    cells = (at // width // REACH) * (width // REACH + 1) + at % width // REACH
    order = np.lexsort((at, -heights, cells))
    first = np.ones(order.size, bool)
    first[1:] = cells[order[1:]] != cells[order[:-1]]
    return at[order[first]]
