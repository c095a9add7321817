"""The background: a rate learnt from quiet times, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

# A prior worth a tenth of a hit: wide enough that a first second without hits, or with many, outweighs it.
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
        """Mean, hits per live second."""
        return self.hits / self.live_s

    def quantile_hz(self, sigmas: float) -> float:
        """Give the quantile at a standard normal deviate, by Wilson and Hilferty's cube (PNAS 17, 684, 1931).

        Within 3 % from the mean upwards for half a hit and more; below half a hit the shape is taken as half a hit,
        which errs upwards.
        """
        shape = max(self.hits, 0.5)
        root = 1 - 1 / (9 * shape) + sigmas / (3 * math.sqrt(shape))
        return shape * max(root, 0.0) ** 3 / self.live_s

    def interval_hz(self) -> tuple[float, float]:
        """Give the central 95 % interval."""
        return self.quantile_hz(-1.96), self.quantile_hz(1.96)


class Background:
    """Gamma-Poisson learning of a rate that may drift: old counts fade with `memory_s`, the prior never does."""

    def __init__(self, prior_hz: float, memory_s: float) -> None:
        self._prior = Rate(PRIOR_HITS, PRIOR_HITS / prior_hz)
        self._memory_s = memory_s
        self._hits = 0.0
        self._live_s = 0.0
        self.learnt_s = 0.0

    def learn(self, hits: int, live_s: float) -> None:
        """Take in a quiet stretch: its hits and live seconds. The caller holds back what belongs to an alarm."""
        kept = math.exp(-live_s / self._memory_s)
        self._hits = self._hits * kept + hits
        self._live_s = self._live_s * kept + live_s
        self.learnt_s += live_s

    @property
    def rate(self) -> Rate:
        """What is known of the background now."""
        return Rate(self._prior.hits + self._hits, self._prior.live_s + self._live_s)


def significance_sigma(hits: int, live_s: float, background: Rate) -> float:
    """Give by how many standard deviations a stretch exceeds the background, uncertainty of the latter included.

    Li and Ma 1983 (ApJ 272, 317), equation 17, with the background's counts as "off" and α the ratio of live times.
    """
    off = background.hits
    alpha = live_s / background.live_s
    if hits <= alpha * off or live_s <= 0:
        return 0.0
    total = hits + off
    on_term = hits * math.log((1 + alpha) / alpha * hits / total)
    off_term = off * math.log((1 + alpha) * off / total)
    return math.sqrt(max(0.0, 2 * (on_term + off_term)))
