"""The trigger: a Poisson CUSUM whose limit follows exactly from a stated rate of false alarms.

Between hits the sum falls steadily to 0, each hit lifts it by 1 (Lucas 1985, Counted Data CUSUM's, in continuous time).
While there is only background this is the work waiting in an M/D/1 queue, and the mean time until it exceeds a limit
has a closed form through the scale function W of that process (Avram, Kyprianou & Pistorius 2004, Exit problems for
spectrally negative Lévy processes, section 6: E[τ] = W(a)² / W'(a) − ∫₀ᵃ W). Summing once a frame instead of
continuously only lowers the sum, so the stated rate is an upper bound.
"""

from __future__ import annotations

import functools
import math
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.config.device import AlarmSettings

# Limits below this many hits are checked with the exact mean time; above it the closed form is within 1 %.
EXACT_BELOW = 8.0
# Background rates are rounded up to powers of this, so that limits are not computed at every frame.
GRID = 1.02
DISPERSION_GRID = 1.1
# The parallel sums are tuned for these multiples of the settings' source rate.
MULTIPLES = (0.3, 1.0, 4.0, 16.0)
_SECOND = 2.0


class Trigger:
    """CUSUM sums side by side, each tuned for a source of another strength.

    Together they keep to the stated rate of false alarms. Each sum is S ← max(0, S + hits − slope × live_s). An alarm
    is raised where S exceeds its limit; `rules` gives slope and limit. One frame adds at most a third of the limit, so
    from rest it takes at least four frames to raise an alarm.
    """

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._sums = [0.0] * len(MULTIPLES)
        self._background_hz = 0.0
        self._dispersion = 1.0
        self._rules: tuple[tuple[float, float], ...] = ()

    @property
    def at_rest(self) -> bool:
        """Whether the hits so far are explained by background: the sum tuned for the weakest source is 0."""
        return self._sums[0] <= 0

    def reset(self) -> None:
        """Set all sums to 0."""
        self._sums = [0.0] * len(MULTIPLES)

    def add(self, hits: float, live_s: float, background_hz: float, dispersion: float = 1.0) -> bool:
        """Update the sums with one frame. Return whether one of them exceeds its limit."""
        exceeded = False
        for index, (slope, limit) in enumerate(self.rules(background_hz, dispersion)):
            gain = min(hits - slope * live_s, limit / 3)
            self._sums[index] = max(0.0, self._sums[index] + gain)
            exceeded |= self._sums[index] > limit
        return exceeded

    def rules(self, background_hz: float, dispersion: float = 1.0) -> tuple[tuple[float, float], ...]:
        """Return (slope, limit) of each sum for a background rate and its dispersion, both rounded up to the grid."""
        rate_fits = GRID**-2 * self._background_hz < background_hz <= self._background_hz
        spread_fits = DISPERSION_GRID**-2 * self._dispersion < dispersion <= self._dispersion
        if not (rate_fits and spread_fits):
            self._background_hz = _on_grid(background_hz, GRID)
            self._dispersion = max(1.0, _on_grid(dispersion, DISPERSION_GRID))
            self._rules = tuple(self._rule(self._background_hz, self._dispersion, multiple) for multiple in MULTIPLES)
        return self._rules

    def _rule(self, background_hz: float, dispersion: float, multiple: float) -> tuple[float, float]:
        """Return slope and limit of one sum."""
        min_hz = self._settings.min_excess * background_hz
        excess = max(self._settings.source_rate_hz * min(multiple, 1.0), min_hz)
        # On a high background the weakest two would be tuned for the same source.
        source = excess * max(multiple, _SECOND if multiple == 1 and min_hz >= self._settings.source_rate_hz else 1.0)
        share = self._settings.false_alarms_per_1000_h / len(MULTIPLES)
        decay = decay_per_hit(background_hz, source, dispersion)
        limit = limit_hits(background_hz, source, share) * decay_per_hit(background_hz, source) / decay
        return slope_hz(background_hz, source), max(limit, self._settings.min_hits)


def _on_grid(value: float, grid: float) -> float:
    return float(grid ** math.ceil(math.log(value, grid) - 1e-9))


