"""What a box keeps of commands over a restart: who took charge of which alarm, and what was carried out lately."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field, ValidationError

from edge.config.strict import StrictModel
from edge.files import is_newer, read_text, why
from edge.telemetry.acknowledgements import Acknowledgement
from edge.telemetry.fields import Identifier
from edge.telemetry.kept_file import KeptFile

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

log = logging.getLogger(__name__)


class _Content(StrictModel):
    schema_version: Literal[1] = 1
    alarm_id: Identifier | None = None
    acknowledged: Acknowledgement | None = None
    done: dict[Identifier, AwareDatetime] = Field(default_factory=dict)


class CommandFile:
    """The file of acknowledgement and transactions. Any thread may ask it and write it.

    A file that cannot be read counts as empty: an alarm that nobody has acknowledged is the safe side. Errors of the
    disk never reach the caller.

    Parameters
    ----------
    path : Path

    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._content = _Content()
        self._file = KeptFile(path, "commands: %s cannot be written (%s); a restart now would forget them")
        text = ""
        try:
            text = read_text(path)
            self._content = _Content.model_validate_json(text)
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            log.warning("commands: %s cannot be read (%s); acknowledgements begin anew", path, why(error))
        except ValidationError:
            what = "of a newer release" if is_newer(text) else "damaged"
            log.warning("commands: %s is %s; acknowledgements begin anew", path, what)

    @property
    def done(self) -> dict[str, datetime]:
        """When the transactions that were carried out lately had been given."""
        return dict(self._content.done)

    def acknowledged(self, alarm_id: str) -> Acknowledgement | None:
        """Return who has taken charge of an alarm; None while nobody has."""
        content = self._content
        return content.acknowledged if content.alarm_id == alarm_id else None

    def note_done(self, done: dict[str, datetime]) -> None:
        """Keep the transactions that were carried out lately."""
        self._write(done=done)

    def acknowledge(self, alarm_id: str, acknowledgement: Acknowledgement) -> None:
        """Keep who has taken charge of an alarm; only the latest alarm is kept."""
        self._write(alarm_id=alarm_id, acknowledged=acknowledgement)

    def forget(self, alarm_id: str) -> None:
        """Forget who has taken charge of an alarm, as it comes again after its end."""
        if self.acknowledged(alarm_id) is not None:
            self._write(alarm_id=None, acknowledged=None)

    def write(self) -> None:
        """Write what the disk has not taken so far."""
        self._file.write()

    def _write(self, **changes: object) -> None:
        with self._lock:
            self._content = self._content.model_copy(update=changes)
            self._file.put(self._content.model_dump_json())
