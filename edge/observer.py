"""What the agent makes of frames: a detector and a tracker that go on from calibration and state file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.alarm.condition import situation_of
from edge.alarm.state_file import StateFile
from edge.alarm.sudden_fall import SuddenFall
from edge.alarm.tracker import AlarmTracker
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.base import Mode
from edge.detect.detector import Detector
from edge.journal import log_camera
from edge.pipeline import conclude
from edge.site.calibration import CalibrationError, identity_of, usable_calibration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from edge.alarm.condition import Situation
    from edge.alarm.state import Identity
    from edge.capture.frame import Frame, Triple
    from edge.capture.live import Clock
    from edge.capture.view_watch import Reference
    from edge.config.device import DeviceSettings
    from edge.detect.hit import Detection
    from edge.pipeline import AnalysedFrame
    from edge.site.calibration import Calibration

SITUATION_S = 0.5
"""Time of the frames after which it is computed anew what can be said."""


class Observer:
    """Observes the frames of one camera in the pipeline's thread. Other threads may read its attributes.

    What is known of the camera is read at the first frame, when the size of its pictures is known.

    Parameters
    ----------
    settings : DeviceSettings
    name : str
        Of alarms; see `AlarmTracker`.
    clock : Clock
    forget : callable
        Called with the id of each alarm that is raised, before the state file says that it stands: so no kill in
        between leaves an alarm of which somebody took charge before it came again.

    Attributes
    ----------
    detector : Detector
    state_file : StateFile
    situation : Situation or None
        What can be said now; None before the first frame.

    Raises
    ------
    GammaboxError
        The model cannot be used.

    """

    def __init__(
        self, settings: DeviceSettings, name: str, clock: Clock, forget: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._name = name
        self._forget = forget
        self._clock = clock
        self._bundle = load_bundle(settings.model if settings.model is not None else shipped_bundle_path())
        self.manifest = self._bundle.manifest
        self.detector = Detector(self._bundle, settings.detection)
        beside = settings.outbox.path
        self.state_file = StateFile(settings.state_file or beside.with_name("alarm.json"))
        self._calibration_path = settings.calibration or beside.with_name("calibration.json")
        self._calibration_fault: dict[str, str] = {}
        self._fall = SuddenFall()
        self._tracker: AlarmTracker | None = None
        self._size: tuple[int, int] | None = None
        self.reference: Reference | None = None
        self.situation: Situation | None = None
        self._situation_s = 0.0
        self._calibrated = self._asked = self._relearning = False

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with calibration, state file and hits, a sentence by name."""
        return {**self._fall.faults, **self.state_file.faults, **self._calibration_fault}

    def may_be_new(self, frame: Frame) -> bool:
        """Return whether a frame is the first one or has another size, also while an alarm stands."""
        return self._tracker is None or frame.size != self._size

    def is_new(self, frame: Frame) -> bool:
        """Return whether a frame is the first one or has another size. Nothing is new while an alarm stands."""
        return self.may_be_new(frame) and not (self._tracker is not None and self._tracker.stands)

    def meet(self, frame: Frame, mode: Mode | None) -> None:
        """Go on from what is known of the camera that sends this frame."""
        settings, utc = self._settings, self._clock.utc()
        self._size = frame.size
        mode = replace(mode or Mode(0, 0, 0.0, "unknown"), width=frame.size[0], height=frame.size[1])
        identity = identity_of(settings.source, mode, self.manifest.sha256)
        calibration = self._calibration_of(identity, utc)
        self._calibrated, self._relearning = calibration is not None, False
        self.reference = None if calibration is None else calibration.reference()
        if calibration is not None:
            self.detector = Detector(self._bundle, settings.detection, known=calibration.camera())
        known = None if calibration is None else calibration.rate()
        # Times of a tracker are those of the frames; a recording has its own.
        now = (frame.monotonic_s, utc)
        calibrated_utc = None if calibration is None else calibration.measured_utc
        self._tracker = self.state_file.resume(
            identity, settings.alarm, self._name, known, now, calibrated_utc=calibrated_utc
        )
        log_camera(frame, mode, calibration, self._tracker)

    def observe(self, triple: Triple, detection: Detection) -> tuple[AnalysedFrame, Situation]:
        """Count what was detected in the middle frame, and return what can be said after it. `meet` comes before."""
        tracker = self._tracker
        if tracker is None:
            raise RuntimeError("the camera was not met yet")
        analysed = conclude(triple, detection, tracker)
        if self._asked or self._relearning:
            tracker, analysed = self._relearn(tracker, analysed)
        for step in analysed.alarms:
            if step.state == "raised":
                self._forget(step.id)
        self.state_file.note(tracker, analysed.alarms, self._clock.monotonic_s(), self._clock.utc())
        self._fall.update(analysed.observation, analysed.detection.candidates)
        return analysed, self._situation_after(analysed, tracker)

    def relearn(self) -> str | None:
        """Learn the background anew from the next frame on. Return why that cannot be; None where it can.

        Whoever asks for it knows that no source is near until it is learnt. An alarm meanwhile ends it: the background
        then counts as learnt beside a source.
        """
        tracker = self._tracker
        if tracker is None:
            return "no picture has come since the start"
        if not self._calibrated:
            return "the box is not calibrated; run gammabox-edge calibrate on it first"
        if tracker.condition == "alarm":
            return "an alarm stands"
        self._asked = True
        return None

    def _relearn(self, tracker: AlarmTracker, analysed: AnalysedFrame) -> tuple[AlarmTracker, AnalysedFrame]:
        """Begin to learn the background anew where that was asked for, and end it when it is learnt."""
        if self._asked:
            self._asked = False
            if tracker.condition != "alarm":
                ended = tracker.accept(analysed.observation)
                fresh = AlarmTracker(self._settings.alarm, self._name)
                fresh.count = tracker.count
                self._tracker, self._relearning, self.situation = fresh, True, None
                return fresh, replace(analysed, alarms=(*analysed.alarms, *ended))
        if tracker.stands:
            self._relearning = False
        elif self._relearning and tracker.learnt:
            tracker.known, self._relearning = True, False
        return tracker, analysed

    def finish(self) -> None:
        """Write the state file for the last time, when no more frames come."""
        if self._tracker is not None:
            self.state_file.note(self._tracker, (), math.inf, self._clock.utc())
        self.state_file.write()

    def _situation_after(self, analysed: AnalysedFrame, tracker: AlarmTracker) -> Situation:
        """Return what can be said now. It is computed again when an alarm changes, and twice a second."""
        now_s, situation = analysed.frame.monotonic_s, self.situation
        if situation is None or analysed.alarms or abs(now_s - self._situation_s) >= SITUATION_S:
            self._situation_s = now_s
            self.situation = situation = situation_of(tracker, self._settings.alarm)
        return situation

    def _calibration_of(self, identity: Identity, utc: datetime) -> Calibration | None:
        """Return the calibration of this camera; one that cannot be used is a fault."""
        self._calibration_fault = {}
        try:
            return usable_calibration(self._calibration_path, identity, utc)
        except CalibrationError as error:
            self._calibration_fault = {"calibration": str(error)}
            return None
