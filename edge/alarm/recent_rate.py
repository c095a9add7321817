"""The rate of the last seconds, beside the mean since the onset of an alarm."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.statistics import poisson_interval
from edge.text import significant

CELL_S = 1.0
WINDOWS_S = (10, 60)


@dataclass(frozen=True, slots=True)
class RecentRate:
    """Hits per live second of the last seconds.

    Attributes
    ----------
    window_s : int
        Seconds that it covers.
    hits, live_s : float
        Counted in them; live_s in live seconds.
    rate_hz : float or None
        hits / live_s; None without live time.
    interval_hz : (float, float) or None
        Its central 95 % interval.

    """

    window_s: int
    hits: float
    live_s: float
    rate_hz: float | None
    interval_hz: tuple[float, float] | None

    def as_dict(self) -> dict[str, object]:
        """Return the rate for JSON."""
        return {
            "window_s": self.window_s,
            "rate_hz": None if self.rate_hz is None else significant(self.rate_hz),
            "interval_hz": None if self.interval_hz is None else [significant(value) for value in self.interval_hz],
        }


class RecentRates:
    """Hits and live time of the last minute in cells of one second.

    Examples
    --------
    >>> recent = RecentRates()
    >>> for second in range(30):
    ...     recent.add(float(second), 2, 1.0)
    >>> recent.over(10).rate_hz
    2.0

    """

    def __init__(self) -> None:
        self._cells: deque[list[float]] = deque(maxlen=max(WINDOWS_S))

    def add(self, time_s: float, hits: float, live_s: float) -> None:
        """Add the hits and live seconds of one frame."""
        start = time_s // CELL_S * CELL_S
        if not self._cells or start > self._cells[-1][0]:
            self._cells.append([start, 0.0, 0.0])
        cell = self._cells[-1]
        cell[1] += hits
        cell[2] += live_s

    def over(self, window_s: int) -> RecentRate:
        """Return the rate of the last `window_s` seconds, the open cell included."""
        oldest = self._cells[-1][0] - window_s + CELL_S if self._cells else 0.0
        cells = [cell for cell in self._cells if cell[0] >= oldest]
        hits, live_s = sum(cell[1] for cell in cells), sum(cell[2] for cell in cells)
        if live_s <= 0:
            return RecentRate(window_s, hits, live_s, None, None)
        low, high = poisson_interval(round(hits))
        return RecentRate(window_s, hits, live_s, hits / live_s, (low / live_s, high / live_s))