def slope_hz(background_hz: float, source_hz: float) -> float:
    """Return the slope that separates two Poisson rates best, (λ1 − λ0) / ln(λ1 / λ0), in hits per live second."""
    return source_hz / math.log1p(source_hz / background_hz)


def decay_per_hit(background_hz: float, source_hz: float, dispersion: float = 1.0) -> float:
    """Return η: background alone exceeds a limit of a hits with a probability that falls as exp(−η a).

    It is Lundberg's exponent, η = ln(λ1 / λ0) for Poisson hits. Overdispersed counts are taken for negative binomial
    ones, so bursts may be as long as they like, and η solves λ0 ln(1 − (D − 1)(exp η − 1)) / (D − 1) + slope × η = 0.

    Parameters
    ----------
    background_hz, source_hz : float
    dispersion : float
        Variance over mean of the counts, D.

    """
    poisson = math.log1p(source_hz / background_hz)
    more = dispersion - 1
    if more < 1e-3:
        return poisson
    slope = slope_hz(background_hz, source_hz)
    low, high = 0.0, min(poisson, math.log1p(1 / more))
    for _ in range(40):
        middle = (low + high) / 2
        inside = 1 - more * math.expm1(middle)
        if inside <= 0 or -math.log(inside) * background_hz / more > slope * middle:
            high = middle
        else:
            low = middle
    return high


@functools.lru_cache(maxsize=8192)
def limit_hits(background_hz: float, source_hz: float, false_alarms_per_1000_h: float) -> float:
    """Return the limit, in hits, that background alone exceeds once in the stated mean time.

    W(a) approaches 1 / (1 − ρ) as exp(−η a), with η = ln(λ1 / λ0) for this slope (Cramér and Lundberg's approximation:
    Asmussen & Albrecher 2010, Ruin Probabilities, IV.5), which gives the mean time in closed form. A small limit is
    then raised until the exact mean time holds as well.

    Parameters
    ----------
    background_hz, source_hz : float
        Background and the extra rate that the trigger is tuned for, hits per live second.
    false_alarms_per_1000_h : float
        False alarms in 1000 live hours.

    """
    slope = slope_hz(background_hz, source_hz)
    wanted = 1000 * 3600 / false_alarms_per_1000_h * slope
    load = background_hz / slope
    decay = math.log1p(source_hz / background_hz)
    scale = decay * (1 - load) ** 2 / (load * (1 + source_hz / background_hz) - 1)
    limit = 1.0
    for _ in range(4):
        # ∫W stays below limit × W(∞).
        limit = max(1.0, math.log((wanted + limit / (1 - load)) * scale) / decay)
    while limit < EXACT_BELOW and mean_time_to_false_alarm(load, limit) < wanted:
        limit += 0.05
    return limit


def mean_time_to_false_alarm(load: float, limit: float) -> float:
    """Return the mean time until background alone lifts the sum from 0 over a limit, in units of 1 / slope.

    Parameters
    ----------
    load : float
        Background rate / slope, 0 < load < 1.
    limit : float
        In hits.

    """
    with localcontext() as context:
        # The series of W alternates, with terms as large as exp(limit), and W' is as small as exp(−limit).
        context.prec = 30 + math.ceil(limit)
        values = [_scale_function(load, Decimal(limit) - back) for back in range(math.floor(limit) + 2)]
        # From W' = ρ (W(x) − W(x − 1)) follow W' itself and ∫W, a sum over whole steps back from the limit.
        slope = Decimal(load) * (values[0] - values[1])
        integral = sum(value - 1 for value in values[:-1]) / Decimal(load)
        return float(values[0] ** 2 / slope - integral)


def _scale_function(load: float, x: Decimal) -> Decimal:
    """Return W(x) of the process that rises at rate 1 and falls by 1 at rate `load`; it is 0 for x < 0.

    Its Laplace transform 1 / (s − ρ + ρ exp(−s)) gives Σₙ (−ρ (x − n))ⁿ / n! × exp(ρ (x − n)), n = 0 … ⌊x⌋.
    """
    total = Decimal(0)
    if x < 0:
        return total
    rho = Decimal(load)
    factorial = Decimal(1)
    for n in range(math.floor(x) + 1):
        factorial *= max(n, 1)
        rest = x - n
        power = (-rho * rest) ** n if n else Decimal(1)
        total += power / factorial * (rho * rest).exp()
    return total
