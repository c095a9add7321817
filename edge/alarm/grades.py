"""Grades: in a nuisance the spots that count are told apart by how little they look like light, each at its own rate.

Of spots that are sure by little a nuisance makes nearly as many as a source, of those that are sure by much hardly any.
So an excess is judged by all of them together, each by how much more often a source makes its like: a CUSUM of the
likelihood of marked Poisson processes. Spots on ground where something moves are told apart from those on live ground.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.statistics import gamma_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.config.device import AlarmSettings

    Rates = NDArray[np.float64]

SHARES = np.array((0.16, 0.15, 0.08, 0.09, 0.10, 0.09, 0.04, 0.02))
"""Shares of a source's hits that come with each grade where a nuisance hides them: on live and on moving ground."""
CLASSES = len(SHARES)
_SEEN_MEMORY_S = 4.0
_LEAK_MEMORY_S = 1800.0
_LAG_S = 60.0
_PRIOR_LEAKS = np.array((0.4, 0.3, 0.2, 0.1, 0.4, 0.3, 0.2, 0.1))
"""Spots of each class that a nuisance leaves, by as many others as follow, before any are known."""
_PRIOR_LEFT_OUT, _PRIOR_FALLING_S = 20.0, 4.0
_SIGMAS, _COLD_SIGMAS = 1.645, 4.0
_MIN_TOLERANCE = 0.233
"""The sums do not rise while a nuisance leaves so much more than is expected of it; see `min_excess`."""
_MULTIPLES = np.array((1.0, 10.0))
"""The sums are tuned for these multiples of the settings' source rate."""
_LADDER = 1.3 ** np.arange(24)
_MIN_RATE_HZ = 1e-3
_MIN_LIMIT = 1.0
"""No limit is lower, as in `edge.alarm.trigger`: where hardly any ground is live, chance raises no sum at all."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A frame that is not learnt yet."""

    counts: Rates
    left_out: float
    period_s: float
    falling: bool


class GradedLeak:
    """How many spots of each class a nuisance makes, by how many others it makes that are left out."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._leaks, self._left_out = _PRIOR_LEAKS.copy(), _PRIOR_LEFT_OUT
        self._fallen, self._falling_s = 2 * _PRIOR_LEAKS, _PRIOR_FALLING_S
        self._recent_left_out = self._seen_s = 0.0
        self._latest = np.zeros(CLASSES), 0.0

    def update(self, counts: Rates, left_out: float, period_s: float) -> None:
        """Count a frame: its spots of each class, and what is left out of it."""
        kept = math.exp(-period_s / _SEEN_MEMORY_S)
        self._recent_left_out = self._recent_left_out * kept + left_out
        self._seen_s = self._seen_s * kept + period_s
        self._latest = counts, left_out

    def learn(self, period_s: float, *, falling: bool, at_rest: bool) -> None:
        """Learn from the frame that was counted last.

        What comes while nothing exceeds the background is learnt at once, all else a minute later: a source would raise
        what is expected.
        """
        self._waiting.append(_Waiting(*self._latest, period_s, falling))
        while self._waiting and (at_rest or len(self._waiting) * period_s > _LAG_S):
            self._learn(self._waiting.popleft())

    def forget_waiting(self) -> None:
        """Learn nothing of the excess that goes on: an alarm was raised."""
        self._waiting.clear()

    def _learn(self, frame: _Waiting) -> None:
        kept = math.exp(-frame.period_s / _LEAK_MEMORY_S)
        self._leaks = self._leaks * kept + frame.counts
        self._left_out = self._left_out * kept + frame.left_out
        if frame.falling:
            self._fallen = self._fallen * kept + frame.counts
            self._falling_s = self._falling_s * kept + frame.period_s

    def rates_hz(self, *, cold: bool, falling: bool) -> Rates:
        """Return upper limits of the spots of each class that a nuisance makes in a second, shape (8,)."""
        sigmas = _COLD_SIGMAS if cold else _SIGMAS
        left_out_hz = self._recent_left_out / max(self._seen_s, _SEEN_MEMORY_S / 2)
        rates = _quantiles(self._leaks, sigmas) / self._left_out * left_out_hz
        if falling:
            rates = np.maximum(rates, _quantiles(self._fallen, sigmas) / self._falling_s)
        return rates


def _quantiles(counts: Rates, sigmas: float) -> Rates:
    """Return upper quantiles of Poisson means; less than half a spot counts as half a one."""
    return np.array([gamma_quantile(max(count, 0.5), sigmas) for count in counts.tolist()])


class GradedTrigger:
    """CUSUM sums of log likelihoods, each tuned for a source of another strength: see `edge.alarm.trigger.Trigger`.

    Each spot lifts a sum by log(1 + s / b), and it falls by all s together a second. Background lifts it above h with a
    rate of m₀² / m₁ exp(−h), where m₀ is how fast it falls with background alone and m₁ how fast it rises with the
    source (Cramér and Lundberg's approximation, as in `edge.alarm.trigger`, where all spots are alike).
    """

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._sums = np.zeros(len(_MULTIPLES))
        self._wanted_s = 1000 * 3600 / settings.false_alarms_per_1000_h * len(_MULTIPLES)

    @property
    def at_rest(self) -> bool:
        """Whether the spots so far are explained by background."""
        return bool(self._sums[0] <= 0)

    def reset(self) -> None:
        """Set all sums to 0."""
        self._sums[:] = 0

    def add(self, counts: Rates, exposed_s: Rates, rates_hz: Rates, period_s: float, dispersion: float = 1.0) -> bool:
        """Update the sums with one frame. Return whether one of them exceeds its limit.

        Parameters
        ----------
        counts : float array, shape (8,)
            Spots of each class.
        exposed_s : float array, shape (8,)
            Live seconds of the ground of each class.
        rates_hz : float array, shape (8,)
            Spots a second that are expected without a source.
        period_s : float
            Of the frame.
        dispersion : float
            Of the background's counts.

        """
        expected = rates_hz * period_s
        source = SHARES * exposed_s
        more = self._strengths(source, expected)[:, None] * source
        weights, falls = np.log1p(more / expected), more.sum(axis=1)
        fall, rise = falls - weights @ expected, (weights * (expected + more)).sum(axis=1) - falls
        rates = np.maximum(fall**2 / rise / period_s, _MIN_RATE_HZ)
        limits = dispersion * np.maximum(np.log(rates * self._wanted_s), _MIN_LIMIT)
        weights = np.minimum(weights, limits[:, None] / self._settings.min_hits)
        gains = np.minimum(weights @ counts - falls, limits / 3)
        self._sums = np.maximum(self._sums + gains, 0)
        return bool((self._sums > limits).any())

    def _strengths(self, source: Rates, expected: Rates) -> Rates:
        """Return the hits a live second that the sums are tuned for.

        They are no weaker than bears a nuisance that leaves somewhat more than is expected.
        """
        wanted = self._settings.source_rate_hz * _MULTIPLES
        ladder = wanted[0] * _LADDER
        more = ladder[:, None] * source
        bears = more.sum(axis=1) >= (1 + _MIN_TOLERANCE) * (expected * np.log1p(more / expected)).sum(axis=1)
        weakest = ladder[int(bears.argmax())] if bears.any() else ladder[-1]
        strengths: Rates = np.maximum(wanted, weakest)
        return strengths


def counts_of(classes: Sequence[int]) -> Rates:
    """Return how many spots there are of each class, shape (8,)."""
    return np.bincount(classes, minlength=CLASSES).astype(float)
