"""The fast path: it finds compact spikes that stand in the middle one of three frames only, in the whole picture.

A hit of radiation is in one frame. With the greys p, c, n of three consecutive frames, the spike c − max(p, n) is what
only the middle frame has. |n − p| holds nothing of it and is motion. A scene that only brightens has no spike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.compact import HALO_PX, compact_excess
from edge.detect.companions import are_moving
from edge.detect.describe import TILE, by_promise, compact_candidates, describe
from edge.detect.moving_ground import above_noise, moving_ground
from edge.detect.noise_map import BLOCK, fine_block_means
from edge.detect.shaking import is_shaken
from edge.detect.steady import steadied
from edge.detect.sweep import points_of_flash, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.field import Field, FieldWatch
    from edge.detect.hit import Candidate
    from edge.detect.manifest import CandidateRules
    from edge.detect.noise_map import Blocks, NoiseMap
    from edge.detect.sweep import Indices, Sweep
    from edge.detect.view import Greys

_SATURATED_DN, _SATURATED_SHARE = 250, 0.5
_MAX_MOVING_SHARE = 0.6
"""A shaken picture that cannot be steadied, and of which more moves, is live nowhere."""
_MAX_RESTING_SHARE = 1 / 200
"""A steady camera sees fewer pixels above their floor, so that shaking is looked for beyond this share."""
_MIN_FIXED_SHARE = 1 / 4
_MAX_POINTS_SHARE = 1 / 20
_MAX_POINTS = 20_000
_SPOT_PX = 5
"""Spots of a strong field are narrower than this, and are taken out of what counts as motion."""


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
    greys : three uint8 arrays, shape (height, width)
        The frames in which candidates were found: those given, steadied where the camera shook.
    stirred : bool array, shape as live, or None
        Blocks that are not live because something moves there, and for nothing else; None where that is not known.
    shaken : bool
        Whether the whole camera moved. Such a frame does not show its noise.
    field : Field or None
        What the frames show of a strong field; None where none is likely.
    searched : float
        Share of the picture in which candidates were looked for: less than 1 in a strong field only.
    falling : bool
        Whether falling rain or snow was found.

    """

    candidates: tuple[Candidate, ...]
    live: NDArray[np.bool_] = field(repr=False)
    live_fraction: float
    motion_dn: Blocks = field(repr=False)
    brightness: Image = field(repr=False)
    greys: Greys = field(repr=False)
    stirred: NDArray[np.bool_] | None = field(default=None, repr=False)
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

    def is_stirred(self, x: int, y: int) -> bool:
        """Return whether the pixel (x, y) would lie on live ground if nothing moved there."""
        return self.stirred is not None and bool(self.stirred[y // BLOCK, x // BLOCK])

    @property
    def stirred_fraction(self) -> float:
        """Share of stirred blocks, 0..1."""
        return float(np.mean(self.stirred)) if self.stirred is not None else 0.0


def find_candidates(
    greys: Greys,
    rules: CandidateRules,
    noise: NoiseMap,
    field_watch: FieldWatch | None = None,
    mask: Image | None = None,
) -> FastPathResult:
    """Find the compact spikes of the middle frame, and the ground on which a hit would have been seen.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width), both at least 8
        Previous, current and next frame.
    rules : CandidateRules
        Only `max_pixels` is read here. The smallest spike is already in `noise`, which has to be made with the same
        rules.
    noise : NoiseMap
        Noise of the camera and its mask; `edge.detect.noise_map.noise_of_pair` estimates it from two frames.
    field_watch : FieldWatch or None
        Looks for a strong field; None never does.
    mask : uint8 array, shape (height, width), or None
        Not 0 at pixels that are black in `greys` because they are masked.

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
    swept = sweep(greys, noise.floor_dn)
    field = field_watch.look(greys, swept.points.size, noise) if field_watch is not None else None
    falling = field is not None and field.falls
    if field is not None and field.overloads:
        in_field = _find_in_field(greys, rules, noise, swept, field)
        if not are_moving(greys, in_field.candidates, noise):
            return in_field
        field, falling = None, True
    shaken = swept.points.size > max(greys[1].size * _MAX_RESTING_SHARE, 1) and is_shaken(*greys)
    steady = steadied(greys, mask) if shaken else None
    if steady is None:
        return replace(_find(greys, rules, noise, swept, shaken=shaken, field=field), falling=falling)
    found = _find(steady, rules, noise, sweep(steady, noise.floor_dn), shaken=False, field=field)
    return replace(found, candidates=_not_fixed(found.candidates, greys), falling=falling)


def _find(
    greys: Greys, rules: CandidateRules, noise: NoiseMap, swept: Sweep, *, shaken: bool, field: Field | None
) -> FastPathResult:
    """Find the candidates and the live ground of frames outside of a strong field."""
    flashed = swept.points.size > greys[1].size * _MAX_POINTS_SHARE
    points = points_of_flash(greys, noise.floor_dn) if flashed else swept.points
    candidates = describe(greys, points, rules, noise)
    moving = moving_ground(greys, swept.motion_dn, points, candidates, noise)
    candidates = by_promise(candidates + compact_candidates(greys, moving, candidates, noise))
    blind = shaken and bool(np.count_nonzero(moving) > moving.size * _MAX_MOVING_SHARE)
    if shaken:
        moving = np.ones_like(moving) if blind else _widened(moving)
    seen = (swept.brightness < _SATURATED_DN) & noise.open_blocks
    live = ~moving & seen
    live_fraction = float(np.count_nonzero(live)) / live.size
    stirred = None if blind else moving & seen
    return FastPathResult(
        candidates, live, live_fraction, swept.motion_dn, swept.brightness, greys, stirred, blind, field
    )


def _widened(blocks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the blocks that are marked or lie within two blocks of a marked one."""
    widened: NDArray[np.bool_] = cv2.dilate(blocks.astype(np.uint8), np.ones((5, 5), np.uint8)) != 0
    return widened


def _not_fixed(candidates: tuple[Candidate, ...], greys: Greys) -> tuple[Candidate, ...]:
    """Return the candidates of steadied frames that stand out of the frames as they came, too.

    A hot pixel stays at its place while the picture moves, so that it looks like a hit in steadied frames.
    """
    return tuple(
        candidate for candidate in candidates if _stands_out(greys, candidate) >= _MIN_FIXED_SHARE * candidate.spike_dn
    )


def _stands_out(greys: Greys, candidate: Candidate) -> float:
    """Return the grey levels by which a candidate exceeds the frames beside it: as a spike, or as a compact spot."""
    x, y = candidate.x, candidate.y
    left, top = max(x - HALO_PX, 0), max(y - HALO_PX, 0)
    window = (slice(top, y + HALO_PX + 1), slice(left, x + HALO_PX + 1))
    previous, current, following = (grey[window] for grey in greys)
    place = (y - top, x - left)
    spike = int(current[place]) - int(max(previous[place], following[place]))
    if spike >= _MIN_FIXED_SHARE * candidate.spike_dn:
        return float(spike)
    return float(compact_excess((previous, current, following))[place])


def _find_in_field(greys: Greys, rules: CandidateRules, noise: NoiseMap, swept: Sweep, field: Field) -> FastPathResult:
    """Find candidates among so many hits that those of the frames before and after would look like motion.

    Compact spots are taken out of |next − previous| before it counts as motion. Where there are more points than can be
    described, only some tiles of the picture are searched, chosen evenly.
    """
    previous, current, following = greys
    change = cv2.erode(cv2.absdiff(previous, following), np.ones((_SPOT_PX, _SPOT_PX), np.uint8))
    motion = fine_block_means(change)
    moving = above_noise(motion, noise)
    live = ~moving & (swept.brightness < _SATURATED_DN) & noise.open_blocks
    points, searched = _sampled(swept.points, current.shape)
    candidates = describe(greys, points, rules, noise) if not field.floods else ()
    live_fraction = float(np.count_nonzero(live)) / live.size
    return FastPathResult(
        candidates, live, live_fraction, motion, swept.brightness, greys, field=field, searched=searched
    )


def _sampled(points: Indices, shape: tuple[int, ...]) -> tuple[Indices, float]:
    """Return the points of as many tiles as can be described, and the share of the tiles; the same for the same points.

    Tiles are taken at equal steps in a fixed order of chance, so that they lie evenly over the picture.
    """
    if points.size <= _MAX_POINTS:
        return points, 1.0
    height, width = shape
    across = -(-width // TILE)
    tiles = across * -(-height // TILE)
    wanted = max(int(tiles * _MAX_POINTS / points.size), 1)
    chosen = np.zeros(tiles, bool)
    chosen[np.random.default_rng(points.size).permutation(tiles)[:wanted]] = True
    of_tile = points // (width * TILE) * across + points % width // TILE
    return points[chosen[of_tile]], wanted / tiles
