"""Months without a source: how often the tracker raises an alarm all the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.background import Rate
from edge.alarm.state import AlarmState, Identity, state_of, tracker_of
from edge.alarm.tracker import AlarmTracker
from edge.simulation.background import BackgroundModel
from edge.simulation.playback import START_UTC, FramePace, play
from edge.statistics import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.alarm.alarm import Alarm
    from edge.config.device import AlarmSettings

HOUR_S = 3600.0
EARLY_S = 300.0
"""The first five minutes after a start are counted apart."""
RESTART_S = 20.0
"""How long a restart takes."""
CALIBRATED_S = 600.0
"""Live seconds in which `gammabox-edge calibrate` measures a background."""
_DRAWN_S = 86400.0
_IDENTITY = Identity(camera="simulated", width=1920, height=1080, exposure_s=None, gain=None, model_sha256="")


@dataclass(frozen=True, slots=True)
class BoxLife:
    """The life of one box without a source.

    Attributes
    ----------
    settings : AlarmSettings
    background : BackgroundModel
    pace : FramePace
    hours : float
        From the first start to the end.
    restart_h : float or None
        Hours between restarts; None for none.
    lost_share : float
        Share of the restarts that find no state file.
    calibrated : bool
        Whether the background was measured before the first start.
    seed : tuple of int

    """

    settings: AlarmSettings
    background: BackgroundModel = field(default_factory=BackgroundModel)
    pace: FramePace = field(default_factory=FramePace)
    hours: float = 1000.0
    restart_h: float | None = 168.0
    lost_share: float = 0.25
    calibrated: bool = False
    seed: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted without a source.

    Attributes
    ----------
    hours, live_hours : float
        Simulated.
    hits : int
    starts, resumed : int
        Starts that knew nothing but a calibration, and restarts with a state file.
    raised, changed : int
        Steps of alarms: raised, and told as a changed background.
    early_hours : float
        Of the hours, those within five minutes of a start or restart.
    early_raised : int
        Of the alarms raised, those within them.
    max_a_day : int
        Most steps raised and changed within one day of a box.

    """

    hours: float = 0.0
    live_hours: float = 0.0
    hits: int = 0
    starts: int = 0
    resumed: int = 0
    raised: int = 0
    changed: int = 0
    early_hours: float = 0.0
    early_raised: int = 0
    max_a_day: int = 0

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(
            self.hours + other.hours,
            self.live_hours + other.live_hours,
            self.hits + other.hits,
            self.starts + other.starts,
            self.resumed + other.resumed,
            self.raised + other.raised,
            self.changed + other.changed,
            self.early_hours + other.early_hours,
            self.early_raised + other.early_raised,
            max(self.max_a_day, other.max_a_day),
        )


def per_1000_h(count: int, hours: float) -> tuple[float, tuple[float, float]]:
    """Return the events of 1000 hours with their exact 95 % interval.

    Examples
    --------
    >>> rate, (low, high) = per_1000_h(4, 2000.0)
    >>> print(f"{rate:.1f} [{low:.2f}, {high:.2f}]")
    2.0 [0.54, 5.12]

    """
    low, high = poisson_interval(count)
    return count * 1000 / hours, (low * 1000 / hours, high * 1000 / hours)


def lives_of(plan: BoxLife, hours: float) -> list[BoxLife]:
    """Return boxes whose lives make up some hours, with seeds of their own."""
    count = max(1, math.ceil(hours / plan.hours))
    return [replace(plan, hours=hours / count, seed=(*plan.seed, number)) for number in range(count)]


def simulate_life(life: BoxLife) -> Tally:
    """Return what happens in the life of a box."""
    rng = np.random.default_rng(life.seed)
    end_s = life.hours * HOUR_S
    run_s = life.restart_h * HOUR_S if life.restart_h else end_s
    tracker, resumed = _started(life, rng), False
    begin_s, tally, days = 0.0, Tally(), np.zeros(math.ceil(life.hours / 24) + 1, np.int64)
    while begin_s < end_s:
        stop_s = min(begin_s + run_s, end_s)
        steps, hits = _run(life, tracker, rng, begin_s, stop_s)
        for step in steps:
            days[int(step.time_s // 86400)] += step.state in {"raised", "changed"}
        tally = tally.plus(_tally_of(life, steps, hits, begin_s, stop_s, resumed=resumed))
        begin_s = stop_s + RESTART_S
        if begin_s < end_s:
            resumed = bool(rng.random() >= life.lost_share)
            tracker = _resumed(life, tracker, begin_s) if resumed else _started(life, rng)
    return replace(tally, max_a_day=int(days.max()))


def _started(life: BoxLife, rng: np.random.Generator) -> AlarmTracker:
    """Return the tracker of a box that knows nothing, or a calibration."""
    known = None
    if life.calibrated:
        known = Rate(max(float(rng.poisson(life.background.rate_hz * CALIBRATED_S)), 0.5), CALIBRATED_S)
    return AlarmTracker(life.settings, known=known)


def _resumed(life: BoxLife, tracker: AlarmTracker, now_s: float) -> AlarmTracker:
    """Return the tracker that the state file of an earlier one makes."""
    utc = START_UTC + timedelta(seconds=now_s)
    state = AlarmState.model_validate_json(state_of(tracker, _IDENTITY, utc).model_dump_json())
    return tracker_of(state, life.settings, "alarm", None, (now_s, utc))


def _run(
    life: BoxLife, tracker: AlarmTracker, rng: np.random.Generator, begin_s: float, stop_s: float
) -> tuple[list[Alarm], int]:
    """Play the background of one run; return the steps of alarms and the number of hits."""
    steps: list[Alarm] = []
    hits = 0
    while begin_s < stop_s:
        until_s = min(begin_s + _DRAWN_S, stop_s)
        train = life.background.draw(rng, begin_s, until_s - begin_s, life.pace.live_share)
        hits += len(train)
        steps += play(tracker, train, begin_s, until_s, life.pace)
        begin_s = until_s
    return steps, hits


def _tally_of(
    life: BoxLife, steps: Iterable[Alarm], hits: int, begin_s: float, stop_s: float, *, resumed: bool
) -> Tally:
    raised = [step for step in steps if step.state == "raised"]
    hours = (stop_s - begin_s) / HOUR_S
    return Tally(
        hours=hours,
        live_hours=hours * life.pace.live_share,
        hits=hits,
        starts=int(not resumed),
        resumed=int(resumed),
        raised=len(raised),
        changed=sum(step.state == "changed" for step in steps),
        early_hours=min(hours, EARLY_S / HOUR_S),
        early_raised=sum(step.time_s < begin_s + EARLY_S for step in raised),
    )
