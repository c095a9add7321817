"""The tracker of alarms: takes in frame after frame, learns the background, raises, updates and clears."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.alarm.alarm import Alarm
from edge.alarm.background import Background, Rate, significance_sigma
from edge.alarm.trigger import Trigger

if TYPE_CHECKING:
    from datetime import datetime

    from edge.alarm.alarm import State
    from edge.alarm.live_time import Observation
    from edge.config.device import AlarmSettings

# The trigger takes this upper quantile (99 %) of the background for true, so that what is not yet known of it costs
# sensitivity and not false alarms.
UPPER_SIGMAS = 2.326
# A standing alarm is cleared when background is this many times as likely as source and background.
CLEAR_ODDS = 1000.0
EVIDENCE_FRAMES = 50


@dataclass
class _Stretch:
    """Frames since the trigger last rested: either background in the end, or the beginning of an alarm."""

    onset_s: float
    onset_utc: datetime
    hits: int = 0
    live_s: float = 0.0
    lasted_s: float = 0.0
    fraction_s: float = 0.0
    sensitive_s: float = 0.0
    unclassified: int = 0
    exposure_known: bool = True
    frames: deque[int] = field(default_factory=lambda: deque(maxlen=EVIDENCE_FRAMES))

    def add(self, seen: Observation) -> None:
        self.hits += seen.hits
        self.live_s += seen.live_s
        self.lasted_s += seen.period_s
        self.fraction_s += seen.period_s * seen.live_fraction
        self.sensitive_s += seen.period_s * seen.live_fraction * seen.sensitivity
        self.unclassified += seen.unclassified
        self.exposure_known &= seen.exposure_known
        if seen.hits:
            self.frames.append(seen.sequence)


@dataclass
class _Standing:
    """An alarm that stands."""

    id: str
    raised_utc: datetime
    told_s: float
    background: Rate
    quiet_hits: float = 0.0
    quiet_since_s: float = math.inf


class AlarmTracker:
    """Turns hits into alarms. Pure: all times come with the frames.

    Parameters
    ----------
    settings : AlarmSettings
    name : str
        Alarms are called name-1, name-2, …

    """

    def __init__(self, settings: AlarmSettings, name: str = "alarm") -> None:
        self._settings = settings
        self._name = name
        self._count = 0
        self._background = Background(settings.prior_background_hz, settings.background_memory_s)
        self._trigger = Trigger(settings)
        self._stretch: _Stretch | None = None
        self._standing: _Standing | None = None

    @property
    def background(self) -> Rate:
        """What is known of the background."""
        return self._background.rate

    @property
    def learnt(self) -> bool:
        """Whether the background counts as learnt."""
        return self._background.learnt_s >= self._settings.learn_s

    @property
    def stands(self) -> bool:
        """Whether an alarm stands."""
        return self._standing is not None

    def update(self, seen: Observation) -> tuple[Alarm, ...]:
        """Update the tracker with one frame and return the steps of alarms that it caused, usually none.

        A frame without live time changes nothing, and its hits do not count.
        """
        if seen.live_s <= 0:
            return ()
        if self._stretch is None:
            self._stretch = _Stretch(seen.monotonic_s, seen.utc)
        self._stretch.add(seen)
        if self._standing is not None:
            return self._follow(self._standing, self._stretch, seen)
        if self._trigger.add(seen.hits, seen.live_s, self._assumed_hz()):
            return (self._raise(self._stretch, seen),)
        if self._trigger.at_rest:
            self._background.learn(self._stretch.hits, self._stretch.live_s)
            self._stretch = None
        return ()

    def _assumed_hz(self) -> float:
        return min(self._background.rate.quantile_hz(UPPER_SIGMAS), self._settings.max_background_hz)

    def _raise(self, stretch: _Stretch, seen: Observation) -> Alarm:
        self._count += 1
        standing = _Standing(f"{self._name}-{self._count}", seen.utc, seen.monotonic_s, self._background.rate)
        self._standing = standing
        return self._tell("raised", standing, stretch, seen)

    def _follow(self, standing: _Standing, stretch: _Stretch, seen: Observation) -> tuple[Alarm, ...]:
        """Clear by the mirrored test: a sum that background lifts and hits push down to 0."""
        assumed_hz = self._assumed_hz()
        slope_hz = self._trigger.rules(assumed_hz)[0][0]
        log_ratio = math.log1p(max(self._settings.source_rate_hz, self._settings.min_excess * assumed_hz) / assumed_hz)
        if standing.quiet_hits <= 0:
            standing.quiet_since_s = seen.monotonic_s
        standing.quiet_hits = max(0.0, standing.quiet_hits + slope_hz * seen.live_s - seen.hits)
        quiet_s = seen.monotonic_s - standing.quiet_since_s
        if standing.quiet_hits * log_ratio >= math.log(CLEAR_ODDS) and quiet_s >= self._settings.clear_s:
            self._standing = None
            self._stretch = None
            self._trigger.reset()
            return (self._tell("cleared", standing, stretch, seen),)
        if seen.monotonic_s - standing.told_s >= self._settings.update_s:
            standing.told_s = seen.monotonic_s
            return (self._tell("updated", standing, stretch, seen),)
        return ()

    def _tell(self, state: State, standing: _Standing, stretch: _Stretch, seen: Observation) -> Alarm:
        # Jeffreys' prior: half a hit more than counted.
        rate = Rate(stretch.hits + 0.5, stretch.live_s)
        return Alarm(
            id=standing.id,
            state=state,
            time_s=seen.monotonic_s,
            utc=seen.utc,
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
            weakened_by=tuple(self._weaknesses(stretch)),
        )

    def _weaknesses(self, stretch: _Stretch) -> list[str]:
        found = []
        if not self.learnt:
            learnt_s, wanted_s = self._background.learnt_s, self._settings.learn_s
            found.append(f"background learnt for {learnt_s:.1f} of {wanted_s:g} live seconds")
        if self._background.rate.quantile_hz(UPPER_SIGMAS) > self._settings.max_background_hz:
            found.append(f"background may be above the {self._settings.max_background_hz:g} hits/s that settings allow")
        if not stretch.exposure_known:
            found.append("exposure unknown: the frame period was taken, rates are lower limits")
        fraction = stretch.fraction_s / stretch.lasted_s if stretch.lasted_s else 0.0
        if fraction < 0.5:
            found.append(f"only {fraction:.0%} of the picture was live")
        if stretch.sensitive_s < 0.5 * stretch.fraction_s:
            found.append(f"bright ground: {stretch.sensitive_s / stretch.fraction_s:.0%} of the hits can be seen on it")
        if stretch.exposure_known and stretch.live_s < 0.2 * stretch.sensitive_s:
            found.append(f"short exposure: live for {stretch.live_s / stretch.lasted_s:.0%} of the time")
        if stretch.unclassified:
            found.append(f"{stretch.unclassified} candidates were left unclassified")
        return found
