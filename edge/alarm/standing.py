"""An alarm that stands: what it was raised against, and when the quiet after it is long enough to clear it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from edge.alarm.background import Rate
    from edge.alarm.live_time import Observation

# A standing alarm is cleared when background alone is this many times as likely as source and background.
CLEAR_ODDS = 1000.0
MAX_LOG_ODDS = 3 * math.log(CLEAR_ODDS)
"""Quiet counts up to these odds, so that a long night does not hide an excess that follows it."""
SLOWER_EACH_ROUND = 8.0
MAX_SLOWED_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ClearRule:
    """What the rate after an alarm is held against.

    Attributes
    ----------
    background_hz : float
        Rate of the background before the alarm, its upper limit.
    slope_hz : float
        Rate between background and the weakest source that the trigger is tuned for.
    log_ratio : float
        Logarithm of source and background over background.
    dispersion : float
        Variance over mean of the background's counts.
    clear_s : float
        Shortest quiet time.

    """

    background_hz: float
    slope_hz: float
    log_ratio: float
    dispersion: float
    clear_s: float


@dataclass(frozen=True, slots=True)
class Past:
    """The last alarm that ended."""

    id: str
    cleared_s: float
    rounds: int
    raised_utc: datetime


@dataclass(slots=True)
class Standing:
    """An alarm that stands, with the background as it was when the alarm was raised.

    Attributes
    ----------
    id : str
    raised_utc : datetime
    raised_s, reported_s : float
        Monotonic times of the raising and of the last report.
    background : Rate
    learnt_before : bool
        Whether the background was learnt before the alarm. Only then a quiet rate says that the source is gone.
    rounds : int
        How often the same alarm was cleared and raised again; each round clears more slowly.
    moderate : bool
        Whether the excess was moderate all the time. It clears as slowly as one that comes again: a rate a little above
        the background agrees with it for half a minute by chance.
    changed : bool
        Whether it lasts as a changed background.
    resumed : bool
        Whether it was taken over from an earlier run and not reported since.
    maximum_hz : float
        Highest rate of 10 seconds.

    """

    id: str
    raised_utc: datetime
    raised_s: float
    reported_s: float
    background: Rate
    learnt_before: bool
    rounds: int = 0
    moderate: bool = False
    changed: bool = False
    resumed: bool = False
    maximum_hz: float = 0.0
    _excess: float = 0.0
    _since_s: float = math.inf
    _counted: float = 0.0
    _live_s: float = 0.0

    def forget_quiet(self) -> None:
        """Begin the wait for quiet anew."""
        self._excess = self._counted = self._live_s = 0.0
        self._since_s = math.inf

    def quiet_s(self, now_s: float) -> float:
        """Return the seconds since the last excess."""
        return max(0.0, now_s - self._since_s)

    def is_quiet(self, observation: Observation, rule: ClearRule) -> bool:
        """Count one frame and return whether the rate agrees with the background for long enough.

        The test mirrors the trigger: a sum that background lifts and hits push down to 0. In addition, the hits since
        its last 0 must not exceed what background gives by more than one standard deviation.
        """
        if self._excess <= 0:
            self.forget_quiet()
            self._since_s = observation.monotonic_s
        self._counted += observation.hits
        self._live_s += observation.live_s
        self._excess = max(0.0, self._excess + rule.slope_hz * observation.live_s - observation.hits)
        self._excess = min(self._excess, MAX_LOG_ODDS * rule.dispersion / rule.log_ratio)
        slowed = min(self.rounds + self.moderate, MAX_SLOWED_ROUNDS)
        needed_s = rule.clear_s * SLOWER_EACH_ROUND**slowed
        expected = rule.background_hz * self._live_s
        return (
            self.quiet_s(observation.monotonic_s) >= needed_s
            and self._excess * rule.log_ratio / rule.dispersion >= math.log(CLEAR_ODDS)
            and self._counted <= expected + math.sqrt(rule.dispersion * expected)
        )
