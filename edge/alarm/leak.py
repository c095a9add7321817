"""What of a nuisance is counted: hits like light where they are too many, and the leak of what is known for one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.alarm.crowding import CLOSE_CHANCE
from edge.statistics import gamma_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.alarm.live_time import Observation

LIGHT_SHARE = 0.45
"""Share of true hits that look like light, at most: see `edge.detect.light`."""
SURE_SHARE = 0.4
"""About the smallest share of true hits that are sure: light hardly ever looks like them."""
_LIGHT_MEMORY_S = 30.0
_LIGHT_MEMORY_HITS = 100.0
_REOPEN_LIGHT_SHARE, _REOPEN_LIGHT_HITS = 0.55, 20.0
_SUSPECT_CHANCE, _SUSPECT_HITS = 0.05, 12.0
"""While an excess is examined, hits like light are left out at this chance already, if there are so many hits."""
_QUIET_S = 600.0
"""After so long without a nuisance's hits all hits count again."""
_WORTH = 1.5
"""Hits like light do not count either where sources are found so many times better without them."""
_SEEN_MEMORY_S = 4.0
_LEAK_MEMORY_S = 1800.0
_PRIOR_LEAKS, _PRIOR_KNOWN = 1.0, 20.0
_MAX_LEAK = 0.25
_PRIOR_FALLEN, _PRIOR_FALLING_S = 2.0, 4.0
"""Hits that rain and snow leave, and the seconds of them, before any are known."""
_FALLS_ON_S = 5.0
_MIN_LEAK_HZ, _MAX_LEAK_HZ = 1e-3, 20.0
_LEAK_GRID = 1.02
_SIGMAS = 1.645
_EXACT_UP_TO = 60


class Lights:
    """Whether hits that look like light count: not while they are more than true hits make them."""

    def __init__(self) -> None:
        self._like = self._all = 0.0
        self._last_s = -math.inf
        self.closed = False

    @property
    def share(self) -> float:
        """Share of the last hits that look like light."""
        return self._like / self._all if self._all > 0 else 0.0

    def update(self, observation: Observation, lights: Sequence[bool], *, worth: bool, suspect: bool) -> None:
        """Count a frame.

        Parameters
        ----------
        observation : Observation
        lights : sequence of bool
            For each of its hits on open ground whether it looks like light.
        worth : bool
            Whether sources are found better without such hits.
        suspect : bool
            Whether an excess is being examined.

        """
        kept = math.exp(-observation.period_s / _LIGHT_MEMORY_S) * max(0.0, 1 - len(lights) / _LIGHT_MEMORY_HITS)
        self._like = self._like * kept + sum(lights)
        self._all = self._all * kept + len(lights)
        if worth or self._are_too_many(suspect=suspect):
            self.closed = True
            self._last_s = observation.monotonic_s
        elif self.closed:
            many = self._all >= _REOPEN_LIGHT_HITS and self.share < _REOPEN_LIGHT_SHARE
            self.closed = not many and observation.monotonic_s - self._last_s < _QUIET_S

    def _are_too_many(self, *, suspect: bool) -> bool:
        if suspect and self._all >= _SUSPECT_HITS:
            return share_tail(round(self._like), round(self._all)) < _SUSPECT_CHANCE
        return log_share_tail(self._like, self._all) < math.log(CLOSE_CHANCE)


