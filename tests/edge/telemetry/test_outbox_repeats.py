"""What a broker has forgotten is sent again, and alarms that it refused are tried again."""

import sqlite3
import time
from contextlib import closing

import pytest
from outbox_rig import message, payloads

from edge.telemetry import outbox_sent
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing, event_id_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


def made(number, keep="always", *, retain=False, expiry_s=None):
    payload = b'{"event_id":"b-%d","historical":false}' % number
    return Outgoing("t/alarm", payload, retain=retain, keep=keep, boot_id="b", expiry_s=expiry_s)


def send(outbox, *messages, verified=True):
    """Put messages and confirm them, one by one, at a broker that has told before what it has."""
    outbox._file.marks.verified = verified
    for each in messages:
        outbox.put(each)
        outbox.confirm([waiting.id for waiting in outbox.next(10)])
    outbox.commit()


def full(*_arguments, **_named):
    """Fail as a full disk does."""
    raise sqlite3.OperationalError("database or disk is full")


def again(outbox):
    """Return the event ids of what waits, all of which is marked historical and not retained."""
    waiting = [each.message for each in outbox.next(100)]
    assert all(each.payload.endswith(b'"historical":true}') and not each.retain for each in waiting)
    return [event_id_of(each.payload) for each in waiting]


def test_outbox_repeats_what_the_broker_has_forgotten(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1, retain=True), made(2, "until_full"), made(3, retain=True), made(4, "until_full"))
    outbox.close()
    outbox = Outbox(path, 100)  # the agent may have been killed meanwhile
    outbox.repeat({"b-3": None, "of another run": 1.0})
    assert again(outbox) == ["b-4"]
    outbox.confirm([each.id for each in outbox.next(10)])
    outbox.repeat({"b-1": None})  # a broker that died again, with the older file
    assert again(outbox) == ["b-3", "b-2", "b-4"]
    outbox.close()


def test_outbox_knows_by_a_message_that_was_never_confirmed_what_the_broker_has(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1, "until_full"))
    outbox.repeat({"b-1": None})
    outbox.put(made(2, retain=True))
    assert len(outbox.next(10)) == 1  # sent, and the connection ends before its confirmation
    outbox.repeat({"b-2": None})
    assert [each.message.retain for each in outbox.next(10)] == [True]
    outbox.close()
    outbox = Outbox(path, 100)
    outbox.repeat({"b-2": None})
    assert [each.message.retain for each in outbox.next(10)] == [True]
    outbox.close()


def test_outbox_takes_the_first_sending_of_a_message_for_what_the_broker_has(path):
    outbox = Outbox(path, 100)
    outbox.repeat({})
    outbox.put(made(1, retain=True))
    outbox.next(10)
    send(outbox, made(2, "until_full"))  # confirms the first, too: sent again on another connection
    outbox.repeat({"b-1": None})
    assert again(outbox) == ["b-2"]
    outbox.close()


def test_outbox_learns_nothing_from_what_was_sent_before_the_broker_was_asked(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1, "until_full"))
    send(outbox, made(2, retain=True), verified=False)
    outbox.repeat({"b-2": None})
    assert again(outbox) == ["b-1"]
    outbox.close()


def test_outbox_learns_nothing_while_a_full_disk_keeps_it_from_repeating(path, monkeypatch):
    outbox = Outbox(path, 100)
    send(outbox, made(1, "until_full"))

    with monkeypatch.context() as disk:
        disk.setattr(outbox._file, "repeat", full)
        outbox.repeat({})
        outbox.put(made(2, retain=True))
        outbox.confirm([each.id for each in outbox.next(10)])
    outbox._forgetful = False  # the agent is killed and begins anew
    outbox.repeat({"b-2": None})
    assert again(outbox) == ["b-1"]
    outbox.close()


def test_outbox_takes_a_restated_message_for_no_news_of_the_broker(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1, retain=True), made(2, "until_full"), made(1, "restated", retain=True))
    outbox.repeat({"b-1": None})
    assert again(outbox) == ["b-2"]
    outbox.close()


@pytest.mark.parametrize("confirmed", [False, True])
def test_outbox_knows_after_a_restart_when_a_repeated_message_was_first_sent(path, confirmed):
    outbox = Outbox(path, 100)
    send(outbox, made(1, "until_full"), made(2, retain=True), made(3, retain=True), made(4, "until_full"))
    outbox.repeat({"b-2": None})
    assert again(outbox) == ["b-3", "b-4"]
    if confirmed:
        outbox.confirm([each.id for each in outbox.next(10)])
    outbox.close()
    outbox = Outbox(path, 100)
    outbox.repeat({"b-3": None})  # which was restated
    assert again(outbox) == (["b-4"] if confirmed else ["b-3", "b-4"])
    outbox.close()


def test_outbox_takes_an_unknown_message_for_what_was_confirmed_well_before_it(path, monkeypatch):
    outbox = Outbox(path, 100)
    for number, at_s in ((1, 100.0), (2, 200.0), (3, 300.0)):
        monkeypatch.setattr(outbox_sent.time, "time", lambda at_s=at_s: at_s)
        send(outbox, made(number, "until_full"))
    outbox.repeat({"of a run without a disk": 201.0 + outbox_sent.UNKNOWN_S, "without a time": None})
    assert again(outbox) == ["b-3"]
    outbox.close()


