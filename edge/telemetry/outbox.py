"""The outbox: messages wait on disk until the broker has confirmed them."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from edge.telemetry.outbox_file import NewerLayoutError, OutboxFile, is_damage, move_aside
from edge.telemetry.outbox_sent import MAX_SENT
from edge.telemetry.outgoing import PRIORITY, Waiting, replaces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from edge.telemetry.outbox_sent import Confirmed
    from edge.telemetry.outgoing import Outgoing

log = logging.getLogger(__name__)

WRITE_S = 0.05
"""Longest time until a message is on disk."""
MAX_BYTES = 256 * 2**20


class Outbox:
    """A bounded queue in SQLite that any thread may use.

    A message counts from the moment it is put in: an alarm is on disk at once, anything else within 50 ms. While the
    disk cannot be written, messages wait in memory and are sent from there. Errors of the file never reach the caller;
    `faults` names them. A damaged file is moved aside. A file that cannot be used (read-only, or in use by another
    process) is left alone, and messages are kept in memory.

    Parameters
    ----------
    path : Path
    max_messages : int
        Most messages that are kept. Beyond it the oldest go first: hits before alarms, the state of the box last.
    max_bytes : int
        Most bytes of topics and payloads that are kept.
    clock : callable
        Monotonic seconds.

    """

    def __init__(
        self,
        path: Path,
        max_messages: int,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._clock = clock
        self._lock = threading.RLock()
        self._unwritten: dict[int, Waiting] = {}
        self._confirmed: dict[int, Confirmed] = {}
        self._forgetful = False
        self._remembered: Mapping[str, float | None] | None = None
        self._faults: dict[str, str] = {}
        self._dropped = 0
        self._closed = False
        self._next_id = 1
        self._file = self._open()
        self._first_id = self._next_id
        self._wake = threading.Event()
        self._writer = threading.Thread(target=self._write_soon, name="outbox", daemon=True)
        self._writer.start()

    @property
    def depth(self) -> int:
        """Number of messages that wait, unconfirmed ones included, those set aside left out."""
        with self._lock:
            messages, _, aside = self._totals()
            return messages - aside - self._confirmed_in_file + len(self._unwritten)

    @property
    def in_memory(self) -> int:
        """Number of messages that wait, and that the disk has not taken: they end with the process."""
        with self._lock:
            return self.depth if {"open", "removed"} & self._faults.keys() else len(self._unwritten)

    @property
    def dropped(self) -> int:
        """Number of messages dropped since the start, as the outbox was full or they were too old."""
        return self._dropped

    @property
    def aside(self) -> int:
        """Number of messages that the broker cannot take; they are kept and tried again after a restart."""
        with self._lock:
            return self._totals()[2]

    @property
    def faults(self) -> dict[str, str]:
        """Problems of the outbox, a sentence by name."""
        with self._lock:
            if self._is_removed():
                text = f"outbox {self._path} was removed: what waits is lost at the next start; start the agent again"
                self._fault("removed", text)
            return {f"outbox {kind}": text for kind, text in self._faults.items()}

    def put(self, message: Outgoing) -> None:
        """Add a message. A message that is kept always is on disk afterwards; others follow within 50 ms."""
        with self._lock:
            if self._closed:
                log.warning("a message for %s came after the outbox was closed; it is lost", message.topic)
                return
            for old in [old for old in self._unwritten.values() if replaces(message, old.message)]:
                del self._unwritten[old.id]
            self._unwritten[self._next_id] = Waiting(self._next_id, message, self._clock())
            self._next_id += 1
            if message.keep == "always":
                self.commit(durable=True)
        self._wake.set()

    def restate(self, message: Outgoing) -> None:
        """Add a retained message once more, for a broker that may have forgotten it, unless its topic has one waiting.

        The message has to be kept as "restated".
        """
        with self._lock:
            unwritten = (waiting.message for waiting in self._unwritten.values())
            if any(each.topic == message.topic and each.retain for each in unwritten):
                return
            try:
                waits = self._file.waits(message.topic, self._confirmed)
            except sqlite3.Error:
                waits = False
            if not waits:
                self.put(message)

    def next(self, limit: int, skip: Collection[int] = ()) -> list[Waiting]:
        """Return the next messages to send without those in `skip`: alarms first, then in their order.

        They count as sent from now on.
        """
        with self._lock:
            self.commit()
            left_out = {*self._confirmed, *skip}
            waiting = [*self._unwritten.values()]
            try:
                # Few messages are left out, so they are read and left out here.
                written = self._file.first(limit + len(left_out) + len(waiting))
            except sqlite3.Error as error:
                self._repair(error)
                written = []
            written = [old for old in written if not any(replaces(new.message, old.message) for new in waiting)]
            found = [each for each in (*written, *waiting) if each.id not in left_out]
            found = sorted(found, key=lambda each: (-PRIORITY[each.message.keep], each.id))[:limit]
            for each in found:
                if each.id >= self._first_id:  # an earlier run may have sent others already
                    self._file.marks.sent(each.message)
        return found

    def confirm(self, ids: Collection[int]) -> None:
        """Remove messages that the broker has confirmed."""
        with self._lock:
            for number in ids:
                unwritten = self._unwritten.pop(number, None)
                if unwritten is not None or self._is_written(number):
                    self._confirmed[number] = (self._file.marks.confirm(), unwritten)
        self._wake.set()

    def refuse(self, number: int, reason: str, *, final: bool = False) -> None:
        """Count that the broker could not take a message; after the second time, or when final, it is set aside."""
        with self._lock:
            self.commit()
            try:
                self._file.refuse(number, final=final)
            except sqlite3.Error as error:
                self._repair(error)
                if final:
                    self._unwritten.pop(number, None)
            if self.aside:
                self._fault("aside", f"the broker cannot take {self.aside} messages, which are set aside ({reason})")

    def repeat(self, remembered: Mapping[str, float | None] | None) -> None:
        """Send what the broker has forgotten once more: it confirms messages before they are on its disk.

        Whoever has them knows them by their event ids. While the disk cannot be written, this waits.

        Parameters
        ----------
        remembered : mapping of str to float or None
            The messages of this box that the broker has now: their times by their event ids. None where it does not
            tell.

        """
        with self._lock:
            self._forgetful, self._remembered = True, remembered
            self._file.marks.verified = False
            self.commit()

    def commit(self, *, durable: bool = False) -> None:
        """Write all additions and removals since the last commit. `durable` waits for the disk."""
        with self._lock:
            if self._closed or not (self._unwritten or self._confirmed or self._forgetful):
                return
            try:
                self._dropped += self._file.write(
                    self._unwritten.values(), self._confirmed, (self._max_messages, self._max_bytes), durable=durable
                )
                self._unwritten.clear()
                self._confirmed.clear()
                if self._forgetful:
                    self._file.repeat(self._remembered)
                    self._forgetful = False
                    self._file.marks.verified = self._remembered is not None
            except sqlite3.Error as error:
                self._repair(error)
            else:
                self._faults.pop("write", None)

    def close(self) -> None:
        """Commit and close. What is put in afterwards is lost, and the journal says so."""
        with self._lock:
            self.commit(durable=True)
            self._closed = True
            self._file.close()
        self._wake.set()

    def _write_soon(self) -> None:
        """Write what was put in and confirmed, at most WRITE_S later."""
        while not self._closed:
            self._wake.wait()
            time.sleep(WRITE_S / 2)
            self._wake.clear()
            self.commit()

    def _totals(self) -> tuple[int, int, int]:
        """Return the numbers of messages, of bytes and of messages set aside in the file."""
        if self._closed:
            return 0, 0, 0
        try:
            return self._file.totals()
        except sqlite3.Error:
            return self._confirmed_in_file, 0, 0

    @property
    def _confirmed_in_file(self) -> int:
        return sum(unwritten is None for _, unwritten in self._confirmed.values())

    def _is_removed(self) -> bool:
        """Return whether somebody has removed the file, which goes on without a name."""
        if self._closed or "open" in self._faults:
            return False
        try:
            self._path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            pass
        return False

    def _is_written(self, number: int) -> bool:
        try:
            return self._file.holds(number)
        except sqlite3.Error:
            return False

    def _open(self) -> OutboxFile:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = OutboxFile(str(self._path))
        except sqlite3.OperationalError as error:
            return self._in_memory(error)
        except sqlite3.DatabaseError as error:
            self._move_aside(error)
        except OSError as error:
            return self._in_memory(error)
        else:
            return self._numbered(file)
        try:
            return self._numbered(OutboxFile(str(self._path)))
        except sqlite3.Error as error:
            return self._in_memory(error)

    def _numbered(self, file: OutboxFile) -> OutboxFile:
        """Go on with the numbers of an opened file; numbers are never used twice."""
        self._next_id = max(self._next_id, file.last_id() + 1)
        return file

    def _in_memory(self, error: Exception) -> OutboxFile:
        self._fault("open", f"outbox {self._path} cannot be used ({error}): messages are kept in memory only")
        return OutboxFile(":memory:")

    def _move_aside(self, error: Exception) -> None:
        if isinstance(error, NewerLayoutError):
            aside, problem = move_aside(self._path, "newer")
            text = f"outbox {self._path} is of a newer release ({error}) and is now {aside.name}; a new one is in use"
            self._fault("newer", problem or text)
            return
        aside, problem = move_aside(self._path)
        text = f"outbox {self._path} was damaged ({error}) and is now {aside.name}; a new one is in use"
        self._fault("damaged", problem or text)

    def _repair(self, error: sqlite3.Error) -> None:
        """Go on after a failed write: keep messages in memory while the disk is full, and replace a damaged file."""
        if not is_damage(error):
            self._fault("write", f"outbox {self._path} cannot be written ({error}): messages wait in memory")
            self._bound_memory()
            return
        self._file.close()
        self._move_aside(error)
        self._confirmed.clear()  # they lie in the file that was moved aside
        self._file = self._open()

    def _bound_memory(self) -> None:
        """Drop the oldest messages that wait in memory where they are too many, hits before alarms."""
        size = sum(waiting.message.size_bytes for waiting in self._unwritten.values())
        in_memory = [number for number, (_, waiting) in self._confirmed.items() if waiting is not None]
        for number in in_memory[:-MAX_SENT]:
            del self._confirmed[number]
        order = sorted(self._unwritten.values(), key=lambda each: (PRIORITY[each.message.keep], each.id))
        for waiting in order:
            if len(self._unwritten) <= self._max_messages and size <= self._max_bytes:
                return
            del self._unwritten[waiting.id]
            size -= waiting.message.size_bytes
            self._dropped += 1

    def _fault(self, kind: str, text: str) -> None:
        self._faults[kind] = text
