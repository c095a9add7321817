"""The tracker of alarms: learns the background frame by frame and raises, updates and clears alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.alarm.alarm import Alarm
from edge.alarm.background import Background, Rate, significance_sigma
from edge.alarm.stretch import Stretch
from edge.alarm.trigger import Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.alarm.alarm import State
    from edge.alarm.live_time import Observation
    from edge.config.device import AlarmSettings

# The trigger assumes the upper 99 % quantile of the background, so that what is not yet known of it costs sensitivity
# and not false alarms.
UPPER_SIGMAS = 2.326
# A standing alarm is cleared when background alone is this many times as likely as source and background.
CLEAR_ODDS = 1000.0


@dataclass(slots=True)
class _Standing:
    """An alarm that stands, with the background as it was when the alarm was raised."""

    id: str
    raised_utc: datetime
    reported_s: float
    background: Rate
    quiet_hits: float = 0.0
    quiet_since_s: float = math.inf


class AlarmTracker:
    """Turns observations into alarms. It is pure: all times come with the frames.

    While no alarm stands, the trigger sums up the hits that exceed the background. When the trigger comes to rest, the
    stretch since its last rest was background and is learnt. When the trigger exceeds its limit, an alarm is raised,
    and the background is frozen until the alarm is cleared.

    Parameters
    ----------
    settings : AlarmSettings
    name : str
        Ids of alarms are name-1, name-2, …

    Examples
    --------
    A minute of background without hits at 25 frames a second, then a hit in every fifth frame:

    >>> from datetime import datetime, timedelta, timezone
    >>> from edge.alarm.live_time import Observation
    >>> from edge.config.device import AlarmSettings
    >>> tracker = AlarmTracker(AlarmSettings(), name="gate")
    >>> for number in range(1750):
    ...     time_s = number / 25
    ...     observation = Observation(
    ...         sequence=number,
    ...         monotonic_s=time_s,
    ...         utc=datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time_s),
    ...         hits=int(time_s >= 60 and number % 5 == 0),
    ...         live_s=0.02,
    ...         period_s=0.04,
    ...         exposure_known=True,
    ...         live_fraction=1.0,
    ...         unclassified=0,
    ...     )
    ...     for alarm in tracker.update(observation):
    ...         print(f"{alarm.id} {alarm.state}: {alarm.hits} hits in {alarm.time_s - alarm.onset_s:.0f} s")
    gate-1 raised: 6 hits in 1 s

    """

    def __init__(self, settings: AlarmSettings, name: str = "alarm") -> None:
        self._settings = settings
        self._name = name
        self._count = 0
        self._background = Background(settings.prior_background_hz, settings.background_memory_s)
        self._trigger = Trigger(settings)
        self._stretch: Stretch | None = None
        self._standing: _Standing | None = None

    @property
    def background(self) -> Rate:
        """The background as known now."""
        return self._background.rate

    @property
    def learnt(self) -> bool:
        """Whether the background counts as learnt."""
        return self._background.learnt_s >= self._settings.learn_s

    @property
    def stands(self) -> bool:
        """Whether an alarm stands."""
        return self._standing is not None

    def update(self, observation: Observation) -> tuple[Alarm, ...]:
        """Update the tracker with one frame and return the steps of alarms that it caused, usually none.

        A frame without live time changes nothing, and its hits do not count.
        """
        if observation.live_s <= 0:
            return ()
        if self._stretch is None:
            self._stretch = Stretch(observation.monotonic_s, observation.utc)
        self._stretch.add(observation)
        if self._standing is not None:
            return self._follow(self._standing, self._stretch, observation)
        if self._trigger.add(observation.hits, observation.live_s, self._assumed_hz()):
            return (self._raise(self._stretch, observation),)
        if self._trigger.at_rest:
            self._background.learn(self._stretch.hits, self._stretch.live_s)
            self._stretch = None
        return ()

    def _assumed_hz(self) -> float:
        return min(self._background.rate.quantile_hz(UPPER_SIGMAS), self._settings.max_background_hz)

    def _raise(self, stretch: Stretch, observation: Observation) -> Alarm:
        self._count += 1
        self._standing = _Standing(
            f"{self._name}-{self._count}", observation.utc, observation.monotonic_s, self._background.rate
        )
        return self._step("raised", self._standing, stretch, observation)

    def _follow(self, standing: _Standing, stretch: Stretch, observation: Observation) -> tuple[Alarm, ...]:
        """Clear the alarm by the mirrored test: a sum that background lifts and hits push down to 0."""
        assumed_hz = self._assumed_hz()
        slope_hz = self._trigger.rules(assumed_hz)[0][0]
        log_ratio = math.log1p(max(self._settings.source_rate_hz, self._settings.min_excess * assumed_hz) / assumed_hz)
        now_s = observation.monotonic_s
        if standing.quiet_hits <= 0:
            standing.quiet_since_s = now_s
        standing.quiet_hits = max(0.0, standing.quiet_hits + slope_hz * observation.live_s - observation.hits)
        quiet_s = now_s - standing.quiet_since_s
        if standing.quiet_hits * log_ratio >= math.log(CLEAR_ODDS) and quiet_s >= self._settings.clear_s:
            self._standing = None
            self._stretch = None
            self._trigger.reset()
            return (self._step("cleared", standing, stretch, observation),)
        if now_s - standing.reported_s >= self._settings.update_s:
            standing.reported_s = now_s
            return (self._step("updated", standing, stretch, observation),)
        return ()

    def _step(self, state: State, standing: _Standing, stretch: Stretch, observation: Observation) -> Alarm:
        # Jeffreys' prior: half a hit more than counted.
        rate = Rate(stretch.hits + 0.5, stretch.live_s)
        return Alarm(
            id=standing.id,
            state=state,
            time_s=observation.monotonic_s,
            utc=observation.utc,
            onset_s=stretch.onset_s,
            onset_utc=stretch.onset_utc,
            raised_utc=standing.raised_utc,
            significance_sigma=significance_sigma(stretch.hits, stretch.live_s, standing.background),
            hits=stretch.hits,
            live_s=stretch.live_s,
            rate_hz=stretch.hits / stretch.live_s,
            rate_interval_hz=rate.interval_hz(),
            background_hz=standing.background.mean_hz,
            background_interval_hz=standing.background.interval_hz(),
            false_alarms_per_1000_h=self._settings.false_alarms_per_1000_h,
            frames=tuple(stretch.frames),
            weakened_by=(*self._weaknesses(), *stretch.weaknesses()),
        )

    def _weaknesses(self) -> Iterator[str]:
        """Yield the reasons to trust an alarm less that lie in the background."""
        if not self.learnt:
            learnt_s, wanted_s = self._background.learnt_s, self._settings.learn_s
            yield f"background learnt for {learnt_s:.1f} of {wanted_s:g} live seconds"
        if self._background.rate.quantile_hz(UPPER_SIGMAS) > self._settings.max_background_hz:
            yield f"background may be above the {self._settings.max_background_hz:g} hits/s that settings allow"
