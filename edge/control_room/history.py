"""What the archive knows of a period, read while the archive is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from edge.control_room.archive_file import BUSY_TIMEOUT_S, ArchiveError, require_layout
from edge.control_room.history_records import (
    Acknowledged,
    AlarmRecord,
    BoxRecord,
    FaultRecord,
    Gap,
    RateRecord,
    StatusRecord,
    Unreadable,
)
from edge.telemetry.messages import AlarmMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.control_room.history_records import End
    from edge.control_room.period import Period


PATIENCE_S = 120.0


class History:
    """Reads an archive, also while it is written.

    Parameters
    ----------
    path : Path
    period : Period
    device : str or None
        Id of a box, alone or as site/device; None for all.

    Attributes
    ----------
    period : Period
    listening_since, heard_until : datetime or None
        Since when and until when the archive has listened; None where it never has.
    patience_s : float
        An archive that has listened within this time is taken to listen still.

    Raises
    ------
    ArchiveError
        There is no archive, it is damaged, or no box of the archive has this name.

    """

    patience_s = PATIENCE_S

    def __init__(self, path: Path, period: Period, device: str | None = None) -> None:
        if not path.is_file():
            raise ArchiveError(f"no archive at {path}; name its file with --file, or start gammabox-edge archive")
        self._path = path
        self.period = period
        self._boxes: dict[int, BoxRecord] = {}
        self._between = (period.since.timestamp(), period.until.timestamp())
        with self._reading() as database:
            require_layout(database, path)
            rows = database.execute(
                "SELECT id, site, device, place, latitude, longitude, software, model, camera FROM box"
            ).fetchall()
            self.listening_since, self.heard_until = (
                None if second is None else _utc(second)
                for second in database.execute("SELECT began_s, heard_s FROM archive").fetchone()
            )
        known = {row[0]: BoxRecord(*row[1:]) for row in rows}
        for number, box in known.items():
            if device is None or device in {box.device, f"{box.site}/{box.device}"}:
                self._boxes[number] = box
        if device is not None and not self._boxes:
            names = ", ".join(sorted(f"{box.site}/{box.device}" for box in known.values())[:10]) or "none"
            raise ArchiveError(f"the archive knows no box of this name; it knows: {names}")

    def alarms(self) -> list[AlarmRecord]:
        """Return the alarms that stood within the period, in their order."""
        found = []
        with self._reading() as database:
            for number, box in self._boxes.items():
                ids = database.execute(
                    "SELECT alarm_id FROM alarm WHERE box = ? AND alarm_id IS NOT NULL"
                    " GROUP BY alarm_id HAVING MIN(at_s) <= ? AND MAX(at_s) >= ?",
                    (number, self._between[1], self._between[0]),
                ).fetchall()
                alarms = (_alarm(database, number, box, alarm_id) for (alarm_id,) in ids)
                found += [alarm for alarm in alarms if alarm is not None]
        return sorted(found, key=lambda alarm: (alarm.raised_utc, alarm.box.device))

    def faults(self) -> list[FaultRecord]:
        """Return the faults that stood within the period, in their order."""
        rows = self._rows(
            "SELECT box, text, began_s, ended_s FROM fault WHERE began_s <= ? AND COALESCE(ended_s, 9e99) >= ?"
            " ORDER BY began_s, id",
            self._between[::-1],
        )
        return [
            FaultRecord(box, text, _utc(began_s), None if ended_s is None else _utc(ended_s))
            for box, text, began_s, ended_s in rows
        ]

    def states(self) -> list[StatusRecord]:
        """Return when boxes came and went within the period."""
        rows = self._rows(
            "SELECT box, at_s, state, reason FROM status WHERE at_s BETWEEN ? AND ? ORDER BY at_s, id", self._between
        )
        return [StatusRecord(box, _utc(at_s), state, reason) for box, at_s, state, reason in rows]

    def rates(self) -> Iterator[RateRecord]:
        """Yield the rates within the period. There may be millions."""
        rows = self._rows(
            "SELECT box, slot_s, hits, rate_hz, maximum_hz, background_hz, live_fraction, fps, condition"
            " FROM rate WHERE slot_s BETWEEN ? AND ? ORDER BY slot_s, box",
            self._between,
        )
        for box, slot_s, *values in rows:
            yield RateRecord(box, _utc(slot_s), *values)

    def gaps(self) -> list[Gap]:
        """Return the times within the period in which the archive did not listen."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT began_s, ended_s, lost FROM gap WHERE began_s <= ? AND ended_s >= ? ORDER BY began_s",
                self._between[::-1],
            ).fetchall()
        return [Gap(_utc(began_s), _utc(ended_s), bool(lost)) for began_s, ended_s, lost in rows]

    def unreadable(self) -> list[Unreadable]:
        """Return the messages that could not be read, the last of them since the beginning of the period."""
        rows = self._rows(
            "SELECT box, kind, problem, messages, last_s FROM unreadable WHERE last_s >= ? ORDER BY last_s",
            self._between[:1],
        )
        return [Unreadable(box, kind, problem, messages, _utc(last_s)) for box, kind, problem, messages, last_s in rows]

    def _rows(self, query: str, values: tuple[float, ...]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query whose first column is the box, for the boxes that are asked for."""
        with self._reading() as database:
            for number, *rest in database.execute(query, values):
                if number in self._boxes:
                    yield (self._boxes[number], *rest)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Open the archive for reading.

        Raises
        ------
        ArchiveError
            It cannot be read.

        """
        try:
            name = f"{self._path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT_S)) as database:
                yield database
        except sqlite3.Error as error:
            raise ArchiveError(
                f"archive {self._path} cannot be read ({error}); check the file and its rights"
            ) from error


def _alarm(database: sqlite3.Connection, number: int, box: BoxRecord, alarm_id: str) -> AlarmRecord | None:
    """Return an alarm of a box; None where none of its messages can be read."""
    rows = database.execute(
        "SELECT at_s, message FROM alarm WHERE box = ? AND alarm_id = ? ORDER BY at_s, seq", (number, alarm_id)
    ).fetchall()
    messages = [(at_s, AlarmMessage.model_validate_json(text)) for at_s, text in rows]
    details = [message.alarm for _, message in messages if message.alarm is not None]
    if not details:
        return None
    last_s, last = messages[-1]
    return AlarmRecord(
        box=box,
        detail=details[-1],
        advice=last.advice,
        raised_utc=_utc(rows[0][0]),
        last_utc=_utc(last_s),
        end=_end(database, number, alarm_id, last_s, last.state),
        messages=len(messages),
        maximum_hz=max(detail.maximum_hz for detail in details),
        significance_sigma=max(detail.significance_sigma for detail in details),
        acknowledged=_acknowledged(database, number, alarm_id),
        event_id=last.event_id,
    )


def _end(database: sqlite3.Connection, number: int, alarm_id: str, last_s: float, state: str) -> End:
    if state == "cleared":
        return "cleared"
    later = database.execute(
        "SELECT 1 FROM alarm WHERE box = ? AND at_s > ? AND alarm_id IS NOT ? LIMIT 1", (number, last_s, alarm_id)
    ).fetchone()
    if later is not None:
        return "left"
    return "changed" if state == "changed" else "stands"


def _acknowledged(database: sqlite3.Connection, number: int, alarm_id: str) -> tuple[Acknowledged, ...]:
    rows = database.execute(
        "SELECT person, at_s, reason, silenced_until_s FROM acknowledgement"
        " WHERE box = ? AND alarm_id = ? ORDER BY at_s",
        (number, alarm_id),
    ).fetchall()
    return tuple(
        Acknowledged(person, _utc(at_s), reason, None if until_s is None else _utc(until_s))
        for person, at_s, reason, until_s in rows
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
