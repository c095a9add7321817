import sqlite3
from contextlib import closing

import pytest
from box_messages import Sender, kind_of, payload_of

from edge.control_room.archive_arrival import MAX_PAYLOAD, arrival_of
from edge.control_room.archive_file import DAY_S, ArchiveError, ArchiveFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "archive.sqlite"


@pytest.fixture
def box():
    return Sender()


def arrival(box, message, late_s=1.0, *, retained=False):
    arrived_s = message.utc.timestamp() + late_s
    return arrival_of(box.topic(kind_of(message)), payload_of(message), arrived_s, retained=retained)


def kept(path, box, *messages, **how):
    with closing(ArchiveFile(path)) as file:
        return file.write([arrival(box, message, **how) for message in messages], 1.0, durable=False)


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_archive_keeps_a_message_once(path, box):
    raised, cleared = box.alarm(), box.alarm("cleared", 40)
    assert kept(path, box, raised, cleared, raised) == 2
    assert kept(path, box, raised, retained=True) == 0
    assert rows(path, "SELECT event_id, state FROM alarm") == [
        (raised.event_id, "raised"),
        (cleared.event_id, "cleared"),
    ]


def test_archive_keeps_equal_event_ids_of_two_boxes(path, box):
    other = Sender("gate-2")
    kept(path, box, box.alarm())
    kept(path, other, other.alarm())
    assert rows(path, "SELECT COUNT(DISTINCT box), COUNT(DISTINCT event_id) FROM alarm") == [(2, 1)]


def test_archive_takes_no_message_of_another_box_for_one_of_this_box(path, box):
    message = Sender("gate-2").alarm()
    with closing(ArchiveFile(path)) as file:
        file.write([arrival_of(box.topic("alarm"), payload_of(message), box.at(1).timestamp())], 1.0, durable=False)
    assert rows(path, "SELECT COUNT(*) FROM alarm") == [(0,)]
    assert rows(path, "SELECT device, problem FROM unreadable JOIN box ON box.id = box") == [
        ("gate-1", "it names the box docks/gate-2")
    ]


def test_archive_keeps_who_acknowledged_once(path, box):
    for second in (30, 40, 50):
        message = box.alarm("updated", second)
        taken = box.alarm("updated", 25, by="Ann").acknowledged
        kept(path, box, message.model_copy(update={"acknowledged": taken}))
    assert rows(path, "SELECT person, reason FROM acknowledgement") == [("Ann", "patrol sent")]


def test_archive_dates_a_wrong_clock_by_the_arrival(path, box):
    message = box.alarm()
    kept(path, box, message, late_s=50 * DAY_S)
    assert rows(path, "SELECT at_s = arrived_s FROM alarm") == [(1,)]


def test_archive_dates_a_lost_box_by_the_arrival(path, box):
    kept(path, box, box.status("offline", "lost"), late_s=3600)
    (at_s,) = rows(path, "SELECT at_s FROM status")[0]
    assert at_s == box.at(3600).timestamp()


def test_archive_keeps_begin_and_end_of_a_fault(path, box):
    kept(path, box, box.health(0), box.health(10, ("no frame for 12 s",)), box.health(20, ("no frame for 22 s",)))
    kept(path, box, box.health(30))
    began_s, ended_s = box.at(10).timestamp(), box.at(30).timestamp()
    assert rows(path, "SELECT text, began_s, ended_s FROM fault") == [("no frame for 22 s", began_s, ended_s)]


def test_archive_ignores_an_older_health_message(path, box):
    first, second = box.health(0, ("dark",)), box.health(10)
    kept(path, box, first, second)
    assert kept(path, box, first, retained=True) == 0
    assert rows(path, "SELECT COUNT(*) FROM fault WHERE ended_s IS NULL") == [(0,)]


def test_archive_ignores_retained_health_of_an_earlier_run(path, box):
    old = box.health(0, ("dark",))
    kept(path, box, Sender(boot_id="5ec0d").health(10))
    kept(path, box, old, retained=True)
    assert rows(path, "SELECT COUNT(*) FROM fault") == [(0,)]


