"""The agent: analyses frames of a source and sends hits, alarms and health to the broker through the outbox.

The pipeline runs in a thread of its own, or in several. The thread of the agent looks for faults, sends health
messages, notifies the watchdog of systemd while the agent is alive, and ends all on request. The link to the broker has
one more thread, so no broker ever delays a frame.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from edge import __version__
from edge.actions import AgentActions
from edge.announcer import Announcer
from edge.capture.frame import triples
from edge.capture.live import Clock
from edge.capture.playback import Playback
from edge.capture.report import too_short
from edge.clock import ClockWatch
from edge.commander import Commander
from edge.heart import Heart
from edge.journal import FaultJournal, log_start
from edge.observer import Observer
from edge.offers import Offers
from edge.outcome import Outcome
from edge.pipeline import detections
from edge.release import installed_release
from edge.reporting import Reporter
from edge.supervision import Pulse, Watchdog
from edge.systemd import Notifier
from edge.telemetry.command_file import CommandFile
from edge.telemetry.details import camera_of, position_of
from edge.telemetry.health import Tally
from edge.telemetry.inbox import Inbox
from edge.telemetry.link import Link
from edge.telemetry.messages import Model, Stamp
from edge.telemetry.outbox import Outbox
from edge.telemetry.past_alarms import PastAlarms
from edge.telemetry.topics import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.capture.frame import Frame, Triple
    from edge.config.device import DeviceSettings
    from edge.detect.detector import Detector
    from edge.detect.hit import Detection
    from edge.telemetry.messages import Health

TICK_S = 0.1
LOOK_S = 0.5
"""Time between two looks for faults."""
PROMPT_S = 2.0
"""A fault that begins or ends is told at once, but not more often than this."""
MAX_STATUS = 200
BLINDING = {
    "lost": "the camera is lost",
    "stalled": "the camera is silent",
    "frozen": "the picture is frozen",
    "damaged": "the pictures are damaged",
    "covered": "the lens is covered",
    "dark": "the picture is black",
    "blinded": "the picture is saturated",
    "out_of_focus": "the picture is out of focus",
    "moved": "the camera was moved",
    "frames": "the camera delivers no frames",
    "view": "too little of the picture can show a hit",
    "live ground": "the live part of the picture has fallen",
    "hits": "hits have fallen and candidates have not",
}
"""What a box with such a fault says on the alarm's topic: it does not know whether all is clear."""
EXPLAINED_BY = {"lost", "stalled", "frozen", "damaged"}
"""States of the camera that say why no frame is analysed."""
FLUSH_S = 30.0
FLUSH_AWAY_S = 3.0
# A stop on request takes 3 s at most, whatever hangs: the pipeline, then messages, then the goodbye, then the camera.
JOIN_S = 0.8
FLUSH_STOPPED_S = 0.6
GOODBYE_S = 0.4
CLOSE_S = 0.3


