"""The alarm's state on disk: read at the start, written at each step of an alarm and once a minute."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.alarm.state import AlarmState, read_state, state_of, tracker_of, write_state
from edge.files import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from edge.alarm.alarm import Alarm
    from edge.alarm.background import Rate
    from edge.alarm.state import Identity
    from edge.alarm.tracker import AlarmTracker
    from edge.config.device import AlarmSettings

WRITE_EVERY_S = 60.0


class StateFile:
    """Keeps the state of one tracker. The pipeline's thread notes what changes, the agent's writes it.

    What raises or ends an alarm is on disk before anything else happens: the pipeline's thread writes it itself. Errors
    of the disk never reach the caller; `faults` names them.

    Parameters
    ----------
    path : Path

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: AlarmState | None = None
        self._due_s: float | None = None
        self._identity: Identity | None = None
        self._unbelieved: str | None = None
        self._unwritten: str | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    @property
    def faults(self) -> dict[str, str]:
        """Problems of the file, a sentence by name."""
        found = {"state file": self._unbelieved, "disk of the state file": self._unwritten}
        return {name: sentence for name, sentence in found.items() if sentence is not None}

    def holds_alarm(self) -> bool:
        """Return whether an alarm stands in the file, whoever wrote it."""
        try:
            state = AlarmState.model_validate_json(read_text(self._path))
        except (OSError, UnicodeDecodeError, ValidationError):
            return False
        return state.alarm is not None

    def resume(
        self,
        identity: Identity,
        settings: AlarmSettings,
        name: str,
        known: Rate | None,
        now: tuple[float, datetime],
        *,
        calibrated_utc: datetime | None = None,
    ) -> AlarmTracker:
        """Return a tracker that goes on where the file ends, as far as the file is believed.

        The parameters are those of `edge.alarm.state.tracker_of`, the identity of camera and model, and when the site
        was calibrated: an older background is replaced by that of the calibration.
        """
        self._identity = identity
        self._due_s = None
        state, self._unbelieved = read_state(self._path, identity, now[1], calibrated_utc)
        return tracker_of(state, settings, name, known, now)

    def note(self, tracker: AlarmTracker, steps: Sequence[Alarm], now_s: float, utc: datetime) -> None:
        """Note the state after a frame and the steps of alarms that it led to. Call it in the pipeline's thread.

        Parameters
        ----------
        tracker : AlarmTracker
        steps : sequence of Alarm
        now_s : float
            Monotonic time of the box; a recording's own time may run faster.
        utc : datetime
            Wall time of the box.

        """
        if self._due_s is None:
            self._due_s = now_s + WRITE_EVERY_S
        if self._identity is None or (not steps and now_s < self._due_s):
            return
        self._due_s = now_s + WRITE_EVERY_S
        if tracker.learnt:
            self._unbelieved = None
        state = state_of(tracker, self._identity, utc)
        with self._lock:
            self._waiting = state
            if any(step.state != "updated" for step in steps):
                self._write()

    def write(self) -> None:
        """Write what was noted since the last call. It waits for the disk."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if self._waiting is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_state(self._path, self._waiting)
        except OSError as error:
            self._unwritten = (
                f"the alarm's state file {self._path} cannot be written ({error.strerror}): "
                "after a restart the box would not know its background"
            )
            return
        self._waiting = self._unwritten = None