class Leak:
    """How many hits of a nuisance count, by how many of its hits are known for what they are.

    Where hits like light are too many only sure hits count, faint ones among them, and all others are left out.
    """

    def __init__(self) -> None:
        self._ratios = {closed: _Ratio() for closed in (False, True)}
        self._elsewhere_sum = self._doubtful_sum = self._refused_sum = self._explained_sum = self._counted_sum = (
            self._seen_s
        ) = 0.0
        self._lights_closed = False
        self._fell_s = -math.inf
        self._fallen, self._falling_s = _PRIOR_FALLEN, _PRIOR_FALLING_S
        self.falling = False
        self._sure = self._faint = self._doubtful = self._elsewhere = self._refused = 0
        self.rate_hz = 0.0

    @property
    def explained_hz(self) -> float:
        """Hits a second that are not counted because each of them is known for what it is."""
        return self._explained_sum / max(self._seen_s, _SEEN_MEMORY_S / 2)

    @property
    def is_mostly_known(self) -> bool:
        """Whether more of the last hits are known not to be radiation than count, by more than one a second."""
        return self.explained_hz > 1 and self._explained_sum > self._counted_sum

    @property
    def worth_without_lights(self) -> bool:
        """Whether sources are found better by sure hits alone, by what leaks of a nuisance each way."""
        if self.falling:
            return True
        if (self._elsewhere_sum + self._doubtful_sum) / max(self._seen_s, _SEEN_MEMORY_S / 2) < 1.0:
            return False
        with_lights, without = (self._leak_hz(lights_closed=closed) for closed in (False, True))
        gain = math.sqrt(max(with_lights, _MIN_LEAK_HZ) / max(without, _MIN_LEAK_HZ)) * SURE_SHARE
        return with_lights > 1.0 and gain > (1 / _WORTH if self._lights_closed else _WORTH)

    def update(
        self, observation: Observation, doubtful: Sequence[bool], faint: int, *, lights_closed: bool, open_s: float
    ) -> None:
        """Count a frame.

        Parameters
        ----------
        observation : Observation
        doubtful : sequence of bool
            For each hit on open ground whether it is not sure.
        faint : int
            Faint hits on open ground.
        lights_closed : bool
            Whether only sure hits count.
        open_s : float
            Live seconds of the open ground.

        """
        self._lights_closed = lights_closed
        if observation.falling:
            self._fell_s = observation.monotonic_s
        self.falling = observation.monotonic_s - self._fell_s < _FALLS_ON_S
        self._doubtful = sum(doubtful)
        self._sure, self._faint, self._refused = len(doubtful) - self._doubtful, faint, observation.refused
        self._elsewhere = observation.explained + len(observation.positions) - len(doubtful)
        kept = math.exp(-observation.period_s / _SEEN_MEMORY_S)
        self._elsewhere_sum = self._elsewhere_sum * kept + self._elsewhere
        self._doubtful_sum = self._doubtful_sum * kept + self._doubtful
        self._refused_sum = self._refused_sum * kept + self._refused
        self._explained_sum = self._explained_sum * kept + observation.explained
        self._counted_sum = self._counted_sum * kept + self._sure + (faint if lights_closed else self._doubtful)
        self._seen_s = self._seen_s * kept + open_s
        rate_hz = min(self._leak_hz(lights_closed=lights_closed), _MAX_LEAK_HZ)
        # In steps, because the trigger computes its limits for each rate.
        self.rate_hz = _LEAK_GRID ** math.ceil(math.log(rate_hz, _LEAK_GRID)) if rate_hz > _MIN_LEAK_HZ else 0.0

    @property
    def left_out(self) -> int:
        """What is not sure of the frame that was counted last."""
        return self._elsewhere + self._doubtful + self._refused

    def learn(self, period_s: float) -> None:
        """Learn from the frame that was counted last: nothing in it is an excess."""
        self._ratios[False].add(self._sure + self._doubtful, self._elsewhere, period_s)
        self._ratios[True].add(self._sure + self._faint, self.left_out, period_s)
        if self.falling:
            kept = math.exp(-period_s / _LEAK_MEMORY_S)
            self._fallen = self._fallen * kept + self._sure + self._faint
            self._falling_s = self._falling_s * kept + period_s

    def _left_out_hz(self, *, lights_closed: bool) -> float:
        """Return how many hits a second are not counted, with or without those that are not sure."""
        left_out = self._elsewhere_sum + (self._doubtful_sum + self._refused_sum if lights_closed else 0.0)
        return left_out / max(self._seen_s, _SEEN_MEMORY_S / 2)

    def _leak_hz(self, *, lights_closed: bool) -> float:
        share = SURE_SHARE if lights_closed else 1.0
        left_out_hz = self._left_out_hz(lights_closed=lights_closed)
        leak_hz = self._ratios[lights_closed].high * left_out_hz if left_out_hz > 0 else 0.0
        if lights_closed and self.falling:
            leak_hz = max(leak_hz, gamma_quantile(self._fallen, _SIGMAS) / self._falling_s)
        return leak_hz / share


class _Ratio:
    """Hits that count for each one that does not."""

    def __init__(self) -> None:
        self._leaks = self._known = 0.0

    @property
    def high(self) -> float:
        """Its upper 95 % quantile, a quarter at most."""
        return min(_MAX_LEAK, gamma_quantile(_PRIOR_LEAKS + self._leaks, _SIGMAS) / (_PRIOR_KNOWN + self._known))

    def add(self, leaks: int, known: int, period_s: float) -> None:
        """Count the hits of a frame."""
        kept = math.exp(-period_s / _LEAK_MEMORY_S)
        self._leaks = self._leaks * kept + leaks
        self._known = self._known * kept + known


def log_share_tail(part: float, whole: float, share: float = LIGHT_SHARE) -> float:
    """Return the logarithm of Chernoff's bound of the probability that at least `part` of `whole` are of a share.

    Examples
    --------
    >>> log_share_tail(4, 10)
    0.0
    >>> round(math.exp(log_share_tail(10, 10)), 6) == round(LIGHT_SHARE**10, 6)
    True

    """
    actual = min(part / whole, 1.0) if whole > 0 else 0.0
    if actual <= share:
        return 0.0
    rest = (1 - actual) * math.log((1 - actual) / (1 - share)) if actual < 1 else 0.0
    return -whole * (actual * math.log(actual / share) + rest)


def share_tail(part: int, whole: int, share: float = LIGHT_SHARE) -> float:
    """Return the probability that at least `part` of `whole` are of a share, above 60 its bound by Chernoff.

    Examples
    --------
    >>> round(share_tail(2, 2, 0.5), 3)
    0.25

    """
    if whole > _EXACT_UP_TO:
        return math.exp(log_share_tail(part, whole, share))
    return math.fsum(
        math.comb(whole, count) * share**count * (1 - share) ** (whole - count) for count in range(part, whole + 1)
    )
