"""Ground that moved lately: codecs and shadows make spots there like hits, but soft, colourless, in changing light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.classifier import probability
from edge.detect.crops import patches
from edge.detect.noise_map import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.bundle import Decision
    from edge.detect.crops import Indices
    from edge.detect.hit import Candidate
    from edge.detect.noise_map import Blocks
    from edge.detect.spot import Greys

LATELY_S = 2.0
"""One second and four tell less."""
MAX_COLOUR = 25.0
"""More colour than this says no more."""
USUAL_COLOUR = 3.0
"""RawPicture where a camera gives no colours: about the middle of those of real hits."""
MAX_EXTENT = 12.0
MAX_DRIFT_DN = 3.0
"""More extent or drift than this says no more."""
_BORDER_PX = 2
_POINT = 3.0
_GREAT_LIGHT_DN = 500.0
_EXTENT_PX = 7
_FOOT = 0.25
_DRIFT_PX = 33
_DRIFT_GAP_PX = 11
"""At a spot what cameras that smooth in time and codecs leave of it in the next frame is left out."""
_REACH_BLOCKS = 4
_MOVING = 2.0
"""Mean |next − previous| of a block that moves, in standard deviations of a pixel; 1.13 on average where it rests."""
_MIN_MOVING_DN = 4.0
"""Less is no motion: a bright hit of the frame before or after amounts to as much over the 64 pixels of a block."""
_MIN_AROUND = 4
"""Of a moving block and the eight around it, so many move: a hit in the frame before or after seldom moves as many."""
_MAX_MOVING = 0.5
"""Where more of the picture changes, the light or the camera did, and nothing is learnt of what moves in it."""


class RecentMotion:
    """Which blocks of the picture moved in the last two seconds.

    Parameters
    ----------
    shape : tuple of int
        (height, width) of the picture; blocks that its right and lower border cut are left out, for they repeat others.

    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._last_s = np.full(shape, -np.inf)[: shape[0] // BLOCK, : shape[1] // BLOCK]
        self._now_s = 0.0

    def observe(self, motion_dn: Blocks, sigma_dn: Blocks, now_s: float) -> None:
        """Take in a frame: mean |next − previous| and noise of each block (float32, grey levels), and its time."""
        self._now_s = now_s
        whole = tuple(slice(side) for side in self._last_s.shape)
        least = np.maximum(_MOVING * sigma_dn[whole], _MIN_MOVING_DN)
        moves = (motion_dn[whole] > least).astype(np.uint8)
        around = cv2.boxFilter(moves, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        bodies = (moves > 0) & (around >= _MIN_AROUND)
        if bodies.mean() < _MAX_MOVING:
            self._last_s[bodies] = now_s

    def near(self, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
        """Tell which candidates of the frame observed last lie within four blocks of one that moved lately: (n,)."""
        told = np.zeros(len(candidates), bool)
        for i, one in enumerate(candidates):
            row, column = one.y // BLOCK, one.x // BLOCK
            rows = slice(max(row - _REACH_BLOCKS, 0), row + _REACH_BLOCKS + 1)
            columns = slice(max(column - _REACH_BLOCKS, 0), column + _REACH_BLOCKS + 1)
            told[i] = self._last_s[rows, columns].max(initial=-np.inf) >= self._now_s - LATELY_S
        return told


def doubts(decision: Decision, greys: Greys, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Give what spots on ground that moved lately lose of their log odds before their colour is seen, shape (n,).

    `greys` are the previous, current and next frame; see `edge.bundle.Decision`.
    """
    xs, ys = (np.array([getattr(one, axis) for one in candidates], np.intp) for axis in "xy")
    lost = np.zeros(len(candidates))
    if decision.extent_weight:
        lost += decision.extent_weight * np.log(np.minimum(extents(greys, xs, ys), MAX_EXTENT))
    if decision.drift_weight:
        lost += decision.drift_weight * np.log1p(np.minimum(drifts(greys, xs, ys), MAX_DRIFT_DN))
    return lost


def extents(greys: Greys, xs: Indices, ys: Indices) -> NDArray[np.float64]:
    """Give how many pixels as bright as its brightest hold the light of each spot: 1 or more, shape (n,).

    Pixels within 3 of the spot at (x, y) count that rise above both neighbouring frames by a quarter of its height.
    """
    around = patches(greys, xs, ys, _EXTENT_PX).astype(np.int16)
    spike = around[..., 1] - np.maximum(around[..., 0], around[..., 2])
    height = np.maximum(spike[:, _EXTENT_PX // 2, _EXTENT_PX // 2], 1)[:, None, None]
    light: NDArray[np.float64] = np.where(spike > height * _FOOT, spike, 0).sum(axis=(1, 2)) / height[:, 0, 0]
    return np.maximum(light, 1.0)


def entering(greys: Greys, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Tell spots at the border of the picture that the tip of a thing looks like which enters there: shape (n,).

    These are points, of an extent below 3, and great lights, of more than 500 grey levels in all.
    """
    height, width = greys[1].shape
    near = [min(one.x, one.y, width - 1 - one.x, height - 1 - one.y) < _BORDER_PX for one in candidates]
    told = np.asarray(near, bool)
    if told.any():
        xs, ys, heights = (np.array([getattr(one, of) for one in candidates])[told] for of in ("x", "y", "spike_dn"))
        extent = extents(greys, xs, ys)
        told[told] = (extent < _POINT) | (extent * heights > _GREAT_LIGHT_DN)
    return told


def drifts(greys: Greys, xs: Indices, ys: Indices) -> NDArray[np.float64]:
    """Give by how much the light of the ground around each spot changes, grey levels, shape (n,).

    That is |mean of the next frame − mean of the previous one| over 33×33 pixels without the inner 11×11: a shadow
    shows that is far below the noise of a pixel.
    """
    around = patches((greys[0], greys[2]), xs, ys, _DRIFT_PX).astype(np.int16)
    change = around[..., 1] - around[..., 0]
    first = (_DRIFT_PX - _DRIFT_GAP_PX) // 2
    gap = change[:, first : first + _DRIFT_GAP_PX, first : first + _DRIFT_GAP_PX]
    total = change.sum(axis=(1, 2), dtype=np.int64) - gap.sum(axis=(1, 2), dtype=np.int64)
    drift: NDArray[np.float64] = np.abs(total) / (_DRIFT_PX**2 - _DRIFT_GAP_PX**2)
    return drift


def restless_odds(
    decision: Decision, doubt: NDArray[np.float64], colour: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Give the log odds of spots for lying on ground that moved lately, 0 or less; see `edge.bundle.Decision`.

    Parameters
    ----------
    decision : Decision
    doubt : float64 array, shape (n,)
        As `doubts` gives it; 0 on ground at rest.
    colour : float64 array, shape (n,), or None
        As `edge.detect.colour.spot_colours` gives it, NaN where it is not known; None where none is.

    """
    known = np.full(len(doubt), np.nan) if colour is None else colour
    shown = np.log1p(np.minimum(np.where(np.isnan(known), USUAL_COLOUR, known), MAX_COLOUR))
    return -np.maximum(doubt - decision.colour_weight * shown, 0.0)


def credible(colour: NDArray[np.float64], candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Take the colour from spots that have more of it than height: no hit has, but things that move do; shape (n,)."""
    heights = np.array([one.spike_dn for one in candidates])
    return np.where(colour > heights, 0.0, colour)


def colour_decides(decision: Decision, odds: NDArray[np.float64], doubt: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which spots are a hit with the most colour and none without any, shape (n,).

    `odds` are their log odds from everything else, `doubt` as `doubts` gives it, both of shape (n,).
    """
    none, most = (restless_odds(decision, doubt, np.full(len(odds), colour)) for colour in (0.0, MAX_COLOUR))
    return (probability(odds + none) < decision.threshold) & (probability(odds + most) >= decision.threshold)
