"""A sudden fall of what a camera sees: a fault, and never a sign that all is quiet."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.alarm.live_time import Observation

SHORT_S = 10.0
LONG_S = 600.0
LAG_S = 60.0
"""The last minute is not yet usual: it may be the fall."""
START_S = LAG_S + 60.0
"""Time before which the usual values are not known."""
CELL_S = 1.0
FALLEN_LIVE = 0.5
FALLEN_HITS = 0.2
MIN_HITS = 10.0
"""Fewer hits than so many in the short time may fail to come by chance."""
HIT_SHARE = 0.2
"""Where hits are a smaller share of the candidates, the candidates say nothing about them."""


class _Mean:
    """A mean in which old values fade, without a bias towards the first ones."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._sum = self._weight = 0.0

    def add(self, value: float, weight_s: float) -> None:
        kept = math.exp(-weight_s / self._memory_s)
        self._sum = self._sum * kept + value * (1 - kept)
        self._weight = self._weight * kept + (1 - kept)

    @property
    def value(self) -> float:
        return self._sum / self._weight if self._weight > 0 else 0.0


class _Pair:
    """The mean of the last seconds and the usual one, which lags behind."""

    def __init__(self) -> None:
        self._short, self._long = _Mean(SHORT_S), _Mean(LONG_S)
        self._waiting: deque[tuple[float, float]] = deque()  # (sum of values × seconds, seconds) of about a second
        self._waiting_s = 0.0

    def add(self, value: float, weight_s: float) -> None:
        self._short.add(value, weight_s)
        if not self._waiting or self._waiting[-1][1] >= CELL_S:
            self._waiting.append((0.0, 0.0))
        total, seconds = self._waiting[-1]
        self._waiting[-1] = (total + value * weight_s, seconds + weight_s)
        self._waiting_s += weight_s
        while self._waiting_s > LAG_S and len(self._waiting) > 1:
            total, seconds = self._waiting.popleft()
            self._waiting_s -= seconds
            self._long.add(total / seconds, seconds)

    @property
    def now(self) -> float:
        return self._short.value

    @property
    def usual(self) -> float:
        return self._long.value


class SuddenFall:
    """Notices that the live ground falls, or that hits fall while as many candidates come as before.

    A source that leaves takes its candidates along. Where hits fail to come and candidates stay, hits cannot be told
    from one another any more, or a network fails.
    """

    def __init__(self) -> None:
        self._live, self._hits, self._candidates = _Pair(), _Pair(), _Pair()
        self._seconds = 0.0

    def update(self, observation: Observation, candidates: int) -> None:
        """Count one frame with its candidates."""
        period_s = observation.period_s
        if period_s <= 0:
            return
        self._seconds += period_s
        self._live.add(observation.live_fraction, period_s)
        self._hits.add(observation.hits / period_s, period_s)
        self._candidates.add(candidates / period_s, period_s)

    @property
    def faults(self) -> dict[str, str]:
        """The falls that last, a sentence by name."""
        found: dict[str, str] = {}
        if self._seconds < START_S:
            return found
        live, hits, candidates = self._live, self._hits, self._candidates
        if live.now < FALLEN_LIVE * live.usual:
            found["live ground"] = (
                f"the live part of the picture fell from {live.usual:.0%} to {live.now:.0%}: check view and light"
            )
        judged = hits.usual * SHORT_S >= MIN_HITS and hits.usual >= HIT_SHARE * candidates.usual
        if judged and hits.now < FALLEN_HITS * hits.usual and candidates.now >= candidates.usual:
            found["hits"] = (
                f"hits fell from {hits.usual:.3g} to {hits.now:.3g} a second while candidates did not "
                f"({candidates.now:.3g} a second): hits may no longer be told apart"
            )
        return found
