"""The agent: analyses frames of a source and sends hits, alarms and health to the broker through the outbox.

The pipeline runs in a thread of its own. The thread of the agent sends health messages, notifies the watchdog of
systemd while frames are analysed, and ends both on request. The link to the broker has a third thread, so no broker
ever delays a frame.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge import __version__
from edge.alarm.tracker import AlarmTracker
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.base import too_short
from edge.capture.playback import Playback
from edge.detect.detector import Detector
from edge.pipeline import analysed_frames
from edge.systemd import Notifier
from edge.telemetry.health import Tally, now_s
from edge.telemetry.link import Link
from edge.telemetry.messages import (
    AlarmMessage,
    Camera,
    Health,
    HitMessage,
    Info,
    Model,
    Stamp,
    alarm_detail,
    encode,
    hit_detail,
)
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

if TYPE_CHECKING:
    from edge.alarm.alarm import Alarm
    from edge.config.device import DeviceSettings
    from edge.pipeline import AnalysedFrame
    from edge.telemetry.messages import Message
    from edge.telemetry.outgoing import Keep
    from edge.telemetry.topics import Kind

log = logging.getLogger(__name__)

TICK_S = 0.1
FLUSH_S = 30.0
FLUSH_AWAY_S = 3.0
FLUSH_STOPPED_S = 5.0
JOIN_S = 5.0
EVIDENCE_MEMORY = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run.

    Attributes
    ----------
    frames, hits, alarms : int
        Frames analysed, hits found, alarms raised.
    waiting : int
        Unconfirmed messages, which stay in the outbox.
    link : str
        State of the link before the goodbye, in a sentence.
    stopped : bool
        Whether the run was ended on request, and not by the end of its source.

    """

    frames: int
    hits: int
    alarms: int
    waiting: int
    link: str
    stopped: bool

    @property
    def delivered(self) -> bool:
        """Whether the broker has confirmed all messages."""
        return self.waiting == 0

    def as_dict(self) -> dict[str, object]:
        """Return the outcome, ready for JSON."""
        return {**asdict(self), "delivered": self.delivered}


