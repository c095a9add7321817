"""What the broker has confirmed, kept in the file of the outbox for a broker that forgets it.

A broker confirms a message before it is on its disk. One that dies comes back as it was when it last wrote its file:
with older retained messages of the box, and without what was confirmed after them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.telemetry.outgoing import PRIORITY, REPLACED, as_historical, event_id_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from typing import Any

    from edge.telemetry.outgoing import Outgoing, Waiting

    Confirmed = tuple[int, Waiting | None]
    """The number of the confirmation, and the message where it was never written."""

KEPT_S = 3600.0
"""Mosquitto writes its file every half an hour, and every 5 s as rendered."""
UNKNOWN_S = 30.0
"""Where it is not known what the broker remembers, it may have forgotten what it confirmed within this time.

Mosquitto as rendered writes its file at least five times meanwhile.
"""
MAX_REPEATS = 10
UNKNOWN_MARK = -1
"""Of a repeated message of which it is not known what the broker had when it was first sent."""
MAX_SENT = 1000
SENT_TABLE = """
CREATE TABLE IF NOT EXISTS sent (
    place INTEGER PRIMARY KEY, id INTEGER NOT NULL, event_id TEXT, mark INTEGER, topic TEXT NOT NULL, payload BLOB,
    keep TEXT NOT NULL, boot_id TEXT NOT NULL, made_s REAL NOT NULL, repeated INTEGER NOT NULL,
    confirmed_utc_s REAL NOT NULL
);
"""


class Marks:
    """Counts confirmations, and remembers after which of them retained messages were sent for the first time.

    A broker that has such a message had all before that confirmation, too. Restated messages are none: the broker may
    have them from long ago.

    Attributes
    ----------
    place : int
        Number of the last confirmation.
    verified : bool
        Whether the broker was asked on this connection, and has or gets again what it had forgotten. While it may have
        forgotten anything, messages that are sent tell nothing.

    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.verified = False
        self._places: dict[str, int] = {}

    def confirm(self) -> int:
        """Return the number of a new confirmation."""
        self.place += 1
        return self.place

    def sent(self, message: Outgoing) -> None:
        """Note that a message of this run is sent."""
        event_id = event_id_of(message.payload) if is_mark(message.keep, retain=message.retain) else None
        if event_id is not None and event_id not in self._places:
            self._places[event_id] = self.place if self.verified else 0
            if len(self._places) > MAX_SENT:
                del self._places[next(iter(self._places))]

    def of(self, event_id: str | None) -> int | None:
        """Return after which confirmation a message was first sent; None where that is not known."""
        return None if event_id is None else self._places.get(event_id)


def is_mark(keep: str, *, retain: bool) -> bool:
    """Return whether a message of a kind tells what the broker has."""
    return retain and keep in {"always", "latest"}


def last_place(database: sqlite3.Connection) -> int:
    """Return the number of the last confirmation in a file."""
    last: int = database.execute(
        "SELECT MAX((SELECT COALESCE(MAX(place), 0) FROM sent), (SELECT COALESCE(MAX(mark), 0) FROM message))"
    ).fetchone()[0]
    return last


def remove(database: sqlite3.Connection, confirmed: Mapping[int, Confirmed], marks: Marks) -> None:
    """Move confirmed messages to those that are sent.

    Parameters
    ----------
    database : sqlite3.Connection
        Within a transaction.
    confirmed : mapping of int to Confirmed
        By the numbers of the messages.
    marks : Marks

    """
    if not confirmed:
        return
    now_s = time.time()
    for number, (place, waiting) in confirmed.items():
        if waiting is None:
            row = database.execute(
                "SELECT topic, payload, retain, expiry_s, keep, boot_id, made_s, repeated, mark FROM message"
                " WHERE id = ?",
                (number,),
            ).fetchone()
            database.execute("DELETE FROM message WHERE id = ?", (number,))
        else:
            each = waiting.message
            row = (each.topic, each.payload, each.retain, each.expiry_s, each.keep, each.boot_id, waiting.made_s, 0, 0)
        if row is not None:
            _keep(database, (number, place), row, marks, now_s)
    database.execute(
        "DELETE FROM sent WHERE confirmed_utc_s < ? OR place <= ?", (now_s - KEPT_S, marks.place - MAX_SENT)
    )


