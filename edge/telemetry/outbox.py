"""The outbox: messages wait on disk until the broker has confirmed them."""

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
# Most messages that are buffered before a commit. The link usually commits far earlier.
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
        Topic, payload and retain flag of MQTT.
    keep : {"latest", "until_full", "always"}
        latest: it replaces an older message of the same topic that still waits. until_full: the oldest are dropped
        when the outbox is full. always: it is sent first and dropped last (alarms).
    expiry_s : int or None
        Seconds after which the broker drops it (MQTT 5).
    made_s : float
        Time at which it was made, in seconds since 1970.
    boot_id : str
        Run of the agent that made it.

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
    """A bounded queue in SQLite that any thread may use.

    Errors of the file never reach the caller; `faults` names them. A damaged file is moved aside. A file that cannot be
    used (read-only, or in use by another process) is left alone, and messages are kept in memory.

    Parameters
    ----------
    path : Path
    max_messages : int
        Most messages that are kept. Beyond it the oldest go first: hits before alarms, the state of the box last.

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
        """Number of messages that wait, unconfirmed ones included."""
        with self._lock:
            return self._depth + len(self._incoming) - len(self._confirmed)

    @property
    def dropped(self) -> int:
        """Number of messages dropped since the start, as the outbox was full."""
        return self._dropped

    @property
    def faults(self) -> tuple[str, ...]:
        """Problems of the outbox, for health messages."""
        with self._lock:
            return tuple(self._faults.values())

    def put(self, message: Outgoing) -> None:
        """Add a message. A message that is kept always is on disk afterwards; others follow within a batch."""
        with self._lock:
            self._incoming.append(message)
            if message.keep == "always" or len(self._incoming) >= BATCH:
                self.commit(durable=message.keep == "always")

    def next(self, limit: int, skip: Collection[int] = ()) -> list[Waiting]:
        """Return the next messages to send without those in `skip`: alarms first, then in their order."""
        with self._lock:
            self.commit()
            try:
                # Few messages are skipped, so they are read and left out here.
                rows = self._database.execute(
                    "SELECT id, topic, payload, retain, keep, made_s, boot_id, expiry_s FROM message"
                    " ORDER BY priority DESC, id LIMIT ?",
                    (limit + len(skip),),
                ).fetchall()
            except sqlite3.Error as error:
                self._repair(error)
                return []
        waiting = [Waiting(row[0], Outgoing(row[1], row[2], bool(row[3]), *row[4:])) for row in rows]
        return [message for message in waiting if message.id not in skip][:limit]

    def confirm(self, ids: Collection[int]) -> None:
        """Remove messages that the broker has confirmed."""
        with self._lock:
            self._confirmed.update(ids)

    def commit(self, *, durable: bool = False) -> None:
        """Write all additions and removals since the last commit. `durable` waits for the disk."""
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
        """Commit and close."""
        with self._lock:
            self.commit(durable=True)
            self._database.close()

    def _write(self) -> int:
        """Write the batch within a transaction. Return the number of messages that were dropped."""
        execute = self._database.execute
        self._database.executemany("DELETE FROM message WHERE id = ?", [(number,) for number in self._confirmed])
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
            # Hits are dropped before alarms, and old before new. The state of the box, one message a topic, stays.
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
            # The outbox belongs to one agent: the lock is held until the process ends, however it ends.
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
        """Go on after a failed write: keep messages in memory while the disk is full, and replace a damaged file."""
        if isinstance(error, sqlite3.OperationalError):
            self._fault("write", f"outbox {self._path} cannot be written ({error}): messages wait in memory")
            excess = len(self._incoming) - self._max_messages
            if excess > 0:
                del self._incoming[:excess]
                self._dropped += excess
            return
        self._database.close()
        self._move_aside(error)
        # The numbers of the old file do not exist in the new one.
        self._confirmed.clear()
        self._database = self._open()
        self._depth = self._count()

    def _fault(self, kind: str, text: str) -> None:
        if self._faults.get(kind) != text:
            log.warning("%s", text)
        self._faults[kind] = text