class Agent:
    """A single run on a source.

    Parameters
    ----------
    settings : DeviceSettings
    stop : threading.Event
        Setting it ends the run.

    Raises
    ------
    GammaboxError
        The source, the model or the files of the login cannot be used.

    """

    def __init__(self, settings: DeviceSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._started_utc = datetime.now(timezone.utc)
        bundle = load_bundle(settings.model if settings.model is not None else shipped_bundle_path())
        self._manifest = bundle.manifest
        self._detector = Detector(bundle, settings.detection)
        self._stamp = Stamp(settings.site, settings.device, secrets.token_hex(8))
        self._tracker = AlarmTracker(settings.alarm, name=f"{settings.device}-{self._stamp.boot_id[:6]}")
        self._playback = Playback(settings.source, stop)
        self._outbox = Outbox(settings.outbox.path, settings.outbox.max_messages)
        self._link = Link(settings.mqtt, self._stamp, self._outbox, settings.outbox.max_in_flight)
        self._tally = Tally(now_s())
        self._systemd = Notifier()
        self._hit_events: deque[tuple[int, str]] = deque(maxlen=EVIDENCE_MEMORY)
        self._retained: dict[Kind, Message] = {}
        self._failure: BaseException | None = None

    def run(self) -> Outcome:
        """Run until the source ends or `stop` is set.

        Raises
        ------
        GammaboxError
            The pipeline has ended with this error.

        """
        self._link.start()
        pipeline = threading.Thread(target=self._guarded_pipeline, name="pipeline", daemon=True)
        pipeline.start()
        self._supervise(pipeline)
        stopped = self._stop.is_set()
        self._systemd.notify("STOPPING=1")
        self._playback.interrupt()
        # The driver of a camera may hang for ever. The goodbye to the broker does not wait for it.
        pipeline.join(JOIN_S)
        if not pipeline.is_alive():
            self._playback.close()
        self._send_health()
        self._outbox.commit()
        self._link.flush(FLUSH_STOPPED_S if stopped else FLUSH_S, FLUSH_AWAY_S)
        link = self._link.state.text
        self._link.stop()
        account = self._tally.account
        outcome = Outcome(account.analysed, account.hits, account.alarms, self._outbox.depth, link, stopped=stopped)
        self._outbox.close()
        if self._failure is not None:
            raise self._failure
        return outcome

    def _supervise(self, pipeline: threading.Thread) -> None:
        """Send health, notify the watchdog while frames are analysed, and repeat retained messages to a new session."""
        next_health_s = now_s() + min(1.0, self._settings.telemetry.health_interval_s)
        next_watchdog_s = 0.0
        sessions = notified = 0
        while pipeline.is_alive() and not self._stop.is_set():
            self._stop.wait(TICK_S)
            if self._link.sessions > sessions:
                for kind, message in list(self._retained.items()) if sessions else ():
                    # They are kept always, so that an older state of an alarm never overtakes a newer one.
                    self._put(kind, message, "always")
                sessions = self._link.sessions
            if now_s() >= next_health_s:
                next_health_s = now_s() + self._settings.telemetry.health_interval_s
                self._send_health()
            analysed = self._tally.account.analysed
            if analysed > notified and now_s() >= next_watchdog_s:
                self._systemd.notify("READY=1\nWATCHDOG=1" if notified == 0 else "WATCHDOG=1")
                notified = analysed
                next_watchdog_s = now_s() + (self._systemd.watchdog_s or 2.0) / 4

    def _guarded_pipeline(self) -> None:
        try:
            self._pipeline()
        except BaseException as error:  # noqa: BLE001 - run() raises it in the thread of the caller
            self._failure = error

    def _pipeline(self) -> None:
        for analysed in analysed_frames(self._playback.frames(), self._detector, self._tracker):
            if not self._retained:
                self._send_info()
            began = time.perf_counter()
            self._send(analysed)
            # The stage "alarm" includes the time to report it.
            alarm_ms = analysed.stage_ms["alarm"] + (time.perf_counter() - began) * 1e3
            timed = replace(analysed, stage_ms={**analysed.stage_ms, "alarm": alarm_ms})
            self._tally.add(timed, now_s())
        if not self._tally.account.analysed and not self._stop.is_set():
            raise too_short(self._playback.source)

    def _send(self, analysed: AnalysedFrame) -> None:
        if analysed.detection.hits and self._settings.telemetry.hits:
            self._send_hits(analysed)
        for alarm in analysed.alarms:
            self._send_alarm(alarm)
        self._send_armed(analysed.frame.utc)

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

    def _send_alarm(self, alarm: Alarm) -> None:
        log.log(
            logging.INFO if alarm.state == "updated" else logging.WARNING,
            "alarm %s %s: %.2f hits/s against a background of %.2f, %.1f sigma",
            alarm.id,
            alarm.state,
            alarm.rate_hz,
            alarm.background_hz,
            alarm.significance_sigma,
        )
        frames = set(alarm.frames)
        evidence = tuple(event for sequence, event in self._hit_events if sequence in frames)
        self._send_alarm_state(
            self._stamp.make(AlarmMessage, alarm.utc, state=alarm.state, alarm=alarm_detail(alarm, evidence))
        )

    def _send_armed(self, utc: datetime) -> None:
        """Replace an alarm that an earlier run has left behind, once the background is learnt and no alarm stands."""
        if "alarm" in self._retained or not self._tracker.learnt or self._tracker.stands:
            return
        self._send_alarm_state(self._stamp.make(AlarmMessage, utc, state="cleared", alarm=None))

    def _send_alarm_state(self, message: AlarmMessage) -> None:
        self._retained["alarm"] = message
        self._put("alarm", message, "always")

    def _send_info(self) -> None:
        mode = self._playback.source.mode
        info = self._stamp.make(
            Info,
            datetime.now(timezone.utc),
            software=__version__,
            model=Model(name=self._manifest.name, sha256=self._manifest.sha256, runtime=str(self._detector.runtime)),
            camera=Camera(
                kind=mode.codec,
                width=mode.width,
                height=mode.height,
                fps=mode.fps,
                exposure_s=self._settings.source.exposure_s,
            ),
            false_alarms_per_1000_h=self._settings.alarm.false_alarms_per_1000_h,
            started_utc=self._started_utc,
        )
        self._retained["info"] = info
        self._put("info", info, "latest")

    def _send_health(self) -> None:
        report = self._playback.source.report
        faults = (*self._outbox.faults, *report.warnings)
        if self._link.state.state in {"refused", "away"}:
            faults = (*faults, self._link.state.text)
        if self._link.refused:
            faults = (*faults, f"the broker refuses {self._link.refused} messages: check the access rights of this box")
        fields = self._tally.health(self._tracker, self._outbox, report, faults, now_s())
        self._put("health", self._stamp.make(Health, datetime.now(timezone.utc), **fields), "latest")

    def _put(self, kind: Kind, message: Message, keep: Keep) -> None:
        self._outbox.put(self._outgoing(kind, message, keep))

    def _outgoing(self, kind: Kind, message: Message, keep: Keep) -> Outgoing:
        expiry_s = None
        if kind == "health":
            expiry_s = max(60, round(3 * self._settings.telemetry.health_interval_s))
        topic = str(Topic(self._settings.site, self._settings.device, kind))
        return Outgoing(topic, encode(message), kind != "hit", keep, self._stamp.boot_id, expiry_s=expiry_s)