def repeat(database: sqlite3.Connection, remembered: Mapping[str, float | None] | None, marks: Marks) -> int:
    """Queue again what the broker has forgotten, and return the number of messages.

    They are marked historical and not retained, so they never replace a newer state.

    Parameters
    ----------
    database : sqlite3.Connection
        Within a transaction.
    remembered : mapping of str to float or None
        The messages of the box that the broker has: their times by their event ids. What was confirmed after the last
        of them was first sent may be forgotten. None where the broker does not tell: what was confirmed in the last
        UNKNOWN_S is queued then, once.
    marks : Marks

    """
    now_s = time.time()
    place, since_s, repeats = 0, now_s - KEPT_S, MAX_REPEATS
    if remembered is None:
        since_s, repeats = now_s - UNKNOWN_S, 1
    else:
        place = max((_mark(database, event_id, utc_s, marks) for event_id, utc_s in remembered.items()), default=0)
    rows = [
        row
        for row in database.execute(
            "SELECT place, id, topic, payload, keep, boot_id, made_s, repeated + 1, COALESCE(mark, ?), event_id"
            " FROM sent WHERE place > ? AND payload IS NOT NULL AND confirmed_utc_s > ? AND repeated < ?",
            (UNKNOWN_MARK, place, since_s, repeats),
        ).fetchall()
        if row[-1] not in (remembered or ())
    ]
    database.executemany("DELETE FROM sent WHERE place = ?", [row[:1] for row in rows])
    # In their old order: what a box says now comes after what it said, so that it holds for who follows the topic.
    database.executemany(
        "INSERT OR IGNORE INTO message"
        " (id, topic, payload, retain, keep, priority, boot_id, made_s, made_utc_s, repeated, mark)"
        " VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, topic, as_historical(payload), keep, PRIORITY[keep], boot_id, made_s, now_s, repeated, mark)
            for _, number, topic, payload, keep, boot_id, made_s, repeated, mark, _ in rows
        ],
    )
    return len(rows)


def _mark(database: sqlite3.Connection, event_id: str, utc_s: float | None, marks: Marks) -> int:
    """Return after which confirmation a message was first sent, or one that is no later; 0 where nothing is known."""
    known = marks.of(event_id)
    if known is not None:
        return known
    row = database.execute("SELECT MIN(mark) FROM sent WHERE event_id = ?", (event_id,)).fetchone()
    if row[0] is not None:
        return int(row[0])
    # Sent, and not confirmed before the connection ended; or to be repeated, while its topic has it restated.
    for mark, payload in database.execute(
        "SELECT mark, payload FROM message WHERE retain = 1 AND keep != 'restated' OR repeated > 0 AND mark >= 0"
    ):
        if event_id_of(payload) == event_id:
            return int(mark)
    # One that is too old to be kept, or of a run that had no disk: it has what was confirmed well before its time.
    before_s = min(utc_s or 0.0, time.time()) - UNKNOWN_S
    row = database.execute(
        "SELECT COALESCE((SELECT MIN(place) - 1 FROM sent WHERE confirmed_utc_s >= ?), ?)", (before_s, marks.place)
    ).fetchone()
    return int(row[0])


def _keep(
    database: sqlite3.Connection, numbers: tuple[int, int], row: tuple[Any, ...], marks: Marks, now_s: float
) -> None:
    """Keep alarms and hits whole; of states, which are restated, and of what expires only the mark."""
    number, place = numbers
    topic, payload, retain, expiry_s, keep, boot_id, made_s, repeated, mark = row
    event_id = event_id_of(payload)
    known = marks.of(event_id)
    tells = is_mark(keep, retain=retain) or (repeated > 0 and mark != UNKNOWN_MARK)
    database.execute(
        "INSERT OR REPLACE INTO sent"
        " (place, id, event_id, mark, topic, payload, keep, boot_id, made_s, repeated, confirmed_utc_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            place,
            number,
            event_id,
            (mark if known is None else known) if tells else None,
            topic,
            None if keep in REPLACED or expiry_s is not None else payload,
            keep,
            boot_id,
            made_s,
            repeated,
            now_s,
        ),
    )
