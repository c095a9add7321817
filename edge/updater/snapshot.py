"""The state of the agent before a switch: copied, and put back as far as the older release needs it.

The copy is made while the agent is stopped. A newer release may write files that an older one refuses. On the way back
each such file is set aside, under its name with `.newer` at its end, and the copy takes its place; a file that the
older release can read stays, as it is newer. Of the outbox only the layout comes from the copy: the messages are those
of the newer file, so that none is lost that was put in during the trial and none comes twice that was confirmed. Every
layout has the columns in MESSAGE.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from edge.updater.disk import Disk

log = logging.getLogger(__name__)

FOLDER = "before-update"
COMPLETE = "complete"
OUTBOX = "outbox.sqlite"
NEWER = ".newer"
BELONGING = ("-wal", "-shm", "-journal")
MESSAGE = ("id", "topic", "payload", "retain", "expiry_s", "keep", "priority", "boot_id", "made_s", "made_utc_s")
"""The columns of the outbox's table `message` that every layout has."""
MAX_JSON_BYTES = 64 << 20


def take_snapshot(disk: Disk, state: Path) -> None:
    """Copy the state of the agent into a folder within it. The agent has to be stopped.

    Raises
    ------
    OSError, sqlite3.Error
        It cannot be read or written.

    """
    folder = state / FOLDER
    forget_snapshot(disk, state)
    disk.make_folder(folder, 0o700)
    _settle(state / OUTBOX)
    for path in _files(state):
        disk.copy(path, folder / path.name)
    disk.write(folder / COMPLETE, b"")


def forget_snapshot(disk: Disk, state: Path) -> None:
    """Remove the copy. Its mark goes first, so that what is left of it is never taken for a whole one."""
    disk.remove(state / FOLDER / COMPLETE)
    disk.remove(state / FOLDER)


def restore_snapshot(disk: Disk, state: Path) -> list[str]:
    """Put back what the older release needs. Doing it again changes nothing. The agent has to be stopped.

    Returns
    -------
    list of str
        The names of the files that an older release cannot read, now set aside.

    Raises
    ------
    OSError, sqlite3.Error
        It cannot be read or written.

    """
    folder = state / FOLDER
    if not (folder / COMPLETE).exists():
        return []
    replaced = [path.name for path in _files(folder) if path.suffix == ".json" and _is_newer(state / path.name, path)]
    for name in replaced:
        _set_aside(disk, state / name)
        disk.copy(folder / name, state / name)
    if _restore_outbox(disk, state / OUTBOX, folder / OUTBOX):
        replaced.append(OUTBOX)
    return replaced


def size_of(state: Path) -> int:
    """Return the bytes that a copy takes."""
    return sum(path.stat().st_size for path in _files(state))


def _files(folder: Path) -> list[Path]:
    """Return the files that belong to a state, in the order of their names. Links are none of them."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix == ".json" or path.name == OUTBOX)
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _set_aside(disk: Disk, path: Path) -> None:
    if path.exists():
        disk.copy(path, path.with_name(path.name + NEWER))


def _is_newer(live: Path, before: Path) -> bool:
    """Return whether a file has a newer schema than its copy, or cannot be read while the copy can."""
    known = _schema_of(before)
    found = _schema_of(live)
    return known is not None and (found is None or found > known)


def _schema_of(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(MAX_JSON_BYTES))
        version = value.get("schema_version", 0)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return version if isinstance(version, int) else None


def _restore_outbox(disk: Disk, live: Path, before: Path) -> bool:
    if not before.exists():
        return False
    layout = _layout_of(before)
    found = _layout_of(live) if live.exists() else None
    if layout is None or found == layout:
        return False
    made = live.with_name(live.name + ".restored")
    disk.remove(made)
    disk.copy(before, made)
    if found is not None:
        _settle(live)
        _carry_over(live, made)
    _set_aside(disk, live)
    for suffix in BELONGING:  # of another file they would damage the new one
        disk.remove(live.with_name(live.name + suffix))
    disk.flush_file(made)
    disk.rename(made, live)
    return True


def _carry_over(newer: Path, older: Path) -> None:
    """Let the older file hold the messages of the newer one, which is left as it is."""
    names, marks = ", ".join(MESSAGE), ", ".join("?" for _ in MESSAGE)
    try:
        with closing(sqlite3.connect(newer)) as source, closing(sqlite3.connect(older)) as target:
            # Evidence is for the moment, and a release from before it does not know it.
            wanted = "keep != 'evidence'"
            rows = source.execute(f"SELECT {names} FROM message WHERE {wanted} ORDER BY id").fetchall()  # noqa: S608
            target.execute("PRAGMA synchronous = FULL")
            with target:
                target.execute("DELETE FROM message")
                target.executemany(f"INSERT INTO message ({names}) VALUES ({marks})", rows)  # noqa: S608
    except sqlite3.Error as error:
        log.warning("outbox: the messages of the trial cannot be taken over (%s); they are kept beside it", error)


def _layout_of(path: Path) -> int | None:
    """Return the layout of an outbox; None where the file is none."""
    try:
        with closing(sqlite3.connect(path)) as database:
            layout: int = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return None
    return layout


def _settle(path: Path) -> None:
    """Bring what lies beside a database into its file, so that the file alone is all of it."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode = DELETE")
