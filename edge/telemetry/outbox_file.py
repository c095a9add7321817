"""The file of the outbox: an SQLite database that belongs to one agent, checked when it is opened."""

from __future__ import annotations

import glob
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.telemetry.outbox_sent import SENT_TABLE, Marks, last_place, remove, repeat
from edge.telemetry.outgoing import PRIORITY, REPLACED, Outgoing, Waiting, event_id_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from edge.telemetry.outbox_sent import Confirmed

LAYOUT = 4
BUSY_TIMEOUT_S = 2.0
MAX_REFUSALS = 2
MAX_ASIDE = 100
MAX_DAMAGED = 3
"""Damaged files that are kept; older ones are deleted."""
MAX_EVIDENCE = 100
EVIDENCE_S = 3600.0
"""Evidence is for people who look at an alarm now."""
MAX_AGE_S = 30 * 86400.0
AGE_CHECK_S = 600.0
# Each layout has the columns of `edge.updater.snapshot.MESSAGE`: by them a box that goes back keeps its messages.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    retain INTEGER NOT NULL,
    expiry_s INTEGER,
    keep TEXT NOT NULL,
    priority INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    made_s REAL NOT NULL,
    made_utc_s REAL NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0,
    aside INTEGER NOT NULL DEFAULT 0,
    repeated INTEGER NOT NULL DEFAULT 0,
    mark INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS next_out ON message (aside, priority DESC, id);
CREATE INDEX IF NOT EXISTS by_topic ON message (topic, keep);
CREATE TABLE IF NOT EXISTS totals (messages INTEGER NOT NULL, bytes INTEGER NOT NULL, aside INTEGER NOT NULL);
INSERT INTO totals SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
CREATE TRIGGER IF NOT EXISTS count_in AFTER INSERT ON message BEGIN
    UPDATE totals SET messages = messages + 1, bytes = bytes + LENGTH(NEW.payload) + LENGTH(NEW.topic);
END;
CREATE TRIGGER IF NOT EXISTS count_out AFTER DELETE ON message BEGIN
    UPDATE totals SET messages = messages - 1, bytes = bytes - LENGTH(OLD.payload) - LENGTH(OLD.topic),
        aside = aside - OLD.aside;
END;
CREATE TRIGGER IF NOT EXISTS count_aside AFTER UPDATE OF aside ON message BEGIN
    UPDATE totals SET aside = aside + NEW.aside - OLD.aside;
