"""The tracker of alarms: learns the background frame by frame and raises, updates and clears alarms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.alarm.alarm import Alarm
from edge.alarm.background import Background, FadingRate, Rate, significance_sigma
from edge.alarm.excess import Excess
from edge.alarm.overload import Overload
from edge.alarm.population import Population
from edge.alarm.recent_rate import WINDOWS_S, RecentRates
from edge.alarm.standing import ClearRule, Past, Standing
from edge.alarm.stretch import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.alarm.alarm import Condition, State
    from edge.alarm.live_time import Observation
    from edge.config.device import AlarmSettings

# The trigger assumes the upper 99 % quantile of the background, so that what is not yet known of it costs sensitivity
# and not false alarms. While the background is learnt from nothing the quantile is higher: every start is a chance of a
# false alarm.
UPPER_SIGMAS = 2.326
START_SIGMAS = 4.0
REARM_S = 3600.0
"""A moderate excess that comes again within this time is the same alarm and clears more slowly."""
CHANGE_AFTER_S = 1800.0
"""A moderate excess that lasts so long with a steady rate is a changed background, or a source that stays."""
CHANGE_FACTOR = 3.0
"""An excess is moderate up to this many times the background."""
CHANGE_REST_S = 30 * 3600.0
"""A changed background is cleared when the old rate is back for so long: longer than a day, as days swing."""
LEVEL_MEMORY_S = 900.0
"""Live seconds in which the level of a changed background is followed."""
MAX_LEAK_SHARE = 0.5
"""Time in which a nuisance adds more than this to the background teaches nothing of it."""
MIN_LIVE_SHARE = 0.5
"""Time with less than this share of the usual live ground clears no alarm."""
_LIVE_MEMORY_FRAMES = 500


class AlarmTracker:
    """Turns observations into alarms. It is pure: all times come with the frames.

    While no alarm stands, the trigger sums up the hits that exceed the background. Quiet time is learnt some time later
    (`AlarmSettings.background_lag_s`). When the trigger exceeds its limit, an alarm is raised, and the background is
    frozen until the alarm is cleared. More than can be judged raises an alarm, too, and keeps it.

    Parameters
    ----------
    settings : AlarmSettings
    name : str
        Ids of alarms are name-1, name-2, …
    known : Rate or None
        A background that was measured without a source, by calibration or by an earlier run that knew it. Without one
        the tracker learns, and never says that all is clear.

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
    gate-1 raised: 7 hits in 1 s

    """

    def __init__(self, settings: AlarmSettings, name: str = "alarm", known: Rate | None = None) -> None:
        self._settings = settings
        self._name = name
        self.count = 0
        self.known = known is not None
        self.learner = Background(
            settings.prior_background_hz, settings.background_memory_s, settings.background_lag_s, known
        )
        self.standing: Standing | None = None
        self.stretch: Stretch | None = None
        self.past: Past | None = None
        self.level: FadingRate | None = None
        self.usual_live: float | None = None
        self._excess = Excess(settings)
        self.population = Population()
        self._recent = RecentRates()
        self._overload = Overload()

    @property
    def background(self) -> Rate:
        """The background as known now."""
        return self.learner.rate

    @property
    def learnt(self) -> bool:
        """Whether the background counts as learnt."""
        return self.learner.learnt_s >= self._settings.learn_s

    @property
    def stands(self) -> bool:
        """Whether an alarm stands."""
        return self.standing is not None

    @property
    def condition(self) -> Condition:
        """What can be said now; "clear" only with a background that was learnt without a source."""
        if self.standing is not None:
            return "changed" if self.standing.changed else "alarm"
        return "clear" if self.known and self.learnt else "learning"

    @property
    def recent(self) -> RecentRates:
        """The rates of the last minute."""
        return self._recent

    @property
    def overload(self) -> str | None:
        """What shows that more comes than can be judged; None where all can be judged."""
        return self._overload.reason

    def update(self, observation: Observation) -> tuple[Alarm, ...]:
        """Update the tracker with one frame and return the steps of alarms that it caused, usually none.

        Hits of a frame without live time do not count. A frame with more than can be judged counts as overload, with or
        without live time.
        """
        observation = self.population.update(observation, overloaded=self._overload.stands)
        if self.population.closed_more and self.standing is None:
            self._excess.reset()
            self.stretch = None
        self._overload.update(observation)
        if observation.live_s <= 0 and not self._overload.stands and self.standing is None:
            return ()
        if self.stretch is None:
            self.stretch = Stretch(observation.monotonic_s, observation.utc)
        if observation.live_s > 0 or observation.overload is not None:
            self.stretch.add(observation)
            self._recent.add(observation)
        if self.standing is not None and not self.standing.changed:
            return self._follow(self.standing, self.stretch, observation)
        return self._watch(self.stretch, observation)

    def _watch(self, stretch: Stretch, observation: Observation) -> tuple[Alarm, ...]:
        """Look for an excess over the background."""
        now_s = observation.monotonic_s
        hits = self._excess.independent(observation)
        factor = self.learner.dispersion.factor
        if observation.graded is None:
            exceeded = self._excess.add(observation, hits, self._assumed_hz(observation), factor)
        else:
            graded_hz = self.population.graded_hz(cold=not (self.known or self.learnt))
            exceeded = self._excess.add_graded(observation, self._assumed_hz(observation), graded_hz, factor)
        if self._overload.stands or (exceeded and self.population.allows(stretch.onset_s, now_s)):
            return (self._raise(stretch, observation),)
        if self._excess.at_rest:
            usual = self.usual_live if self.usual_live is not None else observation.live_fraction
            self.usual_live = usual + (observation.live_fraction - usual) / _LIVE_MEMORY_FRAMES
            self.stretch = None
        if self.standing is not None:
            return self._follow_changed(self.standing, stretch, observation)
        if observation.overload is None:
            self.population.learn(observation, at_rest=self._excess.at_rest)
            if not self._leaks(observation):
                self.learner.observe(now_s, hits, observation.live_s, observation.period_s)
        self.learner.learn(now_s if self.stretch is None else self.stretch.onset_s, now_s)
        return ()

    def _leaks(self, observation: Observation) -> bool:
        """Whether a nuisance adds so much to the background that it cannot be learnt."""
        return observation.leak_hz > MAX_LEAK_SHARE * self.learner.rate.mean_hz

    @property
    def _sigmas(self) -> float:
        return UPPER_SIGMAS if self.known or self.learnt else START_SIGMAS

    def _assumed_hz(self, observation: Observation) -> float:
        """Return the background rate that the trigger takes for true."""
        if not (self.known or self.learnt) and self._leaks(observation):
            return min(self.population.weather.quantile_hz(START_SIGMAS), self._settings.max_background_hz)
        assumed_hz = min(self.learner.quantile_hz(self._sigmas), self._settings.max_background_hz)
        assumed_hz += observation.leak_hz
        if self.standing is not None and self.level is not None:
            return max(assumed_hz, self.level.rate.quantile_hz(UPPER_SIGMAS))
        return assumed_hz

    def _raise(self, stretch: Stretch, observation: Observation) -> Alarm:
        now_s = observation.monotonic_s
        before = self.standing
        background = before.background if before is not None else self.learner.rate
        rounds, raised_utc = 0, observation.utc
        if before is not None:  # more than the changed background
            name, rounds, raised_utc = before.id, before.rounds, before.raised_utc
        elif self.past is not None and now_s - self.past.cleared_s < REARM_S and self._is_moderate(stretch, background):
            name, rounds, raised_utc = self.past.id, self.past.rounds + 1, self.past.raised_utc
        else:
            self.count += 1
            name = f"{self._name}-{self.count}"
        self.learner.discard_since(stretch.onset_s)
        self.population.forget_excess()
        self.level = None
        self.standing = Standing(
            name,
            raised_utc,
            now_s,
            now_s,
            background,
            learnt_before=self.known or self.learnt,
            rounds=rounds,
            moderate=self._is_moderate(stretch, background),
            maximum_hz=max(self._ten_s_hz(), before.maximum_hz if before is not None else 0.0),
        )
        return self._step("raised", self.standing, stretch, observation)

    def _follow(self, standing: Standing, stretch: Stretch, observation: Observation) -> tuple[Alarm, ...]:
        now_s = observation.monotonic_s
        standing.maximum_hz = max(standing.maximum_hz, self._ten_s_hz())
        standing.moderate &= self._is_moderate(stretch, standing.background)
        if self._may_not_clear(observation):
            standing.forget_quiet()
        elif standing.is_quiet(observation, self._clear_rule(standing, observation)):
            return (self._clear(standing, stretch, observation),)
        if now_s - standing.raised_s >= CHANGE_AFTER_S and self._is_steady(standing, stretch):
            standing.changed = True
            self.level = FadingRate(LEVEL_MEMORY_S, Rate(stretch.hits + 0.5, stretch.live_s))
            self._excess.reset()
            self.stretch = None
            return (self._step("changed", standing, stretch, observation),)
        if standing.resumed or now_s - standing.reported_s >= self._settings.update_s:
            standing.reported_s = now_s
            return (self._step("updated", standing, stretch, observation),)
        return ()

    def _ten_s_hz(self) -> float:
        return self._recent.over(WINDOWS_S[0]).rate_hz or 0.0

    def _may_not_clear(self, observation: Observation) -> bool:
        """Whether the camera sees too little of what comes to say that a source is gone."""
        blind = self.usual_live is not None and observation.live_fraction < MIN_LIVE_SHARE * self.usual_live
        sees = observation.live_s > 0 and not self.population.blinds
        return self._overload.suspected or observation.unclassified > 0 or blind or not sees

    def _clear_rule(self, standing: Standing, observation: Observation) -> ClearRule:
        background_hz = min(standing.background.quantile_hz(UPPER_SIGMAS), self._settings.max_background_hz)
        background_hz += observation.leak_hz
        excess_hz = max(self._settings.source_rate_hz, self._settings.min_excess * background_hz)
        ratio = math.log1p(excess_hz / background_hz)
        factor = self.learner.dispersion.factor
        return ClearRule(background_hz, excess_hz / ratio, ratio, factor, self._settings.clear_s)

    def _is_steady(self, standing: Standing, stretch: Stretch) -> bool:
        """Whether a moderate excess lasts at one level."""
        minute = self._recent.over(WINDOWS_S[1])
        if stretch.overload_s > 0 or minute.interval_hz is None or stretch.live_s <= 0:
            return False
        steady = minute.interval_hz[0] <= stretch.hits / stretch.live_s <= minute.interval_hz[1]
        return steady and self._is_moderate(stretch, standing.background)

    def _is_moderate(self, stretch: Stretch, background: Rate) -> bool:
        return stretch.hits <= CHANGE_FACTOR * background.quantile_hz(UPPER_SIGMAS) * stretch.live_s

    def _follow_changed(self, standing: Standing, stretch: Stretch, observation: Observation) -> tuple[Alarm, ...]:
        """Follow the level of a changed background; it is cleared when the old one is back for more than a day."""
        if self.level is not None:
            self.level.add(observation.hits, observation.live_s)
            self.learner.follow(observation.hits, observation.live_s)
        if standing.resumed:
            return (self._step("changed", standing, stretch, observation),)
        if observation.live_s <= 0 or not standing.is_quiet(observation, self._clear_rule(standing, observation)):
            return ()
        if standing.quiet_s(observation.monotonic_s) < CHANGE_REST_S:
            return ()
        return (self._clear(standing, stretch, observation),)

    def _clear(self, standing: Standing, stretch: Stretch, observation: Observation) -> Alarm:
        self.past = Past(standing.id, observation.monotonic_s, standing.rounds, standing.raised_utc)
        self.standing = self.stretch = self.level = None
        self._excess.reset()
        return self._step("cleared", standing, stretch, observation)

    def accept(self, observation: Observation) -> tuple[Alarm, ...]:
        """End the alarm that stands, as somebody knows that no source is there, and return that step."""
        stretch = self.stretch or Stretch(observation.monotonic_s, observation.utc)
        return () if self.standing is None else (self._clear(self.standing, stretch, observation),)

    def _step(self, state: State, standing: Standing, stretch: Stretch, observation: Observation) -> Alarm:
        live_s = max(stretch.live_s, 1e-6)
        low_hz, high_hz = Rate(stretch.hits + 0.5, live_s).interval_hz()
        step = Alarm(
            id=standing.id,
            state=state,
            time_s=observation.monotonic_s,
            utc=observation.utc,
            onset_s=stretch.onset_s,
            onset_utc=stretch.onset_utc,
            raised_utc=standing.raised_utc,
            significance_sigma=significance_sigma(stretch.hits, live_s, standing.background),
            hits=stretch.hits,
            live_s=stretch.live_s,
            rate_hz=stretch.weighted / live_s,
            # Jeffreys' prior: half a hit more than counted.
            rate_interval_hz=(low_hz * stretch.mean_weight, high_hz * stretch.mean_weight),
            background_hz=standing.background.mean_hz,
            background_interval_hz=standing.background.interval_hz(),
            false_alarms_per_1000_h=self._settings.false_alarms_per_1000_h,
            recent=tuple(self._recent.over(window_s) for window_s in WINDOWS_S),
            maximum_hz=standing.maximum_hz,
            duration_s=max(0.0, observation.monotonic_s - stretch.onset_s),
            lower_limit=stretch.overload_s > 0 or not stretch.exposure_known,
            frames=tuple(stretch.frames),
            overload=self.overload,
            doubts=observation.doubts,
            weakened_by=(*self._weaknesses(standing), *stretch.weaknesses(), *observation.doubts),
        )
        standing.resumed = False
        return step

    def _weaknesses(self, standing: Standing) -> Iterator[str]:
        """Yield the reasons to trust an alarm less that lie in the background."""
        if not self.learnt:
            learnt_s, wanted_s = self.learner.learnt_s, self._settings.learn_s
            yield f"background learnt for {learnt_s:.1f} of {wanted_s:g} live seconds"
        if self.learner.quantile_hz(UPPER_SIGMAS) > self._settings.max_background_hz:
            yield f"background may be above the {self._settings.max_background_hz:g} hits/s that settings allow"
        if standing.resumed:
            yield "taken over from before a restart; counts begin anew"
        if standing.rounds:
            yield f"came again {standing.rounds} times within an hour of clearing"
