"""Overloads and boxes that fall away: the screen rings, and keeps a trace."""

import json
import shlex
import sys
from datetime import timedelta

import pytest
from watch_rig import NOW, Clock, ListFeed, box, health, play, screen

from edge.control_room.board import Board
from edge.control_room.watch.alarm_command import AlarmCommand
from edge.control_room.watch.attention import Attention
from edge.control_room.watch.outage import Absence, Outage, many_away

MUCH = "every frame is full of hits"


def views(*boxes):
    """Return the boxes as they are seen; each is a name and its fields."""
    feed, board = ListFeed(), Board()
    for name, fields in boxes:
        stamp = box(feed, name, **{key: value for key, value in fields.items() if key != "overload"})
        if "overload" in fields:
            feed.add("health", health(stamp, overload=MUCH))
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    return board.views(NOW)


def test_overload_rings_until_muted_and_again_when_new():
    attention, calm, much = Attention(), views(("gate-1", {})), views(("gate-1", {"overload": True}))
    rung = [second for second in range(15) if attention.rings(much, NOW + timedelta(seconds=second))]
    assert rung == [0, 10]
    assert [view.device for view in attention.mute(much)] == ["gate-1"]
    assert not attention.rings(much, NOW + timedelta(seconds=30))
    assert not attention.rings(calm, NOW + timedelta(seconds=31))
    assert attention.rings(much, NOW + timedelta(seconds=32))


def test_muted_alarm_rings_when_its_box_falls_away():
    attention = Attention()
    alarm, old = views(("gate-1", {"alarm": "raised"})), views(("gate-1", {"alarm": "raised", "status": "lost"}))
    attention.new_alarms(alarm)
    attention.mute(alarm)
    assert not attention.rings(alarm, NOW)
    attention.new_alarms(old)
    assert attention.rings(old, NOW)


@pytest.mark.parametrize(("lost", "calm", "expected"), [(2, 1, 0), (3, 2, 3), (3, 3, 0), (4, 0, 4)])
def test_many_boxes_are_more_than_half_and_three(lost, calm, expected):
    site = [(f"l-{number}", {"status": "lost"}) for number in range(lost)]
    assert many_away(views(*site, *((f"c-{number}", {}) for number in range(calm)))) == expected


def test_stopped_boxes_have_not_fallen_away():
    assert many_away(views(*((f"s-{number}", {"status": "stopped"}) for number in range(4)))) == 0


def rung(outage, *, seen=(), seconds=range(100), lost=False):
    """Return when the bell of an outage rings."""
    return [second for second in seconds if outage.look(seen, NOW + timedelta(seconds=second), lost=lost)]


def test_broker_is_back_when_it_has_told_what_it_keeps():
    absence, since = Absence(), []
    connected = {0: True, 10: False, 20: True, 21: False, 30: True, 31: True, 32: True, 33: True}
    for second, is_connected in connected.items():
        absence.look(NOW + timedelta(seconds=second), connected=is_connected)
        since.append(absence.since)
    lost = NOW + timedelta(seconds=10)
    assert since == [None, lost, lost, lost, lost, lost, None, None]


def test_many_boxes_that_fall_away_ring_every_thirty_seconds_until_muted():
    outage, gone = Outage(), views(*((f"l-{number}", {"status": "lost"}) for number in range(4)))
    assert rung(outage, seen=gone) == [0, 30, 60, 90]
    outage.muted = True
    assert rung(outage, seen=gone, seconds=range(100, 200)) == []


def test_lost_connection_rings_again_and_its_return_does_not_count_boxes_that_report_soon():
    outage, gone = Outage(), views(*((f"l-{number}", {"status": "lost"}) for number in range(4)))
    assert rung(outage, lost=True) == [0, 30, 60, 90]
    assert rung(outage, seen=gone, seconds=range(100, 140)) == [115]


def test_muted_outage_rings_when_it_becomes_another_one():
    outage, gone = Outage(), views(*((f"l-{number}", {"status": "lost"}) for number in range(4)))
    rung(outage, seen=gone, seconds=range(1))
    outage.muted = True
    assert rung(outage, seen=gone, seconds=range(1, 5), lost=True) == [1]


