"""Bursts: hits of the last second that lie together or along a line, which radiation does not make, count once."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW_S = 1.0
_CHANCE = 0.02
"""Expected number of neighbours by chance within the reach of a hit: what a true field loses by this rule."""
_MAX_REACH = 0.05
"""Longest reach, as a share of the picture's diagonal."""
_ON_A_LINE = 4
_MAX_ON_A_LINE = 22
_LINE_PX = 3.0
"""Distance from a line within which a hit counts as lying on it."""
_LINE_SHARE = 0.2
_KEPT = 512


class Bursts:
    """Counts hits that follow no earlier one.

    A gamma quantum does not know where the last one fell. An insect, a glint or a track that breaks up gives hits near
    one another or along a line. The reach within which hits belong together shrinks as hits become more, so that a true
    field loses about 2 % of its hits.

    Examples
    --------
    >>> bursts = Bursts()
    >>> bursts.alone(0.0, [(100, 100), (900, 500)], (1920, 1080))
    [True, True]
    >>> bursts.alone(0.04, [(104, 101)], (1920, 1080))
    [False]

    """

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int, int]] = deque(maxlen=_KEPT)

    def alone(self, time_s: float, positions: Sequence[tuple[int, int]], size: tuple[int, int]) -> list[bool]:
        """Return which of a frame's hits follow no other hit of the last second.

        Parameters
        ----------
        time_s : float
            Monotonic time of the frame.
        positions : sequence of (x, y)
            Hits of the frame on live ground, in pixels.
        size : (width, height)

        """
        while self._recent and self._recent[0][0] < time_s - WINDOW_S:
            self._recent.popleft()
        alone = []
        for x, y in positions:
            alone.append(not self._follows(x, y, size))
            self._recent.append((time_s, x, y))
        return alone

    def _follows(self, x: int, y: int, size: tuple[int, int]) -> bool:
        if not self._recent:
            return False
        known = np.array([(there_x, there_y) for _, there_x, there_y in self._recent], np.float64) - (x, y)
        width, height = size
        reach = min(
            math.sqrt(_CHANCE * width * height / (math.pi * (len(known) + 1))), _MAX_REACH * math.hypot(width, height)
        )
        if float((known**2).sum(axis=1).min()) <= reach**2:
            return True
        return _ON_A_LINE - 1 <= len(known) <= _MAX_ON_A_LINE and _on_a_line(known, math.sqrt(width * height))


def _on_a_line(around: NDArray[np.float64], side_px: float) -> bool:
    """Return whether the origin lies on a line with at least three of the points `around`, shape (n, 2).

    The line may be as wide as chance allows: for n points at random in a picture of this side, 0.02 lines of four are
    expected.
    """
    count = len(around)
    width = min(_LINE_PX, _LINE_SHARE * side_px * math.sqrt(6 * _CHANCE / count**3))
    lengths = np.maximum(np.hypot(around[:, 0], around[:, 1]), 1e-9)
    cross = around[:, 0][:, None] * around[:, 1] - around[:, 1][:, None] * around[:, 0]
    distance = np.abs(cross) / lengths[:, None]
    return int((distance <= width).sum(axis=1).max()) >= _ON_A_LINE - 1
