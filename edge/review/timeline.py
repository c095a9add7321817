"""Hits, live time and background over the time of a recording, in cells that widen with its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.statistics import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.alarm.live_time import Observation
    from edge.alarm.tracker import AlarmTracker

CELL_S = 0.25
MAX_CELLS = 4096
SHOWN_CELLS = 120


@dataclass(slots=True)
class Cell:
    """What was counted in one stretch of time.

    Attributes
    ----------
    start_s : float
    seconds : float
        Time that its frames stand for.
    hits, weighted : int, float
        Hits that count, and how many they stand for.
    live_s : float
        Live seconds.
    live_fraction : float
        Sum over the frames of the live share of the picture × seconds.
    background_hz : (float, float, float)
        Lower end, mean and upper end of the background as known at the end of the cell.

    """

    start_s: float
    seconds: float = 0.0
    hits: int = 0
    weighted: float = 0.0
    live_s: float = 0.0
    live_fraction: float = 0.0
    background_hz: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def add(self, later: Cell) -> None:
        """Add what a later cell has counted."""
        self.seconds += later.seconds
        self.hits += later.hits
        self.weighted += later.weighted
        self.live_s += later.live_s
        self.live_fraction += later.live_fraction
        self.background_hz = later.background_hz

    @property
    def rate_hz(self) -> tuple[float, float, float] | None:
        """Lower end of the 95 % interval, rate and upper end, in hits per live second; None without live time."""
        if self.live_s <= 0:
            return None
        low, high = poisson_interval(self.hits)
        weight = self.weighted / self.hits if self.hits else 1.0
        return low * weight / self.live_s, self.weighted / self.live_s, high * weight / self.live_s


class Timeline:
    """Counts observations in cells of a quarter of a second; in a long recording cells are joined in pairs."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self._width_s = CELL_S

    def add(self, observation: Observation, tracker: AlarmTracker) -> None:
        """Count one frame."""
        background = tracker.background
        low_hz, high_hz = background.interval_hz()
        counted = Cell(
            observation.monotonic_s,
            seconds=observation.period_s,
            hits=observation.hits,
            weighted=observation.hits * observation.weight,
            live_s=observation.live_s,
            live_fraction=observation.live_fraction * observation.period_s,
            background_hz=(low_hz, background.mean_hz, high_hz),
        )
        _add(self._cells, counted, self._width_s)
        if len(self._cells) > MAX_CELLS:
            self._width_s *= 2
            self._cells = joined(self._cells, self._width_s)

    def cells(self, most: int = SHOWN_CELLS) -> tuple[Cell, ...]:
        """Return cells of one width, which is at least a second where the recording lasts so long, at most so many."""
        if not self._cells:
            return ()
        lasts_s = self._cells[-1].start_s + self._width_s - self._cells[0].start_s
        width_s = self._width_s
        while width_s < 1 <= lasts_s / 8 or lasts_s / width_s > most:
            width_s *= 2
        return tuple(joined(self._cells, width_s))


def joined(cells: Sequence[Cell], width_s: float) -> list[Cell]:
    """Return cells joined to wider ones."""
    wide: list[Cell] = []
    for cell in cells:
        _add(wide, cell, width_s)
    return wide


def _add(cells: list[Cell], later: Cell, width_s: float) -> None:
    """Add what a later cell has counted to the last of some cells of a width, or to a new one."""
    start_s = later.start_s // width_s * width_s
    if not cells or start_s > cells[-1].start_s:
        cells.append(Cell(start_s))
    cells[-1].add(later)
