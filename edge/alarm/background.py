"""The background: a rate that is learnt while no alarm stands, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.statistics import gamma_quantile, li_ma_sigma

# The prior counts as a tenth of a hit, so that the first second outweighs it, whether it has no hits or many.
PRIOR_HITS = 0.1


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
        """Mean rate, hits per live second."""
        return self.hits / self.live_s

    def quantile_hz(self, sigmas: float) -> float:
        """Return the quantile at a standard normal deviate; see `edge.statistics.gamma_quantile`.

        Less than half a hit counts as half a hit, for which the quantile is too high and not too low.
        """
        return gamma_quantile(max(self.hits, 0.5), sigmas) / self.live_s

    def interval_hz(self) -> tuple[float, float]:
        """Return the central 95 % interval, hits per live second."""
        return self.quantile_hz(-1.96), self.quantile_hz(1.96)


class Background:
    """A Poisson rate that may drift, learnt with a Gamma prior.

    Parameters
    ----------
    prior_hz : float
        Rate that is assumed before anything is learnt. The prior never fades.
    memory_s : float
        Live seconds in which old counts fade to 1/e.

    Attributes
    ----------
    learnt_s : float
        Live seconds that were learnt from, faded ones included.

    """

    def __init__(self, prior_hz: float, memory_s: float) -> None:
        self._prior = Rate(PRIOR_HITS, PRIOR_HITS / prior_hz)
        self._memory_s = memory_s
        self._hits = 0.0
        self._live_s = 0.0
        self.learnt_s = 0.0

    def learn(self, hits: int, live_s: float) -> None:
        """Learn from a stretch without a source. The caller withholds the hits that belong to an alarm."""
        kept = math.exp(-live_s / self._memory_s)
        self._hits = self._hits * kept + hits
        self._live_s = self._live_s * kept + live_s
        self.learnt_s += live_s

    @property
    def rate(self) -> Rate:
        """The background as known now."""
        return Rate(self._prior.hits + self._hits, self._prior.live_s + self._live_s)


def significance_sigma(hits: int, live_s: float, background: Rate) -> float:
    """Return by how many standard deviations a stretch exceeds the background, uncertainty of the latter included.

    The background's counts are the "off" counts of `edge.statistics.li_ma_sigma`.
    """
    return li_ma_sigma(hits, background.hits, live_s / background.live_s)
