"""The ground that moved recently: codecs and shadows leave spots there that look like hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.detect.hit import positions
from edge.detect.noise_map import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from edge.detect.noise_map import Blocks

    Ground: TypeAlias = NDArray[np.bool_]

RECENT_S = 2.0
"""Seconds for which motion is remembered. One second and four separate hits from false ones less well."""
_REACH_BLOCKS = 4
_MOVING_SIGMAS = 2.0
"""Mean |next − previous| of a block that moves, in standard deviations of a pixel; 1.13 on average where it rests."""
_MIN_MOVING_DN = 4.0
"""Less is no motion: a bright hit of the frame before or after amounts to as much over the 64 pixels of a block."""
_MIN_AROUND = 4
"""A block moves if this many of the 3×3 around it do: a hit in the frame before or after seldom moves as many."""
_MAX_MOVING_SHARE = 0.5
"""Largest share of the picture that may move. If more changes, the light or the camera did, and nothing is learnt."""


class RecentMotion:
    """Which blocks of the picture moved in the last two seconds.

    Parameters
    ----------
    shape : tuple of int
        (height, width) of the picture. Blocks that its right and lower border cut are left out: they repeat others.

    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._blocks = (-(-shape[0] // BLOCK), -(-shape[1] // BLOCK))
        self._moved_s = np.full((shape[0] // BLOCK, shape[1] // BLOCK), -np.inf)
        self._now_s = 0.0

    def observe(self, motion_dn: Blocks, sigma_dn: Blocks, now_s: float) -> None:
        """Learn from a frame: mean |next − previous| and noise of each block (float32, grey levels), and its time."""
        self._now_s = now_s
        whole = tuple(slice(side) for side in self._moved_s.shape)
        min_dn = np.maximum(_MOVING_SIGMAS * sigma_dn[whole], _MIN_MOVING_DN)
        moves = (motion_dn[whole] > min_dn).astype(np.uint8)
        around = cv2.boxFilter(moves, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        bodies = (moves > 0) & (around >= _MIN_AROUND)
        if bodies.mean() < _MAX_MOVING_SHARE:
            self._moved_s[bodies] = now_s

    def ground(self) -> Ground:
        """Return which blocks lie within four of one that moved recently, (ceil(height / 8), ceil(width / 8))."""
        moved = np.zeros(self._blocks, np.uint8)
        whole = tuple(slice(side) for side in self._moved_s.shape)
        moved[whole] = self._moved_s >= self._now_s - RECENT_S
        if not moved.any():
            return moved.astype(bool)
        reach = 2 * _REACH_BLOCKS + 1
        near: Ground = cv2.dilate(moved, np.ones((reach, reach), np.uint8)) != 0
        return near


def lie_on(ground: Ground, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Return which candidates lie on marked blocks, shape (n,)."""
    xs, ys = positions(candidates)
    on: NDArray[np.bool_] = ground[ys // BLOCK, xs // BLOCK]
    return on