def test_archive_thins_rates_and_keeps_the_highest(path, box):
    kept(path, box, *[box.health(second, rate_hz=rate) for second, rate in ((0, 0.1), (10, 7.0), (50, 0.2), (61, 0.3))])
    assert rows(path, "SELECT rate_hz, maximum_hz FROM rate ORDER BY slot_s") == [(0.2, 7.0), (0.3, 0.3)]


def test_archive_keeps_a_rate_that_comes_after_none(path, box):
    kept(path, box, box.health(0, recent=()), box.health(10, rate_hz=2.0), box.health(20, recent=()))
    assert rows(path, "SELECT rate_hz, maximum_hz FROM rate") == [(None, 2.0)]


def test_archive_counts_what_it_cannot_read(path, box):
    with closing(ArchiveFile(path)) as file:
        for payload in (b"{}", b"\x1b[2J", b"x" * (MAX_PAYLOAD + 1)):
            assert file.write([arrival_of(box.topic("alarm"), payload, 5.0)], 5.0, durable=True) == 1
    ((kind, problem, messages),) = rows(path, "SELECT kind, problem, messages FROM unreadable")
    assert (kind, messages) == ("alarm", 3)
    assert str(MAX_PAYLOAD) in problem


def test_archive_writes_all_of_a_batch_or_nothing(path, box):
    with closing(ArchiveFile(path)) as file:
        broken = arrival(box, box.alarm())
        file._database.execute("CREATE TRIGGER no BEFORE INSERT ON status BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(sqlite3.Error):
            file.write([broken, arrival(box, box.status())], 1.0, durable=True)
    assert rows(path, "SELECT COUNT(*) FROM alarm") == [(0,)]


def test_archive_forgets_what_is_too_old(path, box):
    kept(
        path, box, box.alarm(), box.status(), box.health(0, ("dark",)), box.health(10), box.alarm("updated", 3 * DAY_S)
    )
    now_s = box.at(4 * DAY_S).timestamp()
    with closing(ArchiveFile(path)) as file:
        while file.forget(now_s, keep_days=2, keep_rates_days=1):
            pass
    for table, left in (("alarm", 1), ("status", 0), ("fault", 0), ("rate", 0)):
        assert rows(path, f"SELECT COUNT(*) FROM {table}") == [(left,)], table  # noqa: S608


def test_archive_keeps_faults_that_stand_for_ever(path, box):
    kept(path, box, box.health(0, ("dark",)))
    with closing(ArchiveFile(path)) as file:
        file.forget(box.at(900 * DAY_S).timestamp(), keep_days=2, keep_rates_days=1)
    assert rows(path, "SELECT text FROM fault") == [("dark",)]


def test_archive_refuses_a_file_that_another_archive_writes(path):
    with closing(ArchiveFile(path)), pytest.raises(ArchiveError, match="another archive writes"):
        ArchiveFile(path)
    ArchiveFile(path).close()


@pytest.mark.parametrize("at", [0, 5000])
def test_archive_sets_a_damaged_file_aside(path, box, at):
    kept(path, box, box.alarm())
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 4096)
    with closing(ArchiveFile(path)) as file:
        assert "was damaged" in file.set_aside
        file.write([arrival(box, box.alarm())], 1.0, durable=True)
    assert rows(path, "SELECT COUNT(*) FROM alarm") == [(1,)]
    assert list(path.parent.glob("archive.sqlite.damaged-*Z"))


def test_archive_refuses_a_database_of_something_else(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(ArchiveError, match="layout 0"):
        ArchiveFile(path)
    assert rows(path, "SELECT COUNT(*) FROM mine") == [(0,)]


def test_archive_names_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match="cannot be opened"):
        ArchiveFile(tmp_path / "file" / "archive.sqlite")


def test_archive_notes_when_the_broker_kept_nothing(path):
    with closing(ArchiveFile(path)) as file:
        assert file.resume(1000.0, kept_by_broker=False, unsure_s=10.0) is None
        assert file.resume(1500.0, kept_by_broker=True, unsure_s=10.0) is None
        assert file.resume(2000.0, kept_by_broker=False, unsure_s=10.0) == 1490.0
    assert rows(path, "SELECT began_s, ended_s, lost FROM gap") == [(1000.0, 1500.0, 0), (1490.0, 2000.0, 1)]
