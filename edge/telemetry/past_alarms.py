"""The last alarms of a box that are over, so that a control room that starts later knows them, too."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from edge.config.strict import StrictModel
from edge.files import read_text, why
from edge.telemetry.kept_file import KeptFile
from edge.telemetry.messages import MAX_PAST, PastAlarm

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from edge.telemetry.acknowledgements import Acknowledgement
    from edge.telemetry.messages import AlarmDetail

log = logging.getLogger(__name__)


class _Content(StrictModel):
    schema_version: Literal[1] = 1
    past: tuple[PastAlarm, ...] = Field(default=(), max_length=MAX_PAST)


class PastAlarms:
    """Remembers alarms that have ended and who acknowledged them, over restarts where there is a file.

    A file that cannot be read counts as empty. Errors of the disk never reach the caller.

    Parameters
    ----------
    path : Path or None
        None to remember them in memory only.

    """

    def __init__(self, path: Path | None = None) -> None:
        self._past: tuple[PastAlarm, ...] = ()
        self._lock = threading.Lock()
        self._file: KeptFile | None = None
        if path is None:
            return
        self._file = KeptFile(path, "alarms: %s cannot be written (%s); a restart now would forget past ones")
        try:
            self._past = _Content.model_validate_json(read_text(path)).past
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            log.warning("alarms: %s cannot be read (%s); past alarms begin anew", path, why(error))
        except ValidationError:
            log.warning("alarms: %s is damaged or of a newer release; past alarms begin anew", path)

    def others(self, alarm_id: str | None) -> tuple[PastAlarm, ...]:
        """Return the alarms that are over, the newest first, without the one of this id."""
        return tuple(past for past in self._past if past.id != alarm_id)

    def note(self, alarm: AlarmDetail, utc: datetime, acknowledged: Acknowledgement | None) -> None:
        """Remember an alarm that has ended at a time; one that had come again has ended now."""
        noted = PastAlarm(
            id=alarm.id,
            raised_utc=alarm.raised_utc,
            ended_utc=utc,
            maximum_hz=alarm.maximum_hz,
            hits=alarm.hits,
            lower_limit=alarm.lower_limit,
            acknowledged=acknowledged,
        )
        self._keep((noted, *self.others(alarm.id))[:MAX_PAST])

    def acknowledge(self, alarm_id: str, acknowledged: Acknowledgement | None) -> None:
        """Remember who has taken charge of an alarm that is over."""
        changed = {"acknowledged": acknowledged}
        self._keep(tuple(past.model_copy(update=changed) if past.id == alarm_id else past for past in self._past))

    def write(self) -> None:
        """Write what the disk has not taken so far."""
        if self._file is not None:
            self._file.write()

    def _keep(self, past: tuple[PastAlarm, ...]) -> None:
        with self._lock:
            self._past = past
            if self._file is not None:
                self._file.put(_Content(past=past).model_dump_json())