class Agent:
    """A single run on a source.

    Parameters
    ----------
    settings : DeviceSettings
    stop : threading.Event
        Setting it ends the run within 3 s.
    clock : Clock or None
        None for the clocks of the system.

    Raises
    ------
    GammaboxError
        The recording, the model or the files of the login cannot be used.

    """

    def __init__(self, settings: DeviceSettings, stop: threading.Event, clock: Clock | None = None) -> None:
        self._settings = settings
        self._stop = stop
        self._clock = clock or Clock()
        self._started_utc = self._clock.utc()
        self._stamp = Stamp(settings.site, settings.device, secrets.token_hex(8))
        file = CommandFile(settings.outbox.path.with_name("commands.json"))
        name = f"{settings.device}-{self._stamp.boot_id[:6]}"
        self._observer = Observer(settings, name, self._clock, file.forget)
        self._playback = Playback(settings.source, stop)
        self._outbox = Outbox(settings.outbox.path, settings.outbox.max_messages)
        self._announcer = Announcer(settings, self._observer.manifest.name, self._stamp, self._outbox)
        commands = (commands_of(settings.site, settings.device),) if settings.commands.allow else ()
        self._offers = Offers(settings)
        self._inbox = Inbox((*commands, *self._announcer.filters, *self._offers.filters))
        self._link = Link(settings.mqtt, self._stamp, self._outbox, settings.outbox.max_in_flight, self._inbox)
        past = PastAlarms(settings.outbox.path.with_name("alarms.json"))
        self._reporter = Reporter(
            settings.telemetry,
            self._stamp,
            self._outbox,
            settings.place,
            file.acknowledged,
            forget=file.forget,
            past=past,
        )
        self._kept = (self._observer.state_file, file, past)
        actions = AgentActions(settings, self._reporter, self._observer, self._send_health, stop)
        self._commander = Commander(settings.commands.allow, file, self._reporter, actions)
        now_s = self._clock.monotonic_s()
        self._tally = Tally(now_s)
        self._pulse = Pulse(now_s)
        self._watchdog = Watchdog(Notifier())
        self._heart = Heart(self._stamp.boot_id, settings.mqtt)
        self._journal = FaultJournal()
        self._clock_watch = ClockWatch()
        self._camera: tuple[str, ...] = ()
        self._faults: dict[str, str] = {}
        self._sessions = 0
        self._informed = False
        self._certificate: str | None = None
        self._failure: BaseException | None = None

    def run(self) -> Outcome:
        """Run until the source ends or `stop` is set.

        Raises
        ------
        GammaboxError
            The pipeline has ended with this error.

        """
        observer = self._observer
        log_start(self._settings, observer.manifest, str(observer.detector.runtime), observer.state_file.path)
        self._link.start()
        pipeline = threading.Thread(target=self._guarded_pipeline, name="pipeline", daemon=True)
        pipeline.start()
        self._supervise(pipeline)
        Notifier().notify("STOPPING=1")
        outcome = self._end(pipeline)
        if self._failure is not None:
            raise self._failure
        return outcome

    def _end(self, pipeline: threading.Thread) -> Outcome:
        """Release everything. Drivers and networks may hang for ever, so nothing is waited for without a limit."""
        stopped = self._stop.is_set()
        close = self._playback.interrupt if stopped else self._playback.close
        closing = threading.Thread(target=close, name="closing", daemon=True)
        closing.start()
        pipeline.join(JOIN_S)
        self._look_for_faults(self._clock.monotonic_s())
        self._send_health()
        if not pipeline.is_alive():
            self._observer.finish()
        for each in self._kept:
            each.write()
        self._outbox.commit()
        if stopped:
            self._link.flush(FLUSH_STOPPED_S, 0.0)
        else:
            self._link.flush(FLUSH_S, FLUSH_AWAY_S, self._stop)
        link = self._link.state.text
        self._link.stop(GOODBYE_S)
        closing.join(CLOSE_S)
        hangs = pipeline.is_alive() or closing.is_alive()
        if not hangs:
            self._playback.close()  # a recording, which must not be closed while it is read
        account = self._tally.account
        self._outbox.commit()
        outcome = Outcome(
            account.analysed,
            account.hits,
            account.alarms,
            self._outbox.depth,
            link,
            stopped=stopped,
            hangs=hangs,
            lost=self._outbox.in_memory,
        )
        self._outbox.close()
        return outcome

    def _supervise(self, pipeline: threading.Thread) -> None:
        """Look for faults, send health and notify the watchdog, until the source ends or `stop` is set."""
        now_s = self._clock.monotonic_s()
        next_health_s = now_s + min(1.0, self._reporter.settings.health_interval_s)
        next_look_s = health_s = 0.0
        told: frozenset[str] = frozenset()
        faults: dict[str, str] = {}
        while pipeline.is_alive() and not self._stop.is_set():
            self._stop.wait(TICK_S)
            now_s = self._clock.monotonic_s()
            self._repeat_retained()
            arrived, dropped = self._inbox.take()
            arrived = self._offers.hear(self._announcer.hear(arrived, now_s))
            self._commander.serve(arrived, dropped, self._clock.utc(), now_s)
            if now_s >= next_look_s:
                next_look_s = now_s + LOOK_S
                faults = self._look_for_faults(now_s)
                for each in self._kept:
                    each.write()
                if self._offers.has_news() and self._informed:
                    self._send_info()
            online = self._link.state.state == "online"
            self._heart.beat(self._tally.account, faults, now_s, online=online)
            changed = faults.keys() != told and now_s - health_s >= PROMPT_S
            if now_s >= next_health_s or changed:
                next_health_s = now_s + self._reporter.settings.health_interval_s
                health_s, told = now_s, frozenset(faults)
                self._send_health()
            ready = self._tally.account.analysed > 0 or bool(BLINDING.keys() & faults.keys())
            silent_s = self._pulse.silent_s(now_s, self._playback.beat_s)
            self._watchdog.update(self._status(faults), silent_s, now_s, ready=ready)

    def _repeat_retained(self) -> None:
        """Send retained messages again where the broker may have forgotten them or got an older one last."""
        sessions = self._link.sessions
        if sessions > self._sessions:
            if self._sessions:
                self._reporter.repeat()
                self._announcer.forget()
            self._sessions = sessions
            if self._informed and self._certificate != self._link.login.certificate_sha256:
                self._send_info()

    def _look_for_faults(self, now_s: float) -> dict[str, str]:
        """Return the faults that stand, a sentence by name. They go to the journal, and they can blind the box."""
        camera = self._playback.faults
        faults = {
            **camera,
            **{sentence: sentence for sentence in self._playback.report.warnings},
            **self._tally.faults(now_s),
            **self._observer.faults,
            **self._outbox.faults,
            **self._link.faults,
            **self._inbox.faults,
            **self._clock_watch.faults(now_s, self._clock.utc()),
        }
        if EXPLAINED_BY & camera.keys():
            faults.pop("frames", None)
        self._journal.update(faults, now_s)
        blinding = tuple(phrase for name, phrase in BLINDING.items() if name in faults)
        # Before the first frame is reported, an alarm of the run before is neither confirmed nor replaced.
        if self._reporter.has_reported or not self._observer.state_file.holds_alarm():
            self._reporter.blind(blinding, self._clock.utc())
        if blinding and not self._informed:
            self._send_info()
        self._camera, self._faults = tuple(camera), faults
        return faults

    def _status(self, faults: Mapping[str, str]) -> str:
        if faults:
            return "; ".join(faults.values())[:MAX_STATUS]
        situation = self._observer.situation
        return "started" if situation is None else f"frames move, condition {situation.condition}"

    def _guarded_pipeline(self) -> None:
        try:
            self._pipeline()
        except BaseException as error:  # noqa: BLE001 - run() raises it in the thread of the caller
            self._failure = error

    def _pipeline(self) -> None:
        with closing(detections(self._work(), self._settings.detection.threads)) as detected:
            for triple, detection in detected:
                self._take(triple, detection)
        if not self._tally.account.analysed and not self._stop.is_set():
            raise too_short(self._playback.spec, self._playback.report)

    def _take(self, triple: Triple, detection: Detection) -> None:
        analysed, situation = self._observer.observe(triple, detection)
        began = time.perf_counter()
        self._reporter.report(analysed, situation)
        # The stage "alarm" includes the time to report it.
        alarm_ms = analysed.stage_ms["alarm"] + (time.perf_counter() - began) * 1e3
        timed = replace(analysed, stage_ms={**analysed.stage_ms, "alarm": alarm_ms})
        self._tally.add(timed, self._clock.monotonic_s())
        self._pulse.ends(self._clock.monotonic_s())

    def _work(self) -> Iterator[tuple[Triple, Detector] | None]:
        """Yield the triples with the detector of their camera. A new camera is met when all before it is reported."""
        for triple in triples(self._living_frames()):
            if self._observer.may_be_new(triple.current):
                yield None
                if self._observer.is_new(triple.current):
                    self._meet(triple.current)
            self._pulse.begins(self._clock.monotonic_s())
            yield triple, self._observer.detector

    def _living_frames(self) -> Iterator[Frame]:
        for frame in self._playback.frames():
            self._pulse.beats(self._clock.monotonic_s())
            yield frame

    def _meet(self, frame: Frame) -> None:
        self._observer.meet(frame, self._playback.mode)
        if self._observer.reference is not None:
            self._playback.expect(self._observer.reference)
        self._send_info()

    def _send_info(self) -> None:
        self._informed, self._certificate = True, self._link.login.certificate_sha256
        manifest, runtime = self._observer.manifest, str(self._observer.detector.runtime)
        self._reporter.send_info(
            self._clock.utc(),
            software=__version__,
            release=installed_release(),
            place=self._settings.place,
            position=position_of(self._settings.position),
            model=Model(name=manifest.name, sha256=manifest.sha256, runtime=runtime),
            camera=camera_of(self._playback.mode, self._settings.source.exposure_s),
            false_alarms_per_1000_h=self._settings.alarm.false_alarms_per_1000_h,
            started_utc=self._started_utc,
            update=self._offers.report,
            certificate_sha256=self._certificate,
        )

    def _send_health(self) -> Health:
        now_s, report = self._clock.monotonic_s(), self._playback.report
        fields = self._tally.health(self._observer.situation, self._outbox, report, self._faults, now_s)
        return self._reporter.send_health(self._clock.utc(), now_s, **fields, camera=self._camera)
