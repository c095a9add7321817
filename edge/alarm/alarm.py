"""The alarm as the control room receives it: one decision on a rate, with its evidence and its weaknesses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.text import significant

if TYPE_CHECKING:
    from datetime import datetime

    from edge.alarm.recent_rate import RecentRate

State = Literal["raised", "updated", "changed", "cleared"]
Condition = Literal["learning", "clear", "alarm", "changed"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A step in the life of an alarm. Each step carries everything that is known.

    An alarm is raised, updated while it stands, and cleared. A moderate excess that lasts becomes `changed`: the
    background may have changed, or a source may have come to stay, and somebody has to look at the box.

    Attributes
    ----------
    id : str
        The same from raised to cleared.
    state : {"raised", "updated", "changed", "cleared"}
    time_s, utc : float, datetime
        Times of the frame that led to this step.
    onset_s, onset_utc : float, datetime
        Estimated times from which on the hits exceed the background.
    raised_utc : datetime
        When the alarm was raised.
    significance_sigma : float
        Excess since the onset in standard deviations, the background's uncertainty included.
    hits, live_s : int, float
        Counted since the onset.
    rate_hz, rate_interval_hz : float, (float, float)
        Hits per live second since the onset, with their central 95 % interval.
    background_hz, background_interval_hz : float, (float, float)
        Hits per live second of the background, with their central 95 % interval.
    false_alarms_per_1000_h : float
        False alarms in 1000 live hours that the trigger is set for.
    recent : tuple of RecentRate
        Rates of the last 10 and 60 seconds.
    maximum_hz : float
        Highest rate of 10 seconds since the alarm was raised.
    duration_s : float
        Seconds since the onset.
    lower_limit : bool
        Whether rates are lower limits, because more came than can be counted.
    frames : tuple of int
        Sequence numbers of the latest frames with hits: the evidence.
    overload : str or None
        What shows that more hits come than can be judged one by one; None where all can be judged.
    doubts : tuple of str
        Reasons to take the latest hits for something other than radiation.
    weakened_by : tuple of str
        Reasons to trust the alarm less, each a phrase for people; doubts are among them.

    """

    id: str
    state: State
    time_s: float
    utc: datetime
    onset_s: float
    onset_utc: datetime
    raised_utc: datetime
    significance_sigma: float
    hits: int
    live_s: float
    rate_hz: float
    rate_interval_hz: tuple[float, float]
    background_hz: float
    background_interval_hz: tuple[float, float]
    false_alarms_per_1000_h: float
    recent: tuple[RecentRate, ...]
    maximum_hz: float
    duration_s: float
    lower_limit: bool
    frames: tuple[int, ...]
    overload: str | None
    doubts: tuple[str, ...]
    weakened_by: tuple[str, ...]

    def as_event(self) -> dict[str, object]:
        """Return the event of `gammabox-edge analyze`, ready for JSON."""
        return {
            "type": "alarm",
            "state": self.state,
            "id": self.id,
            "time_s": round(self.time_s, 4),
            "onset_s": round(self.onset_s, 4),
            "significance_sigma": round(self.significance_sigma, 2),
            "hits": self.hits,
            "live_s": round(self.live_s, 3),
            "rate_hz": significant(self.rate_hz),
            "rate_interval_hz": [significant(value) for value in self.rate_interval_hz],
            "background_hz": significant(self.background_hz),
            "background_interval_hz": [significant(value) for value in self.background_interval_hz],
            "false_alarms_per_1000_h": self.false_alarms_per_1000_h,
            "recent": [rate.as_dict() for rate in self.recent],
            "maximum_hz": significant(self.maximum_hz),
            "duration_s": round(self.duration_s, 3),
            "lower_limit": self.lower_limit,
            "overload": self.overload,
            "frames": list(self.frames),
            "doubts": list(self.doubts),
            "weakened_by": list(self.weakened_by),
        }
