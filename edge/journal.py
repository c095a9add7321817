"""The journal of a run: what it starts with, and each fault once when it begins and once when it ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge import __version__
from edge.redaction import without_login
from edge.release import installed_release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.alarm.tracker import AlarmTracker
    from edge.capture.base import Mode
    from edge.capture.frame import Frame
    from edge.config.device import DeviceSettings
    from edge.detect.manifest import Manifest
    from edge.site.calibration import Calibration

log = logging.getLogger(__name__)

HOLD_S = 10.0
"""A fault that is absent for a shorter time has not ended."""
LONGEST_HOLD_S = 600.0
FORGOTTEN_S = 3600.0
"""A fault that stays away for so long is held as briefly as a new one when it comes back."""


@dataclass(slots=True)
class _Entry:
    text: str
    began_s: float
    last_s: float
    hold_s: float = HOLD_S
    stands: bool = True


class FaultJournal:
    """Logs faults at their beginning and at their end.

    A fault that comes and goes is held longer each time, so that a loose plug does not fill the journal.

    Examples
    --------
    >>> import sys
    >>> logging.basicConfig(format="%(levelname)s %(message)s", level="INFO", stream=sys.stdout, force=True)
    >>> journal = FaultJournal()
    >>> for second in range(40):
    ...     journal.update({"camera": "the camera is unplugged"} if 5 <= second < 15 else {}, float(second))
    WARNING fault: the camera is unplugged
    INFO fault ended after 9 s: the camera is unplugged

    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def update(self, faults: Mapping[str, str], now_s: float) -> None:
        """Log which faults have begun or ended. `faults` holds those that stand now, a sentence by name."""
        for name, text in faults.items():
            entry = self._entries.get(name)
            if entry is None or not entry.stands:
                hold_s = HOLD_S if entry is None else min(2 * entry.hold_s, LONGEST_HOLD_S)
                self._entries[name] = _Entry(text, now_s, now_s, hold_s)
                log.warning("fault: %s", text)
            else:
                entry.last_s = now_s
        for name, entry in list(self._entries.items()):
            absent_s = now_s - entry.last_s
            if entry.stands and absent_s >= entry.hold_s:
                entry.stands = False
                log.info("fault ended after %.0f s: %s", entry.last_s - entry.began_s, entry.text)
            elif not entry.stands and absent_s >= FORGOTTEN_S:
                del self._entries[name]


def log_start(settings: DeviceSettings, model: Manifest, runtime: str, state_file: Path) -> None:
    """Log what a run is made of."""
    release = installed_release()
    installed = f"release {release}" if release is not None else "no release"
    log.info("gammabox %s (%s) on %s/%s", __version__, installed, settings.site, settings.device)
    log.info("camera %s", without_login(settings.source.spec))
    log.info("model %s, %s, on %s", model.name, model.sha256[:12], runtime)
    log.info("broker %s:%d", settings.mqtt.host, settings.mqtt.port)
    log.info("state file %s", state_file)


def log_camera(frame: Frame, mode: Mode, calibration: Calibration | None, tracker: AlarmTracker) -> None:
    """Log what the camera delivers in its first frame, and what is known of its background."""
    exposure = "unknown" if frame.exposure_s is None else f"{frame.exposure_s:g} s"
    gain = "unknown" if frame.gain is None else f"{frame.gain:g}"
    log.info(
        "camera delivers %dx%d %s at %g frames/s, exposure %s, gain %s",
        *(*frame.size, mode.codec, mode.fps, exposure, gain),
    )
    if calibration is None:
        log.info("not calibrated: run gammabox-edge calibrate")
    else:
        log.info("calibrated on %s", f"{calibration.measured_utc:%Y-%m-%d}")
    if tracker.standing is not None:
        log.warning("alarm %s of the run before stands", tracker.standing.id)
    log.info("background learnt for %.0f live seconds", tracker.learner.learnt_s)
