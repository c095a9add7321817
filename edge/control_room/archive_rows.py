"""What a message leaves in the tables of the archive; a message that comes again leaves nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control_room.archive_arrival import fault_kind, kept_time_s
from edge.telemetry.messages import AlarmMessage, Health, Info, Status

if TYPE_CHECKING:
    import sqlite3

    from edge.control_room.archive_arrival import Arrival
    from edge.telemetry.acknowledgements import Acknowledgement

RATE_WINDOW_S = 60
SCHEMA = """
CREATE TABLE box (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, device TEXT NOT NULL, heard_s REAL NOT NULL,
    place TEXT, latitude REAL, longitude REAL, software TEXT, model TEXT, camera TEXT,
    health_boot TEXT, health_seq INTEGER, health_utc_s REAL, UNIQUE (site, device)
);
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY, box INTEGER NOT NULL REFERENCES box (id), event_id TEXT NOT NULL, boot_id TEXT NOT NULL,
    seq INTEGER NOT NULL, at_s REAL NOT NULL, arrived_s REAL NOT NULL, state TEXT NOT NULL, alarm_id TEXT,
    message TEXT NOT NULL, UNIQUE (box, event_id)
);
CREATE INDEX alarm_at ON alarm (at_s);
CREATE INDEX alarm_by_id ON alarm (box, alarm_id, at_s);
CREATE TABLE acknowledgement (
    box INTEGER NOT NULL REFERENCES box (id), alarm_id TEXT NOT NULL, at_s REAL NOT NULL, person TEXT NOT NULL,
    reason TEXT, silenced_until_s REAL, PRIMARY KEY (box, alarm_id, at_s, person)
) WITHOUT ROWID;
CREATE TABLE status (
    id INTEGER PRIMARY KEY, box INTEGER NOT NULL REFERENCES box (id), event_id TEXT NOT NULL, at_s REAL NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (box, event_id)
);
CREATE INDEX status_at ON status (at_s);
CREATE TABLE fault (
    id INTEGER PRIMARY KEY, box INTEGER NOT NULL REFERENCES box (id), kind TEXT NOT NULL, text TEXT NOT NULL,
    began_s REAL NOT NULL, ended_s REAL
);
CREATE INDEX fault_open ON fault (box) WHERE ended_s IS NULL;
CREATE INDEX fault_at ON fault (began_s);
CREATE TABLE rate (
    slot_s INTEGER NOT NULL, box INTEGER NOT NULL REFERENCES box (id), hits INTEGER NOT NULL, rate_hz REAL,
    maximum_hz REAL, background_hz REAL, live_fraction REAL, fps REAL NOT NULL, condition TEXT NOT NULL,
    PRIMARY KEY (slot_s, box)
) WITHOUT ROWID;
CREATE TABLE unreadable (
    box INTEGER NOT NULL REFERENCES box (id), kind TEXT NOT NULL, problem TEXT NOT NULL, messages INTEGER NOT NULL,
    first_s REAL NOT NULL, last_s REAL NOT NULL, PRIMARY KEY (box, kind)
) WITHOUT ROWID;
CREATE TABLE gap (id INTEGER PRIMARY KEY, began_s REAL NOT NULL, ended_s REAL NOT NULL, lost INTEGER NOT NULL);
CREATE TABLE archive (heard_s REAL, began_s REAL);
INSERT INTO archive VALUES (NULL, NULL);
"""


def keep(database: sqlite3.Connection, arrival: Arrival, rates_every_s: int) -> bool:
    """Write what a message says. Return whether it was new.

    Parameters
    ----------
    database : sqlite3.Connection
        Within a transaction.
    arrival : Arrival
    rates_every_s : int
        One rate is kept in so many seconds.

    """
    box = _box(database, arrival)
    message = arrival.message
    if isinstance(message, AlarmMessage):
        return _alarm(database, box, message, arrival)
    if isinstance(message, Status):
        return _status(database, box, message, arrival)
    if isinstance(message, Health):
        return _health(database, box, message, arrival, rates_every_s)
    if isinstance(message, Info):
        return _info(database, box, message)
    database.execute(
        "INSERT INTO unreadable VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE"
        " SET messages = messages + 1, problem = excluded.problem, last_s = excluded.last_s",
        (box, arrival.topic.kind, arrival.problem, arrival.arrived_s, arrival.arrived_s),
    )
    return True


def _box(database: sqlite3.Connection, arrival: Arrival) -> int:
    """Return the number of the box, and note that it was heard."""
    number: int = database.execute(
        "INSERT INTO box (site, device, heard_s) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET heard_s = MAX(heard_s, excluded.heard_s) RETURNING id",
        (arrival.topic.site, arrival.topic.device, arrival.arrived_s),
    ).fetchone()[0]
    return number


def _alarm(database: sqlite3.Connection, box: int, message: AlarmMessage, arrival: Arrival) -> bool:
    alarm_id = None if message.alarm is None else message.alarm.id
    at_s = kept_time_s(message.utc.timestamp(), arrival.arrived_s)
    row = (
        box,
        message.event_id,
        message.boot_id,
        message.seq,
        at_s,
        arrival.arrived_s,
        message.state,
        alarm_id,
        message.model_dump_json(),
    )
    new = database.execute(
        "INSERT INTO alarm (box, event_id, boot_id, seq, at_s, arrived_s, state, alarm_id, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        row,
    ).rowcount
    if new and message.acknowledged is not None and alarm_id is not None:
        _acknowledgement(database, box, alarm_id, message.acknowledged, arrival)
    return bool(new)


def _acknowledgement(
    database: sqlite3.Connection, box: int, alarm_id: str, taken: Acknowledgement, arrival: Arrival
) -> None:
    """Keep who has taken charge of an alarm, and who had before, which may not have been heard."""
    for each in taken.earlier:
        database.execute(
            "INSERT INTO acknowledgement VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
            (box, alarm_id, kept_time_s(each.utc.timestamp(), arrival.arrived_s), each.by, each.reason),
        )
    until_s = None if taken.silenced_until_utc is None else taken.silenced_until_utc.timestamp()
    database.execute(
        "INSERT INTO acknowledgement VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET reason = excluded.reason, silenced_until_s = excluded.silenced_until_s",
        (box, alarm_id, kept_time_s(taken.utc.timestamp(), arrival.arrived_s), taken.by, taken.reason, until_s),
    )


def _status(database: sqlite3.Connection, box: int, message: Status, arrival: Arrival) -> bool:
    # A last will is written when the box connects, so the loss is dated by its arrival.
    at_s = arrival.arrived_s
    if message.reason != "lost":
        at_s = kept_time_s(message.utc.timestamp(), arrival.arrived_s)
    row = (box, message.event_id, at_s, message.state, message.reason)
    return bool(
        database.execute(
            "INSERT INTO status (box, event_id, at_s, state, reason) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row
        ).rowcount
    )


def _info(database: sqlite3.Connection, box: int, message: Info) -> bool:
    position = message.position
    row = (
        message.place,
        None if position is None else position.latitude,
        None if position is None else position.longitude,
        message.software,
        message.model.name,
        message.camera.kind,
        box,
    )
    database.execute(
        "UPDATE box SET place = ?, latitude = ?, longitude = ?, software = ?, model = ?, camera = ? WHERE id = ?", row
    )
    return True


def _health(database: sqlite3.Connection, box: int, message: Health, arrival: Arrival, rates_every_s: int) -> bool:
    utc_s = message.utc.timestamp()
    boot, seq, last_s = database.execute(
        "SELECT health_boot, health_seq, health_utc_s FROM box WHERE id = ?", (box,)
    ).fetchone()
    known = (
        message.seq <= seq if boot == message.boot_id else arrival.retained and last_s is not None and utc_s <= last_s
    )
    if known:
        return False
    database.execute(
        "UPDATE box SET health_boot = ?, health_seq = ?, health_utc_s = ? WHERE id = ?",
        (message.boot_id, message.seq, utc_s, box),
    )
    at_s = kept_time_s(utc_s, arrival.arrived_s)
    _faults(database, box, message.faults, at_s)
    rate_hz = next((rate.rate_hz for rate in message.recent if rate.window_s == RATE_WINDOW_S), None)
    highest_hz = max((rate.rate_hz for rate in message.recent if rate.rate_hz is not None), default=None)
    database.execute(
        "INSERT INTO rate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET hits = excluded.hits,"
        " rate_hz = excluded.rate_hz, maximum_hz = MAX(COALESCE(maximum_hz, excluded.maximum_hz),"
        " COALESCE(excluded.maximum_hz, maximum_hz)), background_hz = excluded.background_hz,"
        " live_fraction = excluded.live_fraction, fps = excluded.fps, condition = excluded.condition",
        (
            int(at_s // rates_every_s) * rates_every_s,
            box,
            message.hits,
            rate_hz,
            highest_hz,
            message.background_hz,
            message.live_fraction,
            message.fps,
            message.condition,
        ),
    )
    return True


def _faults(database: sqlite3.Connection, box: int, texts: tuple[str, ...], at_s: float) -> None:
    """End the faults that no longer stand, and begin the new ones."""
    stand = {fault_kind(text): text for text in texts}
    known = database.execute("SELECT id, kind, text FROM fault WHERE box = ? AND ended_s IS NULL", (box,)).fetchall()
    for number, kind, text in known:
        now = stand.pop(kind, None)
        if now is None:
            database.execute("UPDATE fault SET ended_s = MAX(?, began_s) WHERE id = ?", (at_s, number))
        elif now != text:
            database.execute("UPDATE fault SET text = ? WHERE id = ?", (now, number))
    database.executemany(
        "INSERT INTO fault (box, kind, text, began_s) VALUES (?, ?, ?, ?)",
        [(box, kind, text, at_s) for kind, text in stand.items()],
    )
