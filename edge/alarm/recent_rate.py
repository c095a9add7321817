"""The rate of the last seconds, beside the mean since the onset of an alarm."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.statistics import poisson_interval
from edge.text import significant

if TYPE_CHECKING:
    from edge.alarm.live_time import Observation

CELL_S = 1.0
WINDOWS_S = (10, 60)


@dataclass(frozen=True, slots=True)
class RecentRate:
    """Hits per live second of the last seconds.

    Attributes
    ----------
    window_s : int
        Seconds that it covers.
    hits, live_s : int, float
        Counted in them; live_s in live seconds.
    rate_hz : float or None
        hits / live_s; None without live time.
    interval_hz : (float, float) or None
        Its central 95 % interval.

    """

    window_s: int
    hits: int
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


@dataclass(slots=True)
class _Cell:
    start_s: float
    hits: int = 0
    weighted: float = 0.0
    live_s: float = 0.0


class RecentRates:
    """Hits and live time of the last minute in cells of one second.

    Hits that stand for several count with their weight; the interval follows from those that were counted.
    """

    def __init__(self) -> None:
        self._cells: deque[_Cell] = deque(maxlen=max(WINDOWS_S))

    def add(self, observation: Observation) -> None:
        """Add one frame."""
        start_s = observation.monotonic_s // CELL_S * CELL_S
        if not self._cells or start_s > self._cells[-1].start_s:
            self._cells.append(_Cell(start_s))
        cell = self._cells[-1]
        cell.hits += observation.hits
        cell.weighted += observation.hits * observation.weight
        cell.live_s += observation.live_s

    @property
    def seconds(self) -> int:
        """In how many of the last 60 seconds there was live time, the open one included."""
        oldest_s = self._cells[-1].start_s - max(WINDOWS_S) + CELL_S if self._cells else 0.0
        return sum(cell.start_s >= oldest_s and cell.live_s > 0 for cell in self._cells)

    def over(self, window_s: int) -> RecentRate:
        """Return the rate of the last `window_s` seconds, the open cell included."""
        oldest_s = self._cells[-1].start_s - window_s + CELL_S if self._cells else 0.0
        cells = [cell for cell in self._cells if cell.start_s >= oldest_s]
        hits, live_s = sum(cell.hits for cell in cells), sum(cell.live_s for cell in cells)
        if live_s <= 0:
            return RecentRate(window_s, hits, live_s, None, None)
        rate_hz = sum(cell.weighted for cell in cells) / live_s
        weight = rate_hz * live_s / hits if hits else 1.0
        low, high = poisson_interval(hits)
        return RecentRate(window_s, hits, live_s, rate_hz, (low * weight / live_s, high * weight / live_s))