def test_outbox_repeats_the_last_seconds_where_the_broker_has_messages_of_the_future(path, monkeypatch):
    outbox = Outbox(path, 100)
    for number, at_s in ((1, 100.0), (2, 200.0)):
        monkeypatch.setattr(outbox_sent.time, "time", lambda at_s=at_s: at_s)
        send(outbox, made(number, "until_full"))
    outbox.repeat({"of a clock that was wrong": 1e12})
    assert again(outbox) == ["b-2"]
    outbox.close()


def test_outbox_repeats_alarms_before_newer_ones(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1), made(2, "until_full"))
    outbox.repeat({})
    outbox.put(made(3, retain=True))
    assert [event_id_of(each.message.payload) for each in outbox.next(10)] == ["b-1", "b-3", "b-2"]
    outbox.close()


def test_outbox_repeats_nothing_to_a_broker_that_remembers_all(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1), made(2, "until_full"), made(3, "latest", retain=True))
    outbox.repeat({"b-3": None})
    assert again(outbox) == []
    outbox.close()


def test_outbox_repeats_all_to_a_broker_that_remembers_nothing(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1), made(2, "latest", retain=True), made(3, expiry_s=300), made(4, "until_full"))
    outbox.repeat({})
    assert again(outbox) == ["b-1", "b-4"]  # states are restated, and nobody waits for an answer that expires
    outbox.close()


def test_outbox_repeats_a_message_so_often_at_most(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1))
    for _ in range(outbox_sent.MAX_REPEATS):
        outbox.repeat({})
        assert again(outbox) == ["b-1"]
        outbox.confirm([each.id for each in outbox.next(10)])
    outbox.repeat({})
    assert again(outbox) == []
    outbox.close()


def test_outbox_repeats_the_last_seconds_once_to_a_broker_that_does_not_tell(path, monkeypatch):
    outbox = Outbox(path, 100)
    send(outbox, made(1))
    later_s = time.time() + outbox_sent.UNKNOWN_S + 1
    monkeypatch.setattr(outbox_sent.time, "time", lambda: later_s)
    send(outbox, made(2))
    for expected in (["b-2"], []):
        outbox.repeat(None)
        assert again(outbox) == expected
        outbox.confirm([each.id for each in outbox.next(10)])
    outbox.close()


def test_outbox_repeats_nothing_old_and_keeps_a_bounded_number(path, monkeypatch):
    monkeypatch.setattr(outbox_sent, "MAX_SENT", 3)
    outbox = Outbox(path, 100)
    send(outbox, *(made(number) for number in range(6)))
    outbox.repeat({})
    assert again(outbox) == ["b-3", "b-4", "b-5"]
    outbox.confirm([each.id for each in outbox.next(10)])
    outbox.commit()
    later_s = time.time() + outbox_sent.KEPT_S + 1
    monkeypatch.setattr(outbox_sent.time, "time", lambda: later_s)
    outbox.repeat({})
    assert again(outbox) == []
    outbox.close()


def test_outbox_repeats_what_went_out_while_the_disk_was_full(path, monkeypatch):
    outbox = Outbox(path, 100)
    send(outbox, made(1))

    with monkeypatch.context() as disk:
        disk.setattr(outbox._file, "write", full)
        send(outbox, made(2), made(3, "until_full"))
        assert (outbox.depth, outbox.next(10)) == (0, [])
        outbox.repeat({})
        assert outbox.next(10) == []  # waits for the disk
    outbox.commit()
    assert again(outbox) == ["b-1", "b-2", "b-3"]
    outbox.close()


def test_outbox_restates_beside_alarms_that_it_repeats(path):
    outbox = Outbox(path, 100)
    send(outbox, made(1, retain=True))
    outbox.repeat({})
    outbox.restate(made(1, "restated", retain=True))
    assert [each.message.retain for each in outbox.next(10)] == [False, True]
    outbox.close()


def test_outbox_keeps_what_waits_in_the_file_of_the_layout_before(path):
    outbox = Outbox(path, 100)
    outbox.put(message("waits"))
    outbox.close()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE sent; CREATE TABLE sent (id INTEGER PRIMARY KEY, repeated INTEGER);"
            "ALTER TABLE message DROP COLUMN mark; PRAGMA user_version = 3"
        )
    outbox = Outbox(path, 100)
    assert (payloads(outbox), outbox.faults) == (["waits"], {})
    send(outbox, made(1))
    outbox.repeat({})
    assert "b-1" in {event_id_of(each.message.payload) for each in outbox.next(10)}
    outbox.close()


def test_outbox_tries_alarms_again_that_were_set_aside(path):
    outbox = Outbox(path, 100)
    outbox.put(message("alarm", "always"))
    (alarm,) = outbox.next(1)
    outbox.refuse(alarm.id, "hangs up", final=True)
    assert (outbox.aside, outbox.next(1)) == (1, [])
    outbox._file._aged_s = -1e9  # as ten minutes later
    outbox.put(message("hit"))
    outbox.commit()
    assert payloads(outbox) == ["alarm", "hit"]
    outbox.close()
