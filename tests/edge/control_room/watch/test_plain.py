from datetime import timedelta

from watch_rig import NOW, ListFeed, box, detail, health

from edge.control_room.arrivals import Removed
from edge.control_room.board import Board
from edge.control_room.watch.plain import Reporter
from edge.telemetry.messages import AlarmMessage
from edge.telemetry.topics import Topic


def said(reporter, board, feed, seconds=0):
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    feed.arrivals = []
    return list(reporter.lines(board, NOW + timedelta(seconds=seconds)))


def test_reporter_says_each_thing_once():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    stamp = box(feed, "gate-1", place="North gate")
    assert said(reporter, board, feed) == []
    feed.add("health", health(stamp, faults=("no frame for 12 s",)))
    assert said(reporter, board, feed) == ["2026-01-02T23:04:05Z docks/gate-1 FAULT (North gate); no frame for 12 s"]
    feed.add("health", health(stamp, faults=("no frame for 22 s",)))
    assert said(reporter, board, feed) == []
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="raised", alarm=detail("gate-1")))
    (line,) = said(reporter, board, feed)
    assert "docks/gate-1 ALARM (North gate): 5.25 hits/s, most 7.00 hits/s, 6.5 sigma; no frame for 22 s" in line
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", alarm=detail("gate-1", maximum_hz=9.0)))
    assert said(reporter, board, feed) == []
    taken = {"by": "Ann", "utc": NOW, "reason": "patrol sent"}
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", alarm=detail("gate-1"), acknowledged=taken))
    assert "acknowledged by Ann: patrol sent" in said(reporter, board, feed)[0]
    feed.add("health", health(stamp))
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=None))
    assert said(reporter, board, feed) == ["2026-01-02T23:04:05Z docks/gate-1 calm (North gate)"]


def test_reporter_says_when_a_box_falls_silent():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    box(feed, "gate-1")
    assert said(reporter, board, feed) == []
    assert "gate-1 SILENT; has an open connection, but sends nothing" in said(reporter, board, feed, seconds=61)[0]


def test_reporter_tells_late_of_an_alarm_that_nobody_heard():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    stamp = box(feed, "gate-1", place="North gate")
    assert said(reporter, board, feed) == []
    for state in ("raised", "cleared"):
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state=state, alarm=detail("gate-1"), historical=True))
    (line,) = said(reporter, board, feed)
    assert line.startswith("2026-01-02T23:04:05Z docks/gate-1 PAST ALARM (North gate): most 7.00 hits/s; told late; ")
    assert line.endswith("raised 2026-01-02T23:02:50Z, ended: 2026-01-02T23:04:05Z")
    assert said(reporter, board, feed) == []


def test_reporter_is_quiet_about_alarms_before_its_session():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    stamp = box(feed, "gate-1")
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("gate-1")))
    assert said(reporter, board, feed) == []


def test_reporter_says_that_a_box_was_removed():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    box(feed, "gate-1", status="stopped")
    assert "STOPPED" in said(reporter, board, feed)[0]
    feed.arrivals = [(NOW, Removed(Topic("docks", "gate-1", kind))) for kind in ("status", "info", "health", "alarm")]
    assert "docks/gate-1 removed" in said(reporter, board, feed)[0]


def test_reporter_is_quiet_about_past_alarms_that_it_hears_of_late():
    reporter, board, feed = Reporter(), Board(), ListFeed()
    assert said(reporter, board, feed) == []
    past = {"raised_utc": NOW - timedelta(hours=2), "maximum_hz": 3.0, "hits": 9, "lower_limit": False}
    ended = {"a": NOW - timedelta(hours=1), "b": NOW + timedelta(seconds=1)}
    others = tuple({"id": name, "ended_utc": utc, **past} for name, utc in ended.items())
    stamp = box(feed, "gate-1")
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=None, past=others))
    (line,) = said(reporter, board, feed)
    assert "PAST ALARM" in line
    assert line.endswith("ended: 2026-01-02T23:04:06Z")
