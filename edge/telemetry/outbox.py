"""The outbox: messages wait here, on disk, until the broker has confirmed them."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

log = logging.getLogger(__name__)

Keep = Literal["latest", "until_full", "always"]
PRIORITY: dict[Keep, int] = {"latest": 0, "until_full": 0, "always": 1}
BUSY_TIMEOUT_S = 2.0
# Buffered at most before a commit; the link commits far more often.
BATCH = 256

LAYOUT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    retain INTEGER NOT NULL,
    expiry_s INTEGER,
    keep TEXT NOT NULL,
    priority INTEGER NOT NULL,
    made_s REAL NOT NULL,
    boot_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS next_out ON message (priority DESC, id);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent.

    Attributes
    ----------
    topic, payload, retain
        As MQTT has them.
    keep : {"latest", "until_full", "always"}
        latest: an older one of the same topic that still waits is replaced. until_full: the oldest go when the outbox
        is full. always: goes last of all, and out first (alarms).
    expiry_s : int or None
        After which the broker may forget it (MQTT 5).
    made_s : float
        Seconds since 1970 when it was made.
    boot_id : str
        The run that made it.

    """

    topic: str
    payload: bytes
    retain: bool
    keep: Keep
    made_s: float
    boot_id: str
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox, with its number there."""

    id: int
    message: Outgoing


class Outbox:
    """A bounded queue in SQLite. Any thread may call; nothing but a programming error is raised after opening.

    A damaged file is moved aside; a file that cannot be used (held by another process, read-only) is left alone and
    messages are kept in memory; `faults` says so.

    Parameters
    ----------
    path : Path
    max_messages : int
        Kept at most.

    """

    def __init__(self, path: Path, max_messages: int) -> None:
        self._path = path
        self._max_messages = max_messages
        self._lock = threading.RLock()
        self._incoming: list[Outgoing] = []
        self._confirmed: set[int] = set()
        self._faults: dict[str, str] = {}
        self._dropped = 0
        self._database = self._open()
        self._depth = self._count()

    @property
    def depth(self) -> int:
        """Messages that wait, those on their way to the broker included."""
        with self._lock:
            return self._depth + len(self._incoming) - len(self._confirmed)

    @property
    def dropped(self) -> int:
        """Messages given up since the start because the outbox was full."""
        return self._dropped

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the outbox, for health messages."""
        with self._lock:
            return tuple(self._faults.values())

    def put(self, message: Outgoing) -> None:
        """Take in a message; one that is kept always is on disk when this returns, others within a batch."""
        with self._lock:
            self._incoming.append(message)
            if message.keep == "always" or len(self._incoming) >= BATCH:
                self.commit(durable=message.keep == "always")

    def next(self, limit: int, skip: Collection[int] = ()) -> list[Waiting]:
        """Return the next messages to send, alarms first, then in the order they came, without those in `skip`."""
        with self._lock:
            self.commit()
            try:
                # The window of those on their way is small, so a few more rows are read and passed over.
                rows = self._database.execute(
                    "SELECT id, topic, payload, retain, keep, made_s, boot_id, expiry_s FROM message"
                    " ORDER BY priority DESC, id LIMIT ?",
                    (limit + len(skip),),
                ).fetchall()
            except sqlite3.Error as error:
                self._repair(error)
                return []
        waiting = [Waiting(row[0], Outgoing(row[1], row[2], bool(row[3]), *row[4:])) for row in rows]
        return [each for each in waiting if each.id not in skip][:limit]

    def confirm(self, ids: Collection[int]) -> None:
        """Strike out what the broker has confirmed."""
        with self._lock:
            self._confirmed.update(ids)

    def commit(self, *, durable: bool = False) -> None:
        """Write what was put and struck out since the last time; `durable` waits for the disk."""
        with self._lock:
            if not self._incoming and not self._confirmed:
                return
            try:
                if durable:
                    self._database.execute("PRAGMA synchronous = FULL")
                with self._database:
                    dropped = self._write()
                self._depth = self._count()
                if durable:
                    self._database.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error as error:
                self._repair(error)
            else:
                self._dropped += dropped
                self._incoming.clear()
                self._confirmed.clear()
                self._faults.pop("write", None)

    def close(self) -> None:
        """Write all and close."""
        with self._lock:
            self.commit(durable=True)
            self._database.close()

    def _write(self) -> int:
        """Write the batch within a transaction; give how many messages had to go."""
        execute = self._database.execute
        self._database.executemany("DELETE FROM message WHERE id = ?", [(each,) for each in self._confirmed])
        for message in self._incoming:
            if message.keep == "latest":
                execute("DELETE FROM message WHERE topic = ? AND keep = 'latest'", (message.topic,))
            execute(
                "INSERT INTO message (topic, payload, retain, expiry_s, keep, priority, made_s, boot_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    message.topic,
                    message.payload,
                    message.retain,
                    message.expiry_s,
                    message.keep,
                    PRIORITY[message.keep],
                    message.made_s,
                    message.boot_id,
                ),
            )
        excess = self._count() - self._max_messages
        if excess > 0:
            # Hits go before alarms, old before new; the state of the box is one message a topic and stays.
            execute(
                "DELETE FROM message WHERE id IN"
                " (SELECT id FROM message ORDER BY keep = 'latest', priority, id LIMIT ?)",
                (excess,),
            )
        return max(excess, 0)

    def _count(self) -> int:
        count: int = self._database.execute("SELECT COUNT(*) FROM message").fetchone()[0]
        return count

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect(str(self._path))
        except sqlite3.OperationalError as error:
            return self._in_memory(error)
        except sqlite3.DatabaseError as error:
            self._move_aside(error)
        except OSError as error:
            return self._in_memory(error)
        try:
            return self._connect(str(self._path))
        except sqlite3.Error as error:
            return self._in_memory(error)

    def _connect(self, name: str) -> sqlite3.Connection:
        database = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        try:
            # One agent, one outbox: the lock is held until the process ends, however it ends.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            checked = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if checked != "ok":
                raise sqlite3.DatabaseError(checked)
            layout = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
            if tables and layout != LAYOUT:
                raise sqlite3.DatabaseError(f"its layout is {layout}, expected {LAYOUT}")
            database.executescript(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        self._fault("open", f"outbox {self._path} cannot be used ({error}): messages are kept in memory only")
        return self._connect(":memory:")

    def _move_aside(self, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        self._fault(
            "damaged", f"outbox {self._path} was damaged ({error}) and is now {aside.name}; a new one is in use"
        )
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            try:
                part.replace(aside.with_name(aside.name + suffix))
            except FileNotFoundError:
                continue
            except OSError as reason:
                self._fault("damaged", f"outbox {part} is damaged and cannot be moved aside ({reason})")

    def _repair(self, error: sqlite3.Error) -> None:
        """Go on after a failed write: a full disk is waited for in memory, a damaged file replaced."""
        if isinstance(error, sqlite3.OperationalError):
            self._fault("write", f"outbox {self._path} cannot be written ({error}): messages wait in memory")
            excess = len(self._incoming) - self._max_messages
            if excess > 0:
                del self._incoming[:excess]
                self._dropped += excess
            return
        self._database.close()
        self._move_aside(error)
        # Numbers of the old file mean nothing in the new one.
        self._confirmed.clear()
        self._database = self._open()
        self._depth = self._count()

    def _fault(self, kind: str, text: str) -> None:
        if self._faults.get(kind) != text:
            log.warning("%s", text)
        self._faults[kind] = text
