"""The examination: all checks of a box, in the order in which a technician would look."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge.bundle import load_bundle, shipped_bundle_path
from edge.detect.detector import Detector
from edge.doctor import broker, machine
from edge.doctor.camera import LIMIT_S, camera
from edge.doctor.finding import Check, fault, findings_of, ok, skipped
from edge.site.calibration import identity_of, read_calibration, usable_calibration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.capture.base import Mode
    from edge.config.device import DeviceSettings
    from edge.detect.manifest import Bundle
    from edge.doctor.finding import Finding

MAX_AGE_DAYS = 180
_CALIBRATE = "run gammabox-edge calibrate"


class Examination:
    """The checks of one box.

    Parameters
    ----------
    settings : DeviceSettings

    """

    def __init__(self, settings: DeviceSettings) -> None:
        self._settings = settings
        self._detector: Detector | None = None
        self._bundle: Bundle | None = None
        self._mode: Mode | None = None

    def findings(self) -> Iterator[Finding]:
        """Yield the findings as the checks end."""
        for check in self._checks():
            yield from findings_of(check)

    def _checks(self) -> Iterator[Check]:
        settings = self._settings
        yield Check("model", self._model, 60, "install the model and its runtime again")
        yield Check("camera", self._camera, LIMIT_S, "unplug the camera and plug it in again; restart the board")
        yield Check("calibration", self._calibration, 5, _CALIBRATE)
        yield Check("clock", machine.clock, 5, "look at the board")
        yield Check(
            "disk", lambda: machine.disk(settings.outbox.path.parent), 15, "replace the card: it does not answer"
        )
        yield Check("temperature", machine.temperature, 5, "look at the board")
        yield Check("throttling", machine.throttling, 5, "look at the board")
        yield Check("broker", lambda: broker.connection(settings.mqtt), 20, "check the network")
        yield Check("certificates", lambda: broker.certificates(settings.mqtt), 5, "copy the files again")
        yield Check("login", lambda: broker.login(settings), 60, "check the network and the broker")

    def _model(self) -> Iterator[Finding]:
        settings = self._settings
        bundle = load_bundle(settings.model if settings.model is not None else shipped_bundle_path())
        self._bundle = bundle
        yield ok("model", f"{bundle.manifest.name}, SHA-256 {bundle.manifest.sha256[:12]}… as its card says")
        self._detector = Detector(bundle, settings.detection)
        yield ok("runtime", str(self._detector.runtime))

    def _camera(self) -> Iterator[Finding]:
        if self._detector is None:
            yield skipped("camera", "the model has to be mended first")
            return
        yield from camera(self._settings, self._detector, self._opened)

    def _opened(self, mode: Mode) -> None:
        self._mode = mode

    def _calibration(self) -> Iterator[Finding]:
        path, bundle = self._settings.calibration, self._bundle
        calibration = read_calibration(path) if path is not None else None
        if path is None or calibration is None:
            yield fault("calibration", f"none at {path}: the box cannot tell when all is clear", _CALIBRATE)
            return
        utc = datetime.now(timezone.utc)
        if bundle is not None and self._mode is not None:
            usable_calibration(path, identity_of(self._settings.source, self._mode, bundle.manifest.sha256), utc)
        days = calibration.age_days(utc)
        found = f"{days:.0f} days old, {calibration.measured_utc:%Y-%m-%d}"
        if days > MAX_AGE_DAYS:
            yield fault("calibration", found, f"{_CALIBRATE}: hot pixels grow in number with the months")
        else:
            yield ok("calibration", found)