def test_view_says_in_red_that_boxes_have_fallen_away():
    feed = ListFeed()
    for number in range(3):
        box(feed, f"l-{number}", status="lost")

    async def steps(app, pilot):
        return await screen(app, pilot), app._banner.has_class("lost")

    lines, red = play(steps, feed=feed)
    assert lines[0] == " 3 boxes fell away: call the technician, send patrols. It is 00:04:05"
    assert red


def test_view_keeps_an_overload_in_the_list_of_alarms():
    feed, clock = ListFeed(), Clock()
    stamp = box(feed, "gate-1", place="North gate")
    feed.add("health", health(stamp, overload=MUCH, rate_hz=0.0))

    async def steps(app, pilot):
        boxes = await screen(app, pilot)
        await pilot.press("h")
        standing = await screen(app, pilot)
        feed.add("health", health(stamp))
        clock.now += timedelta(seconds=5)
        return boxes, standing, await screen(app, pilot)

    boxes, standing, over = play(steps, feed=feed, clock=clock)
    (line,) = (line for line in boxes if line.startswith("▶"))
    assert line.startswith("▶!OVERLOAD")
    assert any("It cannot be acknowledged; m stops the bell here." in line for line in boxes)
    assert "0.00" not in line
    assert any(line.startswith("▶!OVERLOAD     03 Jan 00:04:05 gate-1") for line in standing)
    assert any(line.startswith("▶ was overload 03 Jan 00:04:05 gate-1") for line in over)


def test_view_says_that_an_overload_cannot_be_acknowledged_and_takes_no_typing():
    feed = ListFeed()
    feed.add("health", health(box(feed, "gate-1", place="North gate"), overload=MUCH))

    async def steps(app, pilot):
        await pilot.press("a", *"Ann", "enter", *"men sent", "enter")
        told = await screen(app, pilot)
        await pilot.press("escape")
        return told, await screen(app, pilot)

    told, after = play(steps, feed=feed)
    assert any("OVERLOAD of North gate (gate-1): it cannot be acknowledged" in line for line in told)
    assert any("Esc: close" in line for line in told)
    assert any(line.startswith("▶!OVERLOAD") for line in after)  # the m of "men" has muted nothing


def test_overload_is_announced_as_an_alarm_is_and_again_when_new():
    attention, calm, much = Attention(), views(("gate-1", {})), views(("gate-1", {"overload": True}))
    announced = [attention.new_alarms(seen) for seen in (much, much, calm, much)]
    assert [len(found) for found in announced] == [1, 0, 0, 1]


def test_overload_that_becomes_an_alarm_is_announced_again():
    attention = Attention()
    found = attention.new_alarms(views(("gate-1", {"overload": True})))
    found += attention.new_alarms(views(("gate-1", {"overload": True, "alarm": "raised"})))
    assert [view.word for view in found] == ["OVERLOAD", "ALARM"]


def test_command_is_told_of_an_overload(tmp_path):
    (view,) = views(("gate-1", {"overload": True, "place": "North gate"}))
    program = "import os, sys; open(sys.argv[1], 'w').write(os.environ['GAMMABOX_STATE'] + '\\n' + sys.stdin.read())"
    command = AlarmCommand(shlex.join([sys.executable, "-c", program, str(tmp_path / "out")]))
    command.start(view)
    command.wait(20)
    state, facts = (tmp_path / "out").read_text().splitlines()
    assert (state, command.problems()) == ("OVERLOAD", [])
    told = json.loads(facts)
    assert (told["id"], told["place"], told["maximum_hz"]) == ("", "North gate", None)
    assert any(MUCH in reason for reason in told["reasons"])


def test_command_that_fails_for_an_overload_names_the_box():
    (view,) = views(("gate-1", {"overload": True}))
    command = AlarmCommand("false")
    command.start(view)
    command.wait(20)
    assert command.problems() == ["the command for OVERLOAD of docks/gate-1 ended with code 1"]
