"""What a box can say of its surroundings at one moment, and why it cannot say more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.alarm.background import significance_sigma
from edge.alarm.recent_rate import WINDOWS_S
from edge.alarm.tracker import UPPER_SIGMAS
from edge.text import significant

if TYPE_CHECKING:
    from edge.alarm.alarm import Condition
    from edge.alarm.background import Rate
    from edge.alarm.recent_rate import RecentRate
    from edge.alarm.tracker import AlarmTracker
    from edge.config.device import AlarmSettings

EXCESS_SIGMAS = 4.0
"""A rate of the last 10 s that exceeds the background by so much is not clear, even before it is an alarm."""
MIN_SECONDS = 10
"""Seconds of the last minute with live time without which nothing is clear: a box that has just started or was blind
has not looked long enough."""
LEARNING_STEPS = 10
"""Progress of learning is told in steps of a tenth, so that it does not change with every frame."""

LEAKS = "some hits follow things that move or stand on points of light (snow, stars), and others like them may count"


@dataclass(frozen=True, slots=True)
class Situation:
    """A tracker's knowledge at one moment. It never changes, so another thread may read it.

    Attributes
    ----------
    condition : {"learning", "clear", "alarm", "changed"}
    reasons : tuple of str
        Why the condition is "learning", each a phrase for people; empty in other conditions.
    background : Rate
    background_learnt : bool
        Whether enough live time went into the background.
    recent : tuple of RecentRate
        Rates of the last 10 and 60 seconds.
    overload : str or None
        What shows that more comes than can be judged.
    nuisances : tuple of str
        Hits and parts of the picture that do not count now, each a phrase for people.

    """

    condition: Condition
    reasons: tuple[str, ...]
    background: Rate
    background_learnt: bool
    recent: tuple[RecentRate, ...]
    overload: str | None
    nuisances: tuple[str, ...] = ()

    @property
    def alarm_stands(self) -> bool:
        """Whether an alarm stands, also one that lasts as a changed background."""
        return self.condition in {"alarm", "changed"}


def situation_of(tracker: AlarmTracker, settings: AlarmSettings) -> Situation:
    """Return what a tracker knows now. A rate that exceeds a known background is not clear.

    Examples
    --------
    >>> from edge.alarm.tracker import AlarmTracker
    >>> from edge.config.device import AlarmSettings
    >>> situation = situation_of(AlarmTracker(AlarmSettings()), AlarmSettings())
    >>> situation.condition
    'learning'
    >>> situation.reasons
    ('not calibrated: no background was measured without a source', 'background learnt for 0 of 60 live seconds')

    """
    recent = tuple(tracker.recent.over(window_s) for window_s in WINDOWS_S)
    condition = tracker.condition
    reasons: tuple[str, ...] = ()
    if condition in {"learning", "clear"}:
        reasons = _reasons(tracker, settings, recent[0])
        condition = "learning" if reasons else "clear"
    return Situation(
        condition, reasons, tracker.background, tracker.learnt, recent, tracker.overload, tracker.population.doubts
    )


def _reasons(tracker: AlarmTracker, settings: AlarmSettings, ten_s: RecentRate) -> tuple[str, ...]:
    reasons = []
    if not tracker.known:
        reasons.append("not calibrated: no background was measured without a source")
    if not tracker.learnt:
        step_s = settings.learn_s / LEARNING_STEPS
        learnt_s = tracker.learner.learnt_s // step_s * step_s
        reasons.append(f"background learnt for {significant(learnt_s):g} of {settings.learn_s:g} live seconds")
    elif tracker.learner.quantile_hz(UPPER_SIGMAS) > settings.max_background_hz:
        reasons.append(f"background may be above the {settings.max_background_hz:g} hits/s that settings allow")
    elif tracker.recent.seconds < MIN_SECONDS:
        reasons.append(f"live for less than {MIN_SECONDS} s of the last minute")
    elif ten_s.live_s > 0 and significance_sigma(ten_s.hits, ten_s.live_s, tracker.background) > EXCESS_SIGMAS:
        reasons.append("rate of the last 10 s is higher than the background")
    if tracker.population.blinds or tracker.population.leak_hz > settings.source_rate_hz:
        doubts = tracker.population.doubts or (LEAKS,)
        reasons += [f"cannot tell a source from a nuisance: {doubt}" for doubt in doubts]
    if tracker.overload is not None:
        reasons.append(f"more than can be judged: {tracker.overload}")
    return tuple(reasons)
