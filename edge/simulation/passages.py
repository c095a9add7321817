"""Passages of sources: how surely and how soon the tracker raises an alarm for an extra rate of hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from edge.alarm.background import Rate
from edge.alarm.tracker import AlarmTracker
from edge.simulation.background import BackgroundModel
from edge.simulation.hit_train import draw_poisson
from edge.simulation.playback import FramePace, play
from edge.statistics import wilson_interval

if TYPE_CHECKING:
    from edge.config.device import AlarmSettings

LEAD_S = 120.0
"""Background before each passage. It was learnt before, over the memory of the settings."""
_CELL_S = 0.5
_WIDTHS = 2.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A source that comes and goes.

    Attributes
    ----------
    settings : AlarmSettings
    extra_hz : float
        Hits per live second that the source adds, at its closest.
    seconds : float
        How long it stays, or the time for which it gives more than half of `extra_hz`.
    shape : {"stay", "pass"}
        Whether it stands there at once, or passes in a straight line: extra_hz / (1 + (2 t / seconds)²).
    background : BackgroundModel
    pace : FramePace

    """

    settings: AlarmSettings
    extra_hz: float
    seconds: float = 60.0
    shape: Literal["stay", "pass"] = "stay"
    background: BackgroundModel = field(default_factory=BackgroundModel)
    pace: FramePace = field(default_factory=FramePace)


@dataclass(frozen=True, slots=True)
class Detection:
    """How passages of one rate ended.

    Attributes
    ----------
    passages, detected : int
        Passages with an alarm are detected.
    probability_interval : (float, float)
        Of the probability of detection, 95 %.
    median_s, p90_s : float or None
        Delay that half and 90 % of all passages do not exceed, from the time at which the source gives half its rate;
        None where fewer are detected.

    """

    passages: int
    detected: int
    probability_interval: tuple[float, float]
    median_s: float | None
    p90_s: float | None

    @property
    def probability(self) -> float:
        """Share of the passages that are detected."""
        return self.detected / self.passages


def detect(passage: Passage, count: int, seed: tuple[int, ...]) -> Detection:
    """Return how many of `count` passages raise an alarm before they end, and how soon.

    Examples
    --------
    >>> from edge.config.device import AlarmSettings
    >>> found = detect(Passage(AlarmSettings(), extra_hz=2.0), 20, (1,))
    >>> found.detected, found.median_s < 10
    (20, True)

    """
    rng = np.random.default_rng(seed)
    delays = [_delay_s(passage, rng) for _ in range(count)]
    found = sorted(delay for delay in delays if delay is not None)
    return Detection(
        count, len(found), wilson_interval(len(found), count), _rank(found, count, 0.5), _rank(found, count, 0.9)
    )


def _rank(delays_s: list[float], count: int, share: float) -> float | None:
    """Return the delay that a share of all passages does not exceed."""
    index = int(np.ceil(share * count)) - 1
    return round(delays_s[index], 2) if index < len(delays_s) else None


def _delay_s(passage: Passage, rng: np.random.Generator) -> float | None:
    """Play one passage; return the seconds until the alarm, None without one. A false alarm before it starts anew."""
    pace, background = passage.pace, passage.background
    memory_s = passage.settings.background_memory_s
    before_s, length_s = (0.0, passage.seconds)
    if passage.shape == "pass":
        before_s, length_s = (_WIDTHS - 0.5) * passage.seconds, 2 * _WIDTHS * passage.seconds
    begin_s = LEAD_S + before_s  # of the half with more than half the rate
    while True:
        known = Rate(max(float(rng.poisson(background.rate_hz * memory_s)), 0.5), memory_s)
        tracker = AlarmTracker(passage.settings, known=known)
        hits = background.draw(rng, 0.0, LEAD_S + length_s, pace.live_share)
        rates_hz = _rates_hz(passage, length_s) * pace.live_share
        hits = hits.plus(draw_poisson(rng, rates_hz, length_s / len(rates_hz), LEAD_S))
        steps = play(tracker, hits, 0.0, LEAD_S + length_s, pace)
        raised = next((step for step in steps if step.state == "raised"), None)
        if raised is None:
            return None
        if raised.time_s >= LEAD_S:
            return raised.time_s - begin_s


def _rates_hz(passage: Passage, length_s: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    cells = max(1, int(np.ceil(length_s / _CELL_S)))
    if passage.shape == "stay":
        return np.full(cells, passage.extra_hz)
    since_s = ((np.arange(cells) + 0.5) / cells - 0.5) * length_s
    return passage.extra_hz / (1 + (2 * since_s / passage.seconds) ** 2)
