"""What a box reports: hits, alarms, its condition, facts, health and evidence, as messages for the outbox."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from edge.evidence import evidence_of, strongest
from edge.telemetry.advice import advice
from edge.telemetry.commands import Response
from edge.telemetry.details import alarm_detail, hit_detail
from edge.telemetry.messages import AlarmMessage, Evidence, Health, HitMessage, Info, encode
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.past_alarms import PastAlarms
from edge.telemetry.topics import CommandTopic, Topic, evidence_topic, minute_topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import JsonValue

    from edge.alarm.alarm import Alarm
    from edge.alarm.condition import Situation
    from edge.config.telemetry import TelemetrySettings
    from edge.pipeline import AnalysedFrame
    from edge.telemetry.acknowledgements import Acknowledgement
    from edge.telemetry.messages import AlarmDetail, Message, Stamp
    from edge.telemetry.outbox import Outbox
    from edge.telemetry.outgoing import Keep
    from edge.telemetry.topics import Kind

log = logging.getLogger(__name__)

EVIDENCE_MEMORY = 500
MINUTE_S = 60
ANSWER_S = 300
"""Time after which nobody waits for an answer any more."""
EVIDENCE_EVERY_S = 1.0
EVIDENCE_EXPIRY_S = 3600
CLEAR_AFTER_S = 10.0
"""A condition has to be clear for so long before the all-clear is said, so that it does not come and go."""


class Reporter:
    """Puts the messages of one run into the outbox. The pipeline's thread and the agent's use it.

    The retained message on the alarm's topic always says what holds now: an alarm that stands, the all-clear, or why
    neither can be said.

    Parameters
    ----------
    settings : TelemetrySettings
    stamp : Stamp
    outbox : Outbox
    place : str or None
        Where the box hangs, for people.
    acknowledged : callable
        Returns who has taken charge of the alarm with an id.
    forget : callable
        Called with the id of each alarm that is raised: who took charge of it before has not heard of this one.
    past : PastAlarms or None
        Remembers the alarms that are over; None for those of this run only.

    Attributes
    ----------
    settings : TelemetrySettings

    """

    def __init__(
        self,
        settings: TelemetrySettings,
        stamp: Stamp,
        outbox: Outbox,
        place: str | None = None,
        acknowledged: Callable[[str], Acknowledgement | None] = lambda _: None,
        *,
        forget: Callable[[str], None] = lambda _: None,
        past: PastAlarms | None = None,
    ) -> None:
        self.settings = settings
        self._place = place
        self._acknowledged = acknowledged
        self._forget = forget
        self._past = past or PastAlarms()
        self._next_minute_s = self._next_evidence_s = -math.inf
        self._stamp = stamp
        self._outbox = outbox
        self._lock = threading.RLock()
        self._hit_events: deque[tuple[int, str]] = deque(maxlen=EVIDENCE_MEMORY)
        self._retained: dict[Kind, Message] = {}
        self._situation: Situation | None = None
        self._blind: tuple[str, ...] = ()
        self._clear_since_s: float | None = None
        self._told: tuple[str, tuple[str, ...]] | None = None
        self._had_alarm = False

    @property
    def alarm_id(self) -> str | None:
        """Id of the alarm in the retained message; None without one."""
        message = self._retained.get("alarm")
        return message.alarm.id if isinstance(message, AlarmMessage) and message.alarm is not None else None

    @property
    def alarm_stands(self) -> bool:
        """Whether the retained message is about an alarm that stands."""
        message = self._retained.get("alarm")
        return self.alarm_id is not None and isinstance(message, AlarmMessage) and message.state != "cleared"

    @property
    def has_reported(self) -> bool:
        """Whether a frame was reported, and with it what can be said."""
        return self._situation is not None

    def is_over(self, alarm_id: str) -> bool:
        """Return whether an alarm has ended, as far as is known: where one of this run has, no older one stands."""
        return self._had_alarm or any(past.id == alarm_id for past in self._past.others(None))

    def restate_alarm(self, utc: datetime) -> None:
        """Send the retained alarm again, as somebody has taken charge of it."""
        with self._lock:
            message = self._retained.get("alarm")
            if isinstance(message, AlarmMessage) and message.alarm is not None:
                state = "updated" if message.state == "raised" else message.state
                self._send_state(utc, state, message.alarm, message.reasons, restated=True)

    def answer(
        self,
        verb: str,
        transaction_id: str,
        utc: datetime,
        *,
        error: str | None = None,
        result: dict[str, JsonValue] | None = None,
    ) -> None:
        """Answer a command; an error says why it was not carried out."""
        message = self._stamp.make(
            Response, utc, transaction_id=transaction_id, ok=error is None, error=error, result=result or {}
        )
        topic = str(CommandTopic(self._stamp.site, self._stamp.device, "rsp", verb))
        payload, boot_id = encode(message), self._stamp.boot_id
        self._outbox.put(Outgoing(topic, payload, retain=False, keep="always", boot_id=boot_id, expiry_s=ANSWER_S))

    def report(self, analysed: AnalysedFrame, situation: Situation) -> None:
        """Report the hits of a frame, the steps of alarms that it led to, and a condition that has changed."""
        with self._lock:
            if analysed.detection.hits and self.settings.hits:
                self._send_hits(analysed)
            for alarm in analysed.alarms:
                self._send_alarm(alarm)
            self._situation = situation
            if situation.condition != "clear":
                self._clear_since_s = None
            elif self._clear_since_s is None:
                self._clear_since_s = analysed.frame.monotonic_s
            self._send_condition(analysed.frame.utc, analysed.frame.monotonic_s)

    def blind(self, reasons: tuple[str, ...], utc: datetime) -> None:
        """Say why the box sees nothing, or by no reasons that it sees again. A standing alarm is left as it is."""
        with self._lock:
            if reasons != self._blind:
                self._blind = reasons
                self._clear_since_s = None
                if reasons:
                    self._send_condition(utc, 0.0)

    def send_info(self, utc: datetime, **fields: object) -> None:
        """Send the facts of `edge.telemetry.messages.Info`; only the latest of them wait for the broker."""
        with self._lock:
            self._retained["info"] = self._stamp.make(Info, utc, **fields)
            self._put("info", self._retained["info"], "latest")

    def send_health(self, utc: datetime, now_s: float, **fields: object) -> Health:
        """Send the state of the box, once a minute also for a bridge, and return it; only the latest waits."""
        with self._lock:
            message = self._stamp.make(Health, utc, interval_s=self.settings.health_interval_s, **fields)
            outgoing = self._outgoing("health", message, "latest")
            self._outbox.put(outgoing)
            if now_s >= self._next_minute_s:
                self._next_minute_s = now_s + MINUTE_S
                topic = minute_topic(self._stamp.site, self._stamp.device)
                self._outbox.put(replace(outgoing, topic=topic, expiry_s=3 * MINUTE_S))
            return message

    def repeat(self) -> None:
        """Send retained messages again, as the broker may have forgotten them."""
        with self._lock:
            for kind, message in self._retained.items():
                self._outbox.restate(self._outgoing(kind, message, "restated"))

    def _send_hits(self, analysed: AnalysedFrame) -> None:
        detection = analysed.detection
        message = self._stamp.make(
            HitMessage,
            analysed.frame.utc,
            frame=detection.sequence,
            live_fraction=min(detection.live_fraction, 1.0),
            exposure_s=analysed.frame.exposure_s,
            hits=tuple(hit_detail(hit) for hit in detection.hits),
        )
        self._hit_events.append((detection.sequence, message.event_id))
        self._put("hit", message, "until_full")
        if self.settings.evidence != "off" and analysed.frame.monotonic_s >= self._next_evidence_s:
            self._send_evidence(analysed, message.event_id)

    def _send_evidence(self, analysed: AnalysedFrame, hit_event: str) -> None:
        """Send a crop around the strongest hit that counts, one a second at most."""
        hit = strongest(analysed.detection.hits)
        if hit is None:
            return
        frame, blurred = analysed.frame, self.settings.evidence != "sharp"
        self._next_evidence_s = frame.monotonic_s + EVIDENCE_EVERY_S
        crop = asdict(evidence_of(frame.grey, hit, blurred=blurred))
        message = self._stamp.make(
            Evidence, frame.utc, hit=hit_event, frame=frame.sequence, x=hit.x, y=hit.y, blurred=blurred, **crop
        )
        topic = evidence_topic(self._stamp.site, self._stamp.device, hit_event)
        boot_id, expiry_s = self._stamp.boot_id, EVIDENCE_EXPIRY_S
        self._outbox.put(
            Outgoing(topic, encode(message), retain=False, keep="evidence", boot_id=boot_id, expiry_s=expiry_s)
        )

    def _send_alarm(self, alarm: Alarm) -> None:
        log.log(
            logging.DEBUG if alarm.state == "updated" else logging.WARNING,
            "alarm %s %s: %.2f hits/s against a background of %.2f, %.1f sigma",
            alarm.id,
            alarm.state,
            alarm.rate_hz,
            alarm.background_hz,
            alarm.significance_sigma,
        )
        if alarm.state == "raised":
            self._forget(alarm.id)
        frames = set(alarm.frames)
        evidence = tuple(event for sequence, event in self._hit_events if sequence in frames)
        self._send_state(alarm.utc, alarm.state, alarm_detail(alarm, evidence))
        # The end of an alarm says all that an all-clear says, and more.
        self._told = ("cleared", ()) if alarm.state == "cleared" else None
        if alarm.state == "cleared":
            self._clear_since_s = alarm.time_s - CLEAR_AFTER_S

    def _send_condition(self, utc: datetime, now_s: float) -> None:
        """Say that all is clear, or why that cannot be said, where it was not said last."""
        situation = self._situation
        if situation is not None and situation.alarm_stands:
            return
        reasons = (*self._blind, *(situation.reasons if situation is not None else ()))
        if not reasons and (self._clear_since_s is None or now_s - self._clear_since_s < CLEAR_AFTER_S):
            return
        told = ("learning" if reasons else "cleared", reasons)
        if told == self._told:
            return
        self._told = told
        log.info("condition: %s", f"learning: {'; '.join(reasons)}" if reasons else "clear")
        self._send_state(utc, told[0], None, reasons)

    def _send_state(
        self,
        utc: datetime,
        state: str,
        detail: AlarmDetail | None,
        reasons: tuple[str, ...] = (),
        *,
        restated: bool = False,
    ) -> None:
        given = None if detail is None else self._acknowledged(detail.id)
        self._had_alarm |= detail is not None
        if detail is not None and state == "cleared":
            if restated:
                self._past.acknowledge(detail.id, given)
            else:
                self._past.note(detail, utc, given)
        message = self._stamp.make(
            AlarmMessage,
            utc,
            state=state,
            alarm=detail,
            reasons=reasons,
            place=self._place,
            advice=advice(state, detail, self._place),
            acknowledged=given,
            past=self._past.others(None if detail is None else detail.id),
        )
        self._retained["alarm"] = message
        self._put("alarm", message, "always")

    def _put(self, kind: Kind, message: Message, keep: Keep) -> None:
        self._outbox.put(self._outgoing(kind, message, keep))

    def _outgoing(self, kind: Kind, message: Message, keep: Keep) -> Outgoing:
        expiry_s = None
        if kind == "health":
            expiry_s = max(60, round(3 * self.settings.health_interval_s))
        topic = str(Topic(self._stamp.site, self._stamp.device, kind))
        return Outgoing(topic, encode(message), kind != "hit", keep, self._stamp.boot_id, expiry_s=expiry_s)
