"""How unevenly background hits come: overdispersion, measured in windows of 1, 10 and 60 seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

_WINDOWS_S = (1.0, 10.0, 60.0)
_MEMORY_S = 86400.0
_SIGMAS = 3.0
_MIN_WINDOWS = 60.0
_MIN_BIN_S = 8.0
_MAX_GAP_S = 15.0


@dataclass(slots=True)
class QuietBin:
    """Some ten seconds of quiet time: hits, live seconds, and the sum of the squared counts of its seconds."""

    start_s: float
    hits: float = 0.0
    live_s: float = 0.0
    lasted_s: float = 0.0
    squares: float = 0.0
    second: float = -math.inf
    in_second: float = 0.0

    def add(self, time_s: float, hits: float, live_s: float, period_s: float) -> None:
        """Count one frame."""
        second = math.floor(time_s)
        if second != self.second:
            self.squares += self.in_second**2
            self.second, self.in_second = second, 0.0
        self.hits += hits
        self.live_s += live_s
        self.lasted_s += period_s
        self.in_second += hits

    @property
    def sum_of_squares(self) -> float:
        """Sum of the squared counts of its seconds."""
        return self.squares + self.in_second**2


class Dispersion:
    """How unevenly background hits come: variance over mean of the counts in windows of 1, 10 and 60 s.

    A Poisson process gives 1. Rain or insects give more, and then the trigger needs a higher limit. Windows are held
    against their neighbours, so that a slow drift is no unevenness.

    Attributes
    ----------
    factor : float
        Variance over mean of the worst window that is surely above 1; at least 1.

    """

    def __init__(self) -> None:
        # For each window: sum of squared deviations, sum of counts, number of windows.
        self._sums = [[0.0, 0.0, 0.0] for _ in range(3)]
        self._minute: list[float] = []
        self._last_minute: float | None = None
        self._last_start_s = -math.inf
        self.factor = 1.0

    def add(self, counted: QuietBin) -> None:
        """Add some ten seconds of background; shorter ones, as at a start, do not count."""
        if counted.lasted_s < _MIN_BIN_S or counted.start_s - self._last_start_s > _MAX_GAP_S:
            self._minute.clear()
            self._last_minute = None
        self._last_start_s = counted.start_s
        if counted.lasted_s < _MIN_BIN_S:
            return
        seconds = counted.lasted_s
        within = counted.sum_of_squares - counted.hits**2 / seconds
        self._add(0, within * seconds / (seconds - 1), counted.hits, seconds)
        self._minute.append(counted.hits)
        if len(self._minute) == 6:
            self._add_minute()
        self.factor = self._worst()

    def _add_minute(self) -> None:
        total = sum(self._minute)
        squares = sum((hits - total / 6) ** 2 for hits in self._minute)
        self._add(1, squares * 6 / 5, total, 6)
        if self._last_minute is not None:
            self._add(2, (total - self._last_minute) ** 2 / 2, (total + self._last_minute) / 2, 1)
        self._last_minute = total
        self._minute.clear()

    def _add(self, window: int, squares: float, hits: float, windows: float) -> None:
        kept = math.exp(-windows * _WINDOWS_S[window] / _MEMORY_S)
        sums = self._sums[window]
        for index, value in enumerate((squares, hits, windows)):
            sums[index] = sums[index] * kept + value

    def _worst(self) -> float:
        """Return the variance over mean of the worst window that is surely above 1; at least 1.

        The standard error of such a ratio is √((2 + 1 / mean) / windows), that of successive
        differences √((3 + 1 / mean) / windows); the greater one is taken.
        """
        worst = 1.0
        for squares, hits, windows in self._sums:
            if windows < _MIN_WINDOWS or hits <= 0:
                continue
            ratio = squares / hits
            error = math.sqrt((3 + windows / hits) / windows)
            if ratio - _SIGMAS * error > 1:
                worst = max(worst, ratio)
        return worst

    def state(self) -> list[list[float]]:
        """Return what has to be kept over a restart."""
        return [list(sums) for sums in self._sums]

    def restore(self, state: list[list[float]]) -> None:
        """Take over what an earlier run kept."""
        self._sums = [list(sums) for sums in state]
        self.factor = self._worst()
