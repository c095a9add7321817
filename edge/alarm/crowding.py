"""Crowding: ground on which hits are denser than in an even field does not count as long as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.hit import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.alarm.live_time import Observation

CONTRAST = 3.0
"""True hits may be so many times denser in one part of the picture than in another, where it is darker."""
CLOSE_CHANCE = 1e-4
"""Chance that an even field closes ground, or its hits like light."""
_MEMORY_S = 300.0
_FEW_HITS = 3.0
_REOPEN_FACTOR, _REOPEN_HITS = 1.5, 2.0
_RECENT_S = 10.0
_SIDES = (1, 2, 3, 4, 6)
"""Sides of the squares, in parts, in which hits may crowd."""

_EVERYWHERE = np.ones(PARTS)


class Crowding:
    """The parts of the picture, and those of them that are closed because hits crowd there.

    Hits are counted in 12×16 parts with a memory of five minutes. A square of them closes when it holds far more hits
    than three times the density of the rest explains. A part opens again when its hits have faded to what the rest has.
    """

    def __init__(self) -> None:
        self._hits = np.zeros(PARTS)
        self._exposed_s = np.full(PARTS, 1e-6)
        self._recent_s = np.full(PARTS, 1e-6)
        self._waiting, self._waiting_s = np.zeros(PARTS), 0.0
        self._open = np.ones(PARTS, bool)
        self.open_share = 1.0

    @property
    def exposed_s(self) -> NDArray[np.float64]:
        """For how long each open part could have been hit in the last seconds, shape (192,)."""
        return np.where(self._open, self._recent_s + self._waiting, 0.0).ravel()

    @property
    def closed_parts(self) -> int:
        """How many parts are closed."""
        return self._open.size - int(np.count_nonzero(self._open))

    def update(self, observation: Observation, parts: Sequence[int]) -> NDArray[np.bool_]:
        """Count a frame, whose hits lie in `parts`, and return which parts are open, shape (192,)."""
        ground = _EVERYWHERE if observation.ground is None else observation.ground
        self._waiting += ground * observation.period_s
        self._waiting_s += observation.period_s
        if not parts and not self.closed_parts:
            return self._open.ravel()
        self._settle()
        np.add.at(self._hits.ravel(), list(parts), 1.0)
        if parts:
            while self._close():
                pass
        self.open_share = 1.0
        if self.closed_parts:
            self._reopen()
            live = float(ground.sum())
            self.open_share = float(ground[self._open].sum()) / live if live > 0 else 1.0
        return self._open.ravel()

    def _settle(self) -> None:
        """Count the frames that went by without hits."""
        kept, kept_recent = (math.exp(-self._waiting_s / memory_s) for memory_s in (_MEMORY_S, _RECENT_S))
        self._hits *= kept
        self._exposed_s = self._exposed_s * kept + self._waiting
        self._recent_s = self._recent_s * kept_recent + self._waiting
        self._waiting, self._waiting_s = np.zeros(PARTS), 0.0

    def _close(self) -> bool:
        """Close the square in which hits crowd most and return True; False where they crowd nowhere."""
        hits, exposed_s = self._hits * self._open, self._exposed_s * self._open
        all_hits, all_s = float(hits.sum()), float(exposed_s.sum())
        hit_sums, second_sums = _corner_sums(hits), _corner_sums(exposed_s)
        lowest, worst = math.log(CLOSE_CHANCE / (self._open.size * len(_SIDES))), None
        for side in _SIDES:
            inside, inside_s = _square_sums(hit_sums, side), _square_sums(second_sums, side)
            others_s = np.maximum(all_s - inside_s, inside_s)
            expected = CONTRAST * np.maximum(all_hits - inside, _FEW_HITS) * inside_s / np.maximum(others_s, 1e-9)
            tails = log_tails(inside, expected)
            place = int(tails.argmin())
            if tails.flat[place] < lowest:
                lowest, worst = float(tails.flat[place]), (*divmod(place, tails.shape[1]), side)
        if worst is None:
            return False
        row, column, side = worst
        self._open[row : row + side, column : column + side] = False
        return True

    def _reopen(self) -> None:
        density = self._hits[self._open].sum() / self._exposed_s[self._open].sum() if self._open.any() else math.inf
        self._open |= self._hits <= _REOPEN_HITS + _REOPEN_FACTOR * density * self._exposed_s


def parts_of(positions: Sequence[tuple[int, int]], size: tuple[int, int]) -> list[int]:
    """Return the part of the picture, 0 to 191, in which each position lies.

    Examples
    --------
    >>> parts_of([(0, 0), (639, 479)], (640, 480))
    [0, 191]

    """
    width, height = max(size[0], 1), max(size[1], 1)
    return [
        min(y * PARTS[0] // height, PARTS[0] - 1) * PARTS[1] + min(x * PARTS[1] // width, PARTS[1] - 1)
        for x, y in positions
    ]


def log_tails(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of Chernoff's bound of the probability of so high Poisson counts, 0 for low ones.

    Examples
    --------
    >>> log_tails(np.array([3.0, 12.0]), np.array([5.0, 5.0])).round(2)
    array([ 0.  , -3.51])

    """
    counts = np.maximum(counts, expected)
    safe = np.maximum(expected, 1e-9)
    return np.minimum(counts - expected - counts * np.log(np.maximum(counts, 1e-9) / safe), 0.0)


def _corner_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums over all that lies above and left of each corner."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    sums[1:, 1:] = values.cumsum(0).cumsum(1)
    return sums


def _square_sums(sums: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return the sums over all squares of this side, by those of corners."""
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
