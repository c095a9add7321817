from datetime import timedelta

from watch_rig import NOW, ListFeed, box

from edge.control_room.board import Board
from edge.control_room.watch.attention import Attention


def views(*, at=NOW, **fields):
    feed, board = ListFeed(), Board()
    box(feed, "gate-1", **{"alarm": "raised"} | fields)
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    return board.views(at)


def test_new_alarms_are_returned_once():
    attention = Attention()
    assert [view.device for view in attention.new_alarms(views())] == ["gate-1"]
    assert attention.new_alarms(views(alarm="updated")) == []
    assert len(attention.new_alarms(views(detail={"id": "gate-1-2"}))) == 1
    assert attention.new_alarms(views(alarm="cleared")) == []
    assert len(attention.new_alarms(views())) == 1


def test_bell_rings_every_ten_seconds_until_acknowledged():
    attention = Attention()
    rung = []
    for second in range(25):
        attention.new_alarms(views())
        rung += [second] * attention.rings(views(), NOW + timedelta(seconds=second))
    assert rung == [0, 10, 20]
    taken = {"by": "Ann", "utc": NOW, "reason": "patrol sent"}
    assert not attention.rings(views(acknowledged=taken), NOW + timedelta(seconds=40))


def test_bell_rings_again_when_the_time_of_silence_is_over():
    until = NOW + timedelta(minutes=30)
    given = {"by": "Ann", "utc": NOW, "reason": None, "silenced_until_utc": until}
    before, after = (views(acknowledged=given, at=at) for at in (until - timedelta(seconds=1), until))
    attention = Attention()
    attention.new_alarms(before)
    attention.mute(before)
    assert not attention.rings(before, until - timedelta(seconds=1))
    assert attention.rings(after, until)
    attention.mute(after)
    assert not attention.rings(after, until + timedelta(seconds=20))


def test_bell_is_quiet_when_somebody_acknowledges_after_the_silence():
    ended = NOW - timedelta(minutes=1)
    given = {"by": "Ann", "utc": NOW, "reason": None, "silenced_until_utc": ended}
    assert not Attention().rings(views(acknowledged=given), NOW)


def test_bell_that_is_muted_rings_for_a_new_alarm():
    attention = Attention()
    attention.new_alarms(views())
    assert attention.mute(views()) == 1
    assert not attention.rings(views(), NOW)
    attention.new_alarms(views(detail={"id": "gate-1-2"}))
    assert attention.rings(views(detail={"id": "gate-1-2"}), NOW)


def test_bell_is_quiet_without_an_alarm():
    assert not Attention().rings(views(alarm="cleared", faults=("hot",)), NOW)


def test_old_alarms_are_new_to_a_session():
    assert [view.device for view in Attention().new_alarms(views(status="lost"))] == ["gate-1"]
