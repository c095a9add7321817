"""Ground that moved lately: there codecs, wakes and glints make spots like hits, which have hardly any colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.classifier import probability
from edge.detect.noise import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.bundle import Decision
    from edge.detect.hit import Candidate
    from edge.detect.noise import Blocks

LATELY_S = 2.0
"""One second and four tell less."""
MOST_COLOUR = 25.0
"""More colour than this says no more."""
USUAL_COLOUR = 3.0
"""Taken where a camera gives no colours: about the middle of those of real hits."""
_REACH_BLOCKS = 4
_MOVING = 2.0
"""Mean |next − previous| of a block that moves, in standard deviations of a pixel; 1.13 on average where it rests."""
_LEAST_MOVING_DN = 4.0
"""Less is no motion: a bright hit of the frame before or after amounts to as much over the 64 pixels of a block."""
_LEAST_AROUND = 4
"""Of a moving block and the eight around it, so many move: a hit in the frame before or after seldom moves as many."""
_MOST_MOVING = 0.5
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
        least = np.maximum(_MOVING * sigma_dn[whole], _LEAST_MOVING_DN)
        moves = (motion_dn[whole] > least).astype(np.uint8)
        around = cv2.boxFilter(moves, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        bodies = (moves > 0) & (around >= _LEAST_AROUND)
        if bodies.mean() < _MOST_MOVING:
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


def restless_odds(
    decision: Decision, restless: NDArray[np.bool_], colour: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Give the log odds of spots for lying on ground that moved lately; see `edge.bundle.Decision`.

    Parameters
    ----------
    decision : Decision
    restless : bool array, shape (n,)
    colour : float64 array, shape (n,), or None
        As `edge.detect.colour.spot_colours` gives it, NaN where it is not known; None where none is.

    """
    known = np.full(len(restless), np.nan) if colour is None else colour
    shown = np.log1p(np.minimum(np.where(np.isnan(known), USUAL_COLOUR, known), MOST_COLOUR))
    return np.where(restless, decision.colour_weight * shown - decision.restless_weight, 0.0)


def colour_decides(decision: Decision, odds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which spots on ground that moved lately are a hit with the most colour and none without any: (n,).

    `odds` are their log odds from everything else, shape (n,).
    """
    least = odds - decision.restless_weight
    most = least + decision.colour_weight * np.log1p(MOST_COLOUR)
    return (probability(least) < decision.threshold) & (probability(most) >= decision.threshold)
