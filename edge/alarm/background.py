"""The background: a rate learnt from quiet times that lie some time back, and how unevenly its hits come."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from edge.alarm.dispersion import Dispersion, QuietBin
from edge.statistics import gamma_quantile, li_ma_sigma

LONG_MEMORY_S = 2 * 86400.0
"""Live seconds over which the long mean fades: longer than a day, as days swing."""
PRIOR_HITS = 0.1
"""Weight of the prior where nothing is known: wide enough that a first second outweighs it."""
BIN_S = 10.0
CELL_S = 1.0
_CATCH_UP_S = 60.0
"""A box that knows nothing learns for so long without a lag. Afterwards the lag grows by half a second a second."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A Poisson rate known as a Gamma distribution: as if `hits` had been counted in `live_s`.

    Attributes
    ----------
    hits : float
        Shape, more than 0.
    live_s : float
        Inverse scale in live seconds, more than 0.

    """

    hits: float
    live_s: float

    @property
    def mean_hz(self) -> float:
        """Mean, hits per live second."""
        return self.hits / self.live_s

    def quantile_hz(self, sigmas: float) -> float:
        """Return the quantile at a standard normal deviate; see `edge.statistics.gamma_quantile`.

        Less than half a hit counts as half a hit, for which the quantile is too high and not too low.
        """
        return gamma_quantile(max(self.hits, 0.5), sigmas) / self.live_s

    def interval_hz(self) -> tuple[float, float]:
        """Return the central 95 % interval."""
        return self.quantile_hz(-1.96), self.quantile_hz(1.96)


class FadingRate:
    """A rate whose old counts fade: what is left of a count after `memory_s` live seconds is 1 / e."""

    def __init__(self, memory_s: float, start: Rate | None = None) -> None:
        self._memory_s = memory_s
        share = min(1.0, memory_s / start.live_s) if start is not None else 0.0
        self._hits, self._live_s = (start.hits * share, start.live_s * share) if start is not None else (0.0, 0.0)

    @property
    def rate(self) -> Rate:
        """What is left of the counts."""
        return Rate(max(self._hits, 0.5), max(self._live_s, 1e-9))

    @property
    def counted(self) -> Rate | None:
        """What is left of the counts, without a prior; None before anything was counted."""
        return Rate(self._hits, self._live_s) if self._live_s > 0 else None

    @property
    def mean_hz(self) -> float:
        """Mean of what is left; 0 before anything was counted."""
        return self._hits / self._live_s if self._live_s > 0 else 0.0

    def add(self, hits: float, live_s: float) -> None:
        """Add counts."""
        kept = math.exp(-live_s / self._memory_s)
        self._hits = self._hits * kept + hits
        self._live_s = self._live_s * kept + live_s


class Background:
    """Gamma-Poisson learning of a rate that may drift, from time that lies `lag_s` back.

    What is younger waits, so that a source that comes slowly is not learnt while it comes; an alarm discards it. Old
    counts fade with `memory_s`; the prior never does.

    Parameters
    ----------
    prior_hz : float
        Assumed where nothing is known, with the weight of a tenth of a hit.
    memory_s : float
        Live seconds over which old counts fade.
    lag_s : float
        Seconds that quiet time waits before it is learnt.
    known : Rate or None
        A background measured before, by calibration or by an earlier run.

    """

    def __init__(self, prior_hz: float, memory_s: float, lag_s: float, known: Rate | None = None) -> None:
        self._prior = Rate(PRIOR_HITS, PRIOR_HITS / prior_hz)
        self._memory_s = memory_s
        self._lag_s = lag_s
        self._hits, self._live_s, self.learnt_s = 0.0, 0.0, 0.0
        self.long_mean = FadingRate(LONG_MEMORY_S, known)
        self._waiting: deque[QuietBin] = deque()
        self._observed_s = 0.0
        self.dispersion = Dispersion()
        self._quantiles: dict[float, float] = {}  # of the rate as it is known now
        if known is not None:
            share = min(1.0, memory_s / known.live_s)
            self._hits, self._live_s = known.hits * share, known.live_s * share
            self.learnt_s = known.live_s
            self._observed_s = math.inf if known.live_s >= _CATCH_UP_S else known.live_s

    @property
    def rate(self) -> Rate:
        """What is known of the background now."""
        return Rate(self._prior.hits + self._hits, self._prior.live_s + self._live_s)

    def quantile_hz(self, sigmas: float) -> float:
        """Return a quantile of the rate as known now, at least the mean of the last days; see `Rate.quantile_hz`.

        A background that falls by night rises again in the morning, faster than it is learnt.
        """
        known = self._quantiles.get(sigmas)
        if known is None:
            known = self._quantiles[sigmas] = max(self.rate.quantile_hz(sigmas), self.long_mean.mean_hz)
        return known

    @property
    def counted(self) -> Rate | None:
        """What was counted, without the prior; None before anything was."""
        return Rate(self._hits, self._live_s) if self._live_s > 0 else None

    def observe(self, time_s: float, hits: float, live_s: float, period_s: float) -> None:
        """Let the hits and live seconds of a quiet frame wait to be learnt."""
        self._observed_s += period_s
        width_s = BIN_S if self._observed_s > _CATCH_UP_S else CELL_S
        if not self._waiting or time_s >= self._waiting[-1].start_s + width_s or time_s < self._waiting[-1].start_s:
            self._waiting.append(QuietBin(time_s))
        self._waiting[-1].add(time_s, hits, live_s, period_s)

    def learn(self, until_s: float, now_s: float) -> None:
        """Learn what waited long enough, up to `until_s` at most: younger time may belong to an alarm."""
        lag_s = min(self._lag_s, max(0.0, (self._observed_s - _CATCH_UP_S) / 2))
        end_s = min(until_s, now_s - lag_s)
        while len(self._waiting) > 1 and self._waiting[1].start_s <= end_s:
            self._learn(self._waiting.popleft())

    def follow(self, hits: float, live_s: float) -> None:
        """Add time of a changed background to the mean of the last days, and to nothing else."""
        self.long_mean.add(hits, live_s)
        self._quantiles.clear()

    def discard_since(self, onset_s: float) -> None:
        """Drop what waits from an onset on."""
        while self._waiting and self._waiting[-1].start_s + CELL_S > onset_s:
            self._waiting.pop()

    def _learn(self, counted: QuietBin) -> None:
        if counted.live_s > 0:
            self.dispersion.add(counted)
        kept = math.exp(-counted.live_s / self._memory_s)
        self._hits = self._hits * kept + counted.hits
        self._live_s = self._live_s * kept + counted.live_s
        self.long_mean.add(counted.hits, counted.live_s)
        self.learnt_s += counted.live_s
        self._quantiles.clear()


def significance_sigma(hits: float, live_s: float, background: Rate) -> float:
    """Return by how many standard deviations a stretch exceeds the background, uncertainty of the latter included.

    The background's counts are the "off" counts of `edge.statistics.li_ma_sigma`, α is the ratio of live times.
    """
    return li_ma_sigma(hits, background.hits, live_s / background.live_s)