END;
UPDATE message SET aside = 0, refusals = 0 WHERE aside = 1 OR refusals > 0;
PRAGMA user_version = 4;
"""


class NewerLayoutError(sqlite3.DatabaseError):
    """A file of a newer release, which this one cannot read. It is not damaged."""


def connect(name: str) -> sqlite3.Connection:
    """Open or make the database. Messages that an earlier run has set aside wait again.

    Raises
    ------
    sqlite3.OperationalError
        It cannot be used: read-only, in use by another process, on a full disk.
    sqlite3.DatabaseError
        It is damaged, or of another layout; NewerLayoutError where that is a newer one.

    """
    database = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        # The outbox belongs to one agent: the lock is held until the process ends, however it ends.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        checked = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if checked != "ok":
            raise sqlite3.DatabaseError(checked)
        layout = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if tables and layout > LAYOUT:
            raise NewerLayoutError(f"its layout is {layout}, and this release knows {LAYOUT}")
        if layout == LAYOUT - 1:
            database.execute("DROP TABLE IF EXISTS sent")
            database.execute("ALTER TABLE message ADD COLUMN mark INTEGER NOT NULL DEFAULT 0")
        elif tables and layout != LAYOUT:
            raise sqlite3.DatabaseError(f"its layout is {layout}, expected {LAYOUT}")
        database.executescript(SENT_TABLE + _SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


class OutboxFile:
    """The database of the outbox. Every method raises sqlite3.Error where the file cannot be read or written.

    Parameters
    ----------
    name : str
        Path, or ":memory:".

    Attributes
    ----------
    marks : Marks
        What tells which confirmed messages a broker has.

    """

    def __init__(self, name: str) -> None:
        self._database = connect(name)
        self.marks = Marks(last_place(self._database))
        self._aged_s = -AGE_CHECK_S

    def last_id(self) -> int:
        """Return the highest number of a message."""
        last: int = self._database.execute(
            "SELECT MAX((SELECT COALESCE(MAX(id), 0) FROM message), (SELECT COALESCE(MAX(id), 0) FROM sent))"
        ).fetchone()[0]
        return last

    def totals(self) -> tuple[int, int, int]:
        """Return the numbers of messages, of bytes and of messages set aside."""
        messages, size, aside = self._database.execute("SELECT messages, bytes, aside FROM totals").fetchone()
        return messages, size, aside

    def first(self, count: int) -> list[Waiting]:
        """Return the first messages that wait: alarms first, then in their order."""
        rows = self._database.execute(
            "SELECT id, topic, payload, retain, keep, boot_id, expiry_s, made_s FROM message"
            " WHERE aside = 0 ORDER BY priority DESC, id LIMIT ?",
            (count,),
        ).fetchall()
        return [Waiting(row[0], Outgoing(row[1], row[2], bool(row[3]), *row[4:7]), row[7]) for row in rows]

    def holds(self, number: int) -> bool:
        """Return whether a message waits."""
        found = self._database.execute("SELECT 1 FROM message WHERE id = ? AND aside = 0", (number,)).fetchone()
        return found is not None

    def waits(self, topic: str, confirmed: Collection[int]) -> bool:
        """Return whether a retained message of a topic waits that is not among the confirmed ones."""
        found = self._database.execute(
            "SELECT id FROM message WHERE topic = ? AND aside = 0 AND retain = 1", (topic,)
        ).fetchall()
        return any(number not in confirmed for (number,) in found)

    def write(
        self,
        added: Iterable[Waiting],
        removed: Mapping[int, Confirmed],
        limits: tuple[int, int],
        *,
        durable: bool,
    ) -> int:
        """Add and remove messages in one transaction. Return how many were dropped.

        Parameters
        ----------
        added : iterable of Waiting
        removed : mapping of int to Confirmed
            What the broker has confirmed, by its number.
        limits : (int, int)
            Most messages and most bytes.
        durable : bool
            Whether to wait for the disk.

        """
        if durable:
            self._database.execute("PRAGMA synchronous = FULL")
        try:
            with self._database:
                remove(self._database, removed, self.marks)
                for waiting in added:
                    self._add(waiting)
                return self._drop_evidence() + self._drop_excess(*limits) + self._drop_old()
        finally:
            if durable:
                self._database.execute("PRAGMA synchronous = NORMAL")

    def refuse(self, number: int, *, final: bool) -> None:
        """Count that the broker could not take a message; set it aside after the second time, or when final."""
        with self._database:
            self._database.execute("UPDATE message SET refusals = refusals + 1 WHERE id = ?", (number,))
            self._database.execute(
                "UPDATE message SET aside = 1 WHERE id = ? AND (refusals >= ? OR ?)", (number, MAX_REFUSALS, final)
            )
            self._database.execute(
                "DELETE FROM message WHERE id IN"
                " (SELECT id FROM message WHERE aside = 1 ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (MAX_ASIDE,),
            )

    def repeat(self, remembered: Mapping[str, float | None] | None) -> int:
        """Queue again what the broker has forgotten. See `edge.telemetry.outbox_sent.repeat`."""
        with self._database:
            return repeat(self._database, remembered, self.marks)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _add(self, waiting: Waiting) -> None:
        message = waiting.message
        mark = self.marks.of(event_id_of(message.payload)) if message.retain else None
        if message.retain or message.keep in REPLACED:
            replaced = REPLACED if message.keep in REPLACED else ("restated", "restated")
            self._database.execute("DELETE FROM message WHERE topic = ? AND keep IN (?, ?)", (message.topic, *replaced))
        self._database.execute(
            "INSERT INTO message"
            " (id, topic, payload, retain, expiry_s, keep, priority, boot_id, made_s, made_utc_s, mark)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                waiting.id,
                message.topic,
                message.payload,
                message.retain,
                message.expiry_s,
                message.keep,
                PRIORITY[message.keep],
                message.boot_id,
                waiting.made_s,
                time.time(),
                self.marks.place if mark is None else mark,
            ),
        )

    def _drop_excess(self, max_messages: int, max_bytes: int) -> int:
        """Drop what is too much: hits before alarms, old before new. The state of the box, one a topic, stays."""
        messages, size, _ = self.totals()
        excess = messages - max_messages
        if size > max_bytes:
            excess = max(excess, round(messages * (1 - 0.9 * max_bytes / size)), 1)
        if excess <= 0:
            return 0
        self._database.execute(
            "DELETE FROM message WHERE id IN"
            " (SELECT id FROM message ORDER BY keep IN ('latest', 'restated'), priority, id LIMIT ?)",
            (excess,),
        )
        return excess

    def _drop_evidence(self) -> int:
        """Drop the oldest evidence where more of it waits than is worth having."""
        return self._database.execute(
            "DELETE FROM message WHERE id IN"
            " (SELECT id FROM message WHERE keep = 'evidence' ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (MAX_EVIDENCE,),
        ).rowcount

    def _drop_old(self) -> int:
        """Drop hits that have waited for a month and evidence after an hour; try alarms again that were set aside.

        It looks every ten minutes.
        """
        now_s = time.monotonic()
        if now_s - self._aged_s < AGE_CHECK_S:
            return 0
        self._aged_s = now_s
        # A network or a broker that died twice at the same alarm looks like an alarm that the broker cannot take.
        self._database.execute(
            "UPDATE message SET aside = 0, refusals = ? WHERE aside = 1 AND keep = 'always'", (MAX_REFUSALS - 1,)
        )
        oldest_s = time.time() - MAX_AGE_S
        return self._database.execute(
            "DELETE FROM message WHERE made_utc_s < CASE keep WHEN 'until_full' THEN ? WHEN 'evidence' THEN ? END",
            (oldest_s, time.time() - EVIDENCE_S),
        ).rowcount


def move_aside(path: Path, what: str = "damaged") -> tuple[Path, str | None]:
    """Move a file that cannot be used and what belongs to it aside. Return its new path, and a problem if that fails.

    `what` says what is wrong with it, and stands in its new name.
    """
    aside = path.with_name(f"{path.name}.{what}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        try:
            part.replace(aside.with_name(aside.name + suffix))
        except FileNotFoundError:
            continue
        except OSError as reason:
            return aside, f"outbox {part} is {what} and cannot be moved aside ({reason.strerror})"
    for old in sorted(path.parent.glob(f"{glob.escape(path.name)}.{what}-*Z"))[:-MAX_DAMAGED]:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                old.with_name(old.name + suffix).unlink()
    return aside, None


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error tells of a damaged file, and not of a full disk, a lock or a wrong call."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.ProgrammingError | sqlite3.InterfaceError
    )
