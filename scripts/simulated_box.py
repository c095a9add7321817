"""A simulated box for trying the control room: what it would know of itself, and the messages that it would send."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from edge.telemetry.acknowledgements import taken
from edge.telemetry.advice import advice
from edge.telemetry.commands import Command, Response
from edge.telemetry.messages import (
    AlarmDetail,
    AlarmMessage,
    Health,
    Info,
    Recent,
    Stamp,
    Status,
    encode,
)
from edge.telemetry.past_alarms import PastAlarms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import numpy as np

    from edge.telemetry.acknowledgements import Acknowledgement
    from edge.telemetry.messages import Message

HEALTH_S = 10.0
BACKGROUND_HZ = 0.2
JUST_STARTED = "live for less than 10 s of the last minute"
Outgoing = tuple[str, bytes, bool]
"""Topic, payload, and whether the broker keeps it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a box: `what` is a key of what it knows, with its new value; None ends it."""

    at_s: float
    box: int
    what: str
    value: Any = None


@dataclass
class SimulatedBox:
    """A box: what it would know of itself, and the messages that it would send."""

    stamp: Stamp
    place: str
    rng: np.random.Generator
    rate_hz: float = BACKGROUND_HZ
    fault: str | tuple[str, ...] | None = None
    away: str | None = None
    nuisance: str | None = None
    learning: str | None = None
    overload: str | None = None
    doubt: str | None = None
    alarm: dict[str, Any] | None = None
    acknowledged: Acknowledgement | None = None
    answers: str = "at once"
    past: PastAlarms = field(default_factory=PastAlarms)
    alarms: int = 0
    hits: int = 0
    started: datetime | None = None

    def topic(self, kind: str) -> str:
        """Return the topic of a kind of message."""
        return f"gammabox/{self.stamp.site}/{self.stamp.device}/{kind}"

    def happen(self, event: Event, now: datetime) -> Iterator[Outgoing]:
        """Yield what the box, or the broker for it, sends because of an event."""
        if event.what == "restart":
            yield from self._restart(now)
        elif event.what == "acknowledged":  # by somebody in another control room
            by, reason = event.value
            self.acknowledged = taken(self.acknowledged, by, now, reason, None)
            yield from self.look(now)
        else:
            setattr(self, event.what, event.value)
        if event.what == "away":
            yield from self._status(now)
        if event.what in {"overload", "learning", "fault", "rate_hz", "away"} and self.away is None:
            yield self._message("health", self.health(now))
            yield from self.look(now)

    def birth(self, now: datetime) -> Iterator[Outgoing]:
        """Yield what a box sends when it connects; of one that is away, what the broker keeps."""
        self.started = self.started or now
        yield from self._status(now)
        yield self._message("info", self._info(now))
        yield self._message("health", self.health(now))
        yield from self.look(now)

    def report(self, now: datetime) -> Iterator[Outgoing]:
        """Yield what a box sends every ten seconds; nothing where it is away."""
        if self.away is None:
            yield self._message("health", self.health(now))
            if self.alarm is not None or self.rate_hz != BACKGROUND_HZ:
                yield from self.look(now)

    def look(self, now: datetime) -> Iterator[Outgoing]:
        """Yield the alarm message that follows from what the box knows."""
        excess = self.rate_hz > 5 * BACKGROUND_HZ
        if excess and self.alarm is None:
            self.alarms += 1
            self.alarm = {
                "id": f"{self.stamp.device}-{self.stamp.boot_id[:6]}-{self.alarms}",
                "raised": now,
                "maximum": 0.0,
                "more": False,
            }
            yield self._message("alarm", self._alarm("raised", now))
        elif excess:
            yield self._message("alarm", self._alarm("updated", now))
        elif self.alarm is not None:
            cleared = self._alarm("cleared", now)
            yield self._message("alarm", cleared)
            if cleared.alarm is not None:
                self.past.note(cleared.alarm, now, self.acknowledged)
            self.alarm = self.acknowledged = None
        else:
            yield self._message("alarm", self._surroundings(now))

    def health(self, now: datetime) -> Health:
        """Return the health message of this moment."""
        blind = self._is_blind()
        rate_hz = 0.0 if blind else self._measured()
        self.hits += round(rate_hz * HEALTH_S)
        condition = "alarm" if self.alarm is not None else "learning" if self._reasons() else "clear"
        return self.stamp.make(
            Health, now, frames=300, delivered=302, not_analysed=2, fps=29.9, repeated=0, dropped=0, damaged=0,
            live_fraction=0.0 if blind else 0.94, exposure_s=0.033, live_s_per_s=0.0 if blind else 0.93,
            stage_ms={"decode": 7.1, "fast_path": 1.6, "crop": 0.1, "classify": 0.4, "alarm": 0.1}, hits=self.hits,
            unclassified=0, background_hz=BACKGROUND_HZ, background_interval_hz=(0.15, 0.26), background_learnt=True,
            condition=condition, reasons=self._reasons() if condition == "learning" else (),
            recent=(_recent(10, rate_hz), _recent(60, rate_hz)), overload=self.overload,
            nuisances=() if self.nuisance is None else (self.nuisance,), alarm_stands=self.alarm is not None,
            temperature_c=round(float(self.rng.normal(52, 2)), 1), uptime_s=self._uptime_s(now),
            outbox={"depth": 0, "dropped": 0}, faults=self._faults(),
        )  # fmt: skip

    def answer(self, verb: str, payload: bytes, now: datetime) -> Iterator[Outgoing]:
        """Yield the answer to a command, and the alarm as everybody sees it then."""
        command = Command.model_validate_json(payload)
        wrong, named = None, command.arguments.get("alarm_id")
        if self.answers == "refuses":
            wrong = "this box is set to carry out no command (commands.allow)"
        elif verb not in {"acknowledge", "silence"}:
            wrong = f"the simulated box does not know the command {verb}"
        elif self.alarm is None:
            wrong = "no alarm stands"
        elif named != self.alarm["id"] and not (verb == "silence" and named is None):
            wrong = f"the alarm that stands is {self.alarm['id']}"
        if wrong is None:
            minutes = float(str(command.arguments.get("minutes", 0)))
            until = now + timedelta(minutes=minutes) if minutes else None
            self.acknowledged = taken(self.acknowledged, command.by, now, command.reason, until)
        answer = self.stamp.make(
            Response, now, transaction_id=command.transaction_id, ok=wrong is None, error=wrong, result={}
        )
        yield (self.topic(f"rsp/{verb}"), encode(answer), False)
        if wrong is None:
            yield self._message("alarm", self._alarm("updated", now))

    def _measured(self) -> float:
        """Return a rate over the last 10 seconds as chance would have it."""
        return round(float(self.rng.poisson(self.rate_hz * 9.3)) / 9.3, 3)

    def _faults(self) -> tuple[str, ...]:
        return () if self.fault is None else (self.fault,) if isinstance(self.fault, str) else self.fault

    def _is_blind(self) -> bool:
        return any("camera" in fault for fault in self._faults())

    def _reasons(self) -> tuple[str, ...]:
        blind = (JUST_STARTED,) if self._is_blind() else ()
        overload = () if self.overload is None else (f"more than can be judged: {self.overload}",)
        return (*blind, *(() if self.learning is None else (self.learning,)), *overload)

    def _status(self, now: datetime) -> Iterator[Outgoing]:
        if self.away == "silent":
            return
        if self.away == "lost":
            will = self.stamp.make(Status, now, state="offline", reason="lost").model_copy(update={"seq": 0})
            yield self._message("status", will)
        else:
            state = "online" if self.away is None else "offline"
            reason = "connected" if self.away is None else "stopped"
            yield self._message("status", self.stamp.make(Status, now, state=state, reason=reason))

    def _restart(self, now: datetime) -> Iterator[Outgoing]:
        site, device = self.stamp.site, self.stamp.device
        self.stamp = Stamp(site, device, f"{int(self.rng.integers(1 << 60)):016x}")
        self.learning, self.alarm, self.hits, self.started = JUST_STARTED, None, 0, now
        yield from self.birth(now)

    def _info(self, now: datetime) -> Info:
        return self.stamp.make(
            Info, now, software="simulated", release="night", place=self.place, false_alarms_per_1000_h=1.0,
            model={"name": "alexnet_edge", "sha256": "0" * 64, "runtime": "simulated"}, started_utc=self.started or now,
            camera={"kind": "MJPG", "width": 1920, "height": 1080, "fps": 29.9, "exposure_s": 0.033},
        )  # fmt: skip

    def _uptime_s(self, now: datetime) -> float:
        return 0.0 if self.started is None else (now - self.started).total_seconds()

    def _surroundings(self, now: datetime) -> AlarmMessage:
        state = "learning" if self._reasons() else "cleared"
        return self.stamp.make(
            AlarmMessage, now, state=state, alarm=None, reasons=self._reasons(), place=self.place,
            advice=advice(state, None, self.place), past=self.past.others(None),
        )  # fmt: skip

    def _alarm(self, state: str, now: datetime) -> AlarmMessage:
        known = self.alarm or {"id": "none", "raised": now, "maximum": 0.0, "more": False}
        rate_hz = self._measured()
        known["maximum"] = max(known["maximum"], rate_hz)
        known["more"] = known["more"] or self.overload is not None
        duration_s = (now - known["raised"]).total_seconds() + 3
        doubts = () if self.doubt is None else (self.doubt,)
        detail = AlarmDetail(
            id=known["id"], raised_utc=known["raised"], onset_utc=known["raised"] - timedelta(seconds=3),
            significance_sigma=round(5 + math.sqrt(duration_s), 2), hits=max(round(rate_hz * duration_s), 5),
            live_s=round(duration_s * 0.93, 3), rate_hz=rate_hz, rate_interval_hz=(rate_hz * 0.7, rate_hz * 1.4),
            background_hz=BACKGROUND_HZ, background_interval_hz=(0.15, 0.26), false_alarms_per_1000_h=1.0,
            recent=(_recent(10, rate_hz),), maximum_hz=known["maximum"], duration_s=duration_s,
            lower_limit=known["more"], overload=self.overload, evidence=(), doubts=doubts,
            weakened_by=doubts,
        )  # fmt: skip
        return self.stamp.make(
            AlarmMessage, now, state=state, alarm=detail, place=self.place, acknowledged=self.acknowledged,
            advice=advice(state, detail, self.place), past=self.past.others(detail.id),
        )  # fmt: skip

    def _message(self, kind: str, message: Message) -> Outgoing:
        return (self.topic(kind), encode(message), True)


def _recent(window_s: int, rate_hz: float) -> Recent:
    return Recent(window_s=window_s, rate_hz=rate_hz, interval_hz=(rate_hz * 0.6, rate_hz * 1.6 + 0.3))
