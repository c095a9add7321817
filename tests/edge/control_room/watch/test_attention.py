from datetime import timedelta

from watch_rig import NOW, ListFeed, box, play, screen

from edge.control_room.board import Board
from edge.control_room.watch.attention import Attention
from edge.control_room.watch.bell import Bell


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
    assert [view.device for view in attention.mute(views())] == ["gate-1"]
    assert not attention.rings(views(), NOW)
    attention.new_alarms(views(detail={"id": "gate-1-2"}))
    assert attention.rings(views(detail={"id": "gate-1-2"}), NOW)


def test_bell_that_is_muted_rings_when_a_changed_background_grows_again():
    attention = Attention()
    changed, grown = views(alarm="changed"), views(alarm="updated")
    attention.new_alarms(changed)
    attention.mute(changed)
    assert not attention.rings(changed, NOW)
    assert attention.new_alarms(grown) == []
    assert attention.rings(grown, NOW + timedelta(seconds=1))
    attention.mute(grown)
    assert not attention.rings(grown, NOW + timedelta(seconds=20))


def test_mute_counts_what_rings_only():
    feed, bell = ListFeed(), Bell(None)
    box(feed, "gate-1", alarm="raised")
    box(feed, "gate-2", alarm="raised", acknowledged={"by": "Ann", "utc": NOW, "reason": None})
    board = Board()
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    two = board.views(NOW)
    assert bell.look(two, NOW, lost=False)
    assert bell.mute(two) == "The bell is off here for gate-1. What is new rings again."
    assert [view.device for view in two if bell.is_off(view)] == ["gate-1"]
    assert bell.off_for(two) == "1 alarm"
    assert bell.mute(two) == "Nothing else rings: the bell is off here already for 1 alarm."
    assert not bell.look(two, NOW + timedelta(seconds=20), lost=False)
    assert bell.look(two, NOW + timedelta(seconds=21), lost=True)
    assert bell.mute(two).startswith("The bell is off here for the lost connection.")
    assert bell.off_for(two) == "1 alarm and the lost connection"


def test_mute_names_the_boxes_that_fit_and_counts_the_rest():
    feed, bell, board = ListFeed(), Bell(None), Board()
    for number in range(10, 30):
        box(feed, f"box-{number}", alarm="raised")
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    seen = board.views(NOW)
    names = ", ".join(view.device for view in seen[:7])
    assert bell.mute(seen) == f"The bell is off here for {names} and 13 more. What is new rings again."


def test_mute_says_that_nothing_rings():
    assert Bell(None).mute(views(alarm="cleared")).startswith("Nothing rings now")


def test_view_marks_an_alarm_whose_bell_is_off_here_as_long_as_it_is():
    feed = ListFeed()
    box(feed, "gate-1", alarm="raised")

    async def steps(app, pilot):
        await pilot.press("m", "escape")
        off = await screen(app, pilot)
        box(feed, "quay-1", alarm="raised")
        return off, await screen(app, pilot)

    off, new = play(steps, feed=feed)
    assert next(line for line in off if line.startswith("▶")).startswith("▶mALARM")
    assert any("m The bell is off for it on this screen; what is new rings again." in line for line in off)
    assert "bell off here for 1 alarm" in off[-1]
    assert any(line[1:].startswith("!ALARM      quay-1") for line in new)
    assert any(line[1:].startswith("mALARM      gate-1") for line in new)
    assert "bell off here for 1 alarm" in new[-1]


def test_bell_is_quiet_without_an_alarm():
    assert not Attention().rings(views(alarm="cleared", faults=("hot",)), NOW)


def test_old_alarms_are_new_to_a_session():
    assert [view.device for view in Attention().new_alarms(views(status="lost"))] == ["gate-1"]
