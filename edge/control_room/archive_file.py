"""The file of the archive: an SQLite database that one archive writes and any number of programs read."""

from __future__ import annotations

import fcntl
import sqlite3
from typing import TYPE_CHECKING

from edge.control_room.archive_rows import SCHEMA, keep
from edge.errors import GammaboxError
from edge.telemetry.outbox_file import is_damage, move_aside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedWriter
    from pathlib import Path

    from edge.control_room.archive_arrival import Arrival

LAYOUT = 1
BUSY_TIMEOUT_S = 5.0
CHUNK = 5000
"""Rows that the retention deletes at once, so that it never delays an alarm for long."""
DAY_S = 86400.0
LONG_GAP_S = 60.0


class ArchiveError(GammaboxError):
    """A file of an archive that cannot be used."""


class ArchiveFile:
    """The database. `write` raises sqlite3.Error where it cannot be written; nothing is half written then.

    Parameters
    ----------
    path : Path
    rates_every_s : int
        One rate of a box is kept in so many seconds.

    Attributes
    ----------
    set_aside : str or None
        What became of a damaged file; None where there was none.

    Raises
    ------
    ArchiveError
        Another archive writes the file, it is of another version, or it cannot be opened.

    """

    def __init__(self, path: Path, rates_every_s: int = 60) -> None:
        self.path = path
        self.set_aside: str | None = None
        self._rates_every_s = rates_every_s
        self._lock = _locked(path)
        try:
            self._database = self._opened()
        except BaseException:
            self._lock.close()
            raise

    def write(self, arrivals: Iterable[Arrival], heard_s: float | None, *, durable: bool) -> int:
        """Write messages in one transaction and return how many were new.

        Parameters
        ----------
        arrivals : iterable of Arrival
        heard_s : float or None
            The archive has listened until now; None where it does not listen.
        durable : bool
            Whether to wait for the disk.

        """
        self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            new = sum([keep(self._database, arrival, self._rates_every_s) for arrival in arrivals])
            self._database.execute("UPDATE archive SET heard_s = COALESCE(?, heard_s)", (heard_s,))
        return new

    def resume(self, now_s: float, *, kept_by_broker: bool, unsure_s: float) -> float | None:
        """Note that the archive listens again. Return since when it has not, where messages may be missing.

        Parameters
        ----------
        now_s : float
        kept_by_broker : bool
            Whether the broker has kept messages for the archive meanwhile.
        unsure_s : float
            A dead connection is noticed only after this time.

        """
        heard_s: float | None = self._database.execute("SELECT heard_s FROM archive").fetchone()[0]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("UPDATE archive SET heard_s = ?, began_s = COALESCE(began_s, ?)", (now_s, now_s))
            if heard_s is None or (kept_by_broker and now_s - heard_s < LONG_GAP_S):
                return None
            began_s = heard_s if kept_by_broker else heard_s - unsure_s
            self._database.execute(
                "INSERT INTO gap (began_s, ended_s, lost) VALUES (?, ?, ?)", (began_s, now_s, not kept_by_broker)
            )
        return None if kept_by_broker else began_s

    def forget(self, now_s: float, keep_days: float, keep_rates_days: float) -> int:
        """Delete some of what is too old. Return the number of rows deleted; call again until it is none."""
        old_s, rates_s = now_s - keep_days * DAY_S, now_s - keep_rates_days * DAY_S
        deleted = 0
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for table, column, limit_s in (
                ("alarm", "at_s", old_s),
                ("status", "at_s", old_s),
                ("fault", "ended_s", old_s),
                ("gap", "ended_s", old_s),
            ):
                deleted += self._database.execute(
                    f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < ? LIMIT ?)",  # noqa: S608
                    (limit_s, CHUNK),
                ).rowcount
            deleted += self._database.execute("DELETE FROM acknowledgement WHERE at_s < ?", (old_s,)).rowcount
            deleted += self._database.execute(
                "DELETE FROM rate WHERE (slot_s, box) IN (SELECT slot_s, box FROM rate WHERE slot_s < ? LIMIT ?)",
                (rates_s, CHUNK),
            ).rowcount
        self._database.execute("PRAGMA incremental_vacuum").fetchall()
        return deleted

    def repair(self, error: sqlite3.Error) -> bool:
        """Replace the file where an error tells of damage. Return whether it did."""
        if not is_damage(error):
            return False
        self._database.close()
        self._move_aside(error)
        self._database = self._opened()
        return True

    def close(self) -> None:
        """Close the file and let another archive have it."""
        self._database.close()
        self._lock.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connected(self.path)
        except sqlite3.OperationalError as error:
            raise ArchiveError(f"archive {self.path} cannot be opened ({error}); check rights and disk") from error
        except sqlite3.DatabaseError as error:
            self._move_aside(error)
        try:
            return _connected(self.path)
        except sqlite3.Error as error:
            raise ArchiveError(f"archive {self.path} cannot be opened ({error}); check rights and disk") from error

    def _move_aside(self, error: Exception) -> None:
        aside, problem = move_aside(self.path)
        if problem is not None:
            raise ArchiveError(f"{problem}; check the rights of its folder")
        self.set_aside = f"archive {self.path} was damaged ({error}) and is now {aside.name}; a new one is in use"


def _locked(path: Path) -> BufferedWriter:
    """Return a file that is locked for as long as it is open, so that two archives never write one database."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("ab")
    except OSError as error:
        raise ArchiveError(f"archive {path} cannot be opened ({error.strerror}); check rights and disk") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ArchiveError(f"another archive writes {path}; end it, or name another file with --file") from None
    return lock


def _connected(path: Path) -> sqlite3.Connection:
    """Open or make the database, and check it."""
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA journal_size_limit = 67108864")
        database.execute("PRAGMA foreign_keys = ON")
        _require_sound(database)
        tables = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT;")
        require_layout(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _require_sound(database: sqlite3.Connection) -> None:
    checked = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if checked != "ok":
        raise sqlite3.DatabaseError(checked)


def require_layout(database: sqlite3.Connection, path: Path) -> None:
    """Raise ArchiveError where a database is no archive of this version."""
    layout = database.execute("PRAGMA user_version").fetchone()[0]
    if layout != LAYOUT:
        raise ArchiveError(f"archive {path}: found layout {layout}, expected {LAYOUT}; name another file with --file")
