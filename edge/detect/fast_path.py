"""The fast path: compact spikes that stand in the middle one of three frames only, over the whole picture.

A hit of radiation is in one frame. With the greys p, c, n of three consecutive frames the spike c − max(p, n) is what
the middle frame alone has; |n − p| holds nothing of it and is motion. A scene that only brightens has no spike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.detect.hit import Candidate
from edge.detect.noise import BLOCK, block_means, fine_block_means, noise_of_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.bundle import CandidateRules
    from edge.capture.frame import Image
    from edge.detect.noise import Blocks, NoiseMap

Indices: TypeAlias = "NDArray[np.intp]"

REACH = 4
"""A candidate is the brightest spike within so many pixels of it, and its surroundings are as wide."""
_MOTION_SIGMAS = 2.5
_LEAST_MOTION_DN = 4.0
_SATURATED_DN = 250
_MOST_POINTS_SHARE = 1 / 200
_BACKGROUND_WIDTH = 31


@dataclass(frozen=True, slots=True)
class FastPathResult:
    """Where a hit may be, and where one would have been seen.

    Attributes
    ----------
    candidates : tuple of Candidate
        The most promising first.
    live : bool array, shape (ceil(height / 8), ceil(width / 8))
        Blocks that neither move nor are saturated nor masked.
    live_fraction : float
        Share of live blocks, 0..1.
    motion_dn : float32 array, shape as live
        Mean |next − previous| of each block, grey levels.

    """

    candidates: tuple[Candidate, ...]
    live: NDArray[np.bool_] = field(repr=False)
    live_fraction: float
    motion_dn: Blocks = field(repr=False)

    def is_live(self, x: int, y: int) -> bool:
        """Tell whether the pixel (x, y) lies on live ground."""
        return bool(self.live[y // BLOCK, x // BLOCK])


def find_candidates(
    previous: Image,
    current: Image,
    following: Image,
    rules: CandidateRules,
    *,
    noise: NoiseMap | None = None,
    mask: Image | None = None,
) -> FastPathResult:
    """Find the compact spikes of the middle frame.

    Parameters
    ----------
    previous, current, following : uint8 arrays, shape (height, width), both at least 8
    rules : CandidateRules
    noise : NoiseMap or None
        What is known of the camera, its mask included; None judges it from these frames.
    mask : uint8 array, shape (height, width), or None
        Not 0 where nothing is to be looked at; for calls without a `noise`.

    """
    known = noise if noise is not None else noise_of_pair(previous, following, rules, mask)
    spike = cv2.subtract(current, cv2.max(previous, following))
    moved = cv2.absdiff(previous, following)
    motion = fine_block_means(moved)
    live = _live_ground(motion, block_means(current), known)
    ys, xs = _peaks(spike, known.floor_dn)
    candidates = _describe((spike, moved), (ys, xs), rules, known)
    return FastPathResult(candidates, live, float(np.count_nonzero(live)) / live.size, motion)


def _live_ground(motion: Blocks, brightness: Image, noise: NoiseMap) -> NDArray[np.bool_]:
    still = motion <= np.maximum(_MOTION_SIGMAS * noise.sigma_dn, _LEAST_MOTION_DN)
    live: NDArray[np.bool_] = still & (brightness < _SATURATED_DN) & noise.open_blocks
    return live


def _peaks(spike: Image, floor_dn: Image) -> tuple[Indices, Indices]:
    """Give rows and columns of the spikes above the floor that are the highest of their surroundings."""
    excess = cv2.subtract(spike, floor_dn)
    if cv2.countNonZero(excess) > max(excess.size * _MOST_POINTS_SHARE, 1):
        # The whole frame flashed or shook: only what stands out of its surroundings may still be a hit.
        around = cv2.blur(spike, (_BACKGROUND_WIDTH, _BACKGROUND_WIDTH))
        excess = cv2.subtract(cv2.subtract(spike, around), floor_dn)
    at = _nonzero(excess)
    size = 2 * REACH + 1
    highest = cv2.dilate(spike, np.ones((size, size), np.uint8)).ravel()[at]
    at = at[spike.ravel()[at] == highest]
    ys, xs = np.divmod(at, spike.shape[1])
    return _first_of_equals(ys, xs)


def _nonzero(picture: Image) -> Indices:
    """Find the few pixels that are not 0; eight at a time, which is six times faster than numpy.flatnonzero."""
    flat = np.ascontiguousarray(picture).ravel()
    whole = flat.size // 8 * 8
    words = np.flatnonzero(flat[:whole].view(np.uint64) != 0)
    near = (words[:, None] * 8 + np.arange(8)).ravel()
    near = np.concatenate([near, np.arange(whole, flat.size)])
    found: Indices = near[flat[near] != 0]
    return found


def _first_of_equals(ys: Indices, xs: Indices) -> tuple[Indices, Indices]:
    """Keep one of neighbouring peaks of equal height: a saturated spot has several."""
    taken: set[tuple[int, int]] = set()
    keep = np.ones(ys.size, bool)
    for i, (y, x) in enumerate(zip(ys.tolist(), xs.tolist(), strict=True)):
        cell = (y // REACH, x // REACH)
        near = {(cell[0] + dy, cell[1] + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
        if taken.isdisjoint(near):
            taken.add(cell)
        else:
            keep[i] = False
    return ys[keep], xs[keep]


def _describe(
    pictures: tuple[Image, Image], peaks: tuple[Indices, Indices], rules: CandidateRules, noise: NoiseMap
) -> tuple[Candidate, ...]:
    spike, moved = pictures
    ys, xs = peaks
    if not ys.size:
        return ()
    height, width = spike.shape
    offsets = np.arange(-REACH, REACH + 1)
    rows = np.clip(ys[:, None] + offsets, 0, height - 1)[:, :, None]
    columns = np.clip(xs[:, None] + offsets, 0, width - 1)[:, None, :]
    heights = spike[ys, xs].astype(np.float32)
    pixels = np.count_nonzero(spike[rows, columns] > heights[:, None, None] / 2, axis=(1, 2))
    motion = moved[rows, columns].mean(axis=(1, 2), dtype=np.float32)
    sigma = noise.sigma_dn[ys // BLOCK, xs // BLOCK]
    promise = heights / (sigma + motion)
    wanted = (pixels <= rules.max_pixels) & (motion <= rules.max_motion_dn)
    order = [int(i) for i in np.argsort(-promise, kind="stable") if wanted[i]]
    return tuple(
        Candidate(int(xs[i]), int(ys[i]), float(heights[i]), int(pixels[i]), float(motion[i]), float(promise[i]))
        for i in order
    )
