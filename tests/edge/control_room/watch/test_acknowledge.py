"""Acknowledgements in the view: the answers of the boxes, what is said of them, and who is named later."""

from datetime import timedelta

import pytest
from watch_rig import NOW, Clock, ListFeed, box, detail, keys, play, screen, site

from edge.telemetry.commands import Response
from edge.telemetry.messages import AlarmMessage


def test_view_acknowledges_an_alarm_and_shows_the_answer():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        app._by = "Ann"
        await pilot.press("a", "enter")
        refused = await screen(app, pilot)
        await pilot.press(*"patrol", "enter", "enter")
        ((topic, command),) = feed.sent
        answer = stamp.make(Response, NOW, transaction_id=command.transaction_id, ok=True, error=None)
        feed.answers.append(answer)
        app.look()
        await pilot.pause()
        return refused, topic, command, await screen(app, pilot)

    refused, topic, command, lines = play(steps, size=(140, 40), feed=feed)
    assert any("Write what you do about it." in line for line in refused)
    assert str(topic) == "gammabox/docks/gate-1/cmd/acknowledge"
    assert (command.by, command.reason, command.arguments) == ("Ann", "patrol", {"alarm_id": "gate-1-1"})
    assert any("Acknowledged: the alarm of docks/gate-1." in line for line in lines)
    assert not any("Asking" in line for line in lines)


def test_view_silences_for_minutes():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        app._by = "Ann"
        await pilot.press("a", "x", "enter", "3", "0", "enter")

    play(steps, feed=feed)
    ((topic, command),) = feed.sent
    assert (topic.verb, command.arguments) == ("silence", {"alarm_id": "gate-1-1", "minutes": 30.0})


def test_view_sends_nothing_while_the_connection_is_lost():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        feed.connected = False
        app._by = "Ann"
        app.look()
        await pilot.press("a", "x", "enter", "enter")
        return await screen(app, pilot)

    lines = play(steps, feed=feed)
    assert not feed.sent
    assert any("Not sent" in line for line in lines)


def test_view_says_that_no_answer_came():
    feed, clock = ListFeed(), Clock()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        app._by = "Ann"
        await pilot.press("a", "x", "enter", "enter")
        clock.now += timedelta(seconds=11)
        app.look()
        return await screen(app, pilot)

    assert any("has not answered" in line for line in play(steps, feed=feed, clock=clock))


def asked(app, feed, stamp):
    """Have Ann acknowledge the alarm, and let the box be late; return what answers her."""
    app._by = "Ann"

    def answer(**fields):
        return stamp.make(Response, NOW, transaction_id=feed.sent[-1][1].transaction_id, **fields)

    return answer


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ok": True, "error": None}, "Late answer: Acknowledged: the alarm of docks/gate-1. Everybody sees it."),
        ({"ok": False, "error": "too old"}, "Late answer: Not acknowledged: docks/gate-1 refuses: too old"),
    ],
    ids=["done", "refused"],
)
def test_view_replaces_a_missing_answer_by_a_late_one(fields, expected):
    feed, clock = ListFeed(), Clock()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        answer = asked(app, feed, stamp)
        await pilot.press("a", "x", "enter", "enter")
        clock.now += timedelta(seconds=11)
        missing = await screen(app, pilot)
        feed.answers.append(answer(**fields))
        return missing, await screen(app, pilot)

    missing, late = play(steps, size=(140, 40), feed=feed, clock=clock)
    assert any("has not answered" in line for line in missing)
    assert not any("has not answered" in line for line in late)
    assert any(expected in line for line in late)


def test_view_replaces_a_missing_answer_when_the_alarm_is_acknowledged():
    feed, clock = ListFeed(), Clock()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        asked(app, feed, stamp)
        await pilot.press("a", "x", "enter", "enter")
        clock.now += timedelta(seconds=11)
        await screen(app, pilot)
        given = {"by": "Bo", "utc": NOW, "reason": None}
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", alarm=detail("gate-1"), acknowledged=given))
        return await screen(app, pilot)

    lines = play(steps, size=(140, 40), feed=feed, clock=clock)
    assert not any("has not answered" in line for line in lines)
    assert any("The alarm of docks/gate-1 is acknowledged by now, by Bo." in line for line in lines)


def test_view_messages_cover_nothing_and_go_with_escape():
    feed, clock = ListFeed(), Clock()
    site(feed)

    async def steps(app, pilot):
        await pilot.pause()
        before = await screen(app, pilot)
        app.say("docks/gate-1, North gate, lane 1 has not answered: its alarm is not acknowledged.", wrong=True)
        shown = await screen(app, pilot)
        await pilot.press("escape")
        return before, shown, await screen(app, pilot)

    before, shown, after = play(steps, feed=feed, clock=clock)
    top = next(number for number, line in enumerate(before) if line.startswith("──"))
    details = before[top:-1]
    moved = next(number for number, line in enumerate(shown) if line.startswith("──"))
    assert shown[moved : moved + len(details)] == details
    assert shown[moved + len(details)].startswith(" docks/gate-1, North gate, lane 1 has not answered")
    assert after == before


def test_history_says_that_the_end_of_an_old_alarm_is_not_known():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated", status="lost")
    lines = play(keys("h"), size=(140, 40), feed=feed)
    assert next(line for line in lines if line.startswith("▶")).startswith("▶!not known")
    assert any("ALARM, not known whether it is still on" in line for line in lines)


def test_history_and_details_name_all_who_acknowledged_an_alarm():
    feed = ListFeed()
    earlier = ({"by": "Bo", "utc": NOW, "reason": "patrol 2 is out"},)
    given = {"by": "Ann", "utc": NOW, "reason": "on my way", "earlier": earlier}
    box(feed, "gate-1", alarm="updated", acknowledged=given)
    lines = play(keys("h"), size=(140, 40), feed=feed)
    assert next(line for line in lines if line.startswith("▶")).rstrip().endswith("Ann, Bo")
    text = " ".join(" ".join(lines).split())
    assert "Before: by Bo at 2026-01-03 00:04:05 CET (2026-01-02 23:04:05 UTC): patrol 2 is out." in text


def test_view_marks_an_alarm_that_rings_again_and_says_why():
    feed, clock, rung = ListFeed(), Clock(), []
    given = {"by": "Bo", "utc": NOW, "reason": "patrol sent", "silenced_until_utc": NOW + timedelta(minutes=5)}
    box(feed, "gate-1", alarm="updated", acknowledged=given)

    async def steps(app, pilot):
        app.bell = lambda: rung.append(1)
        await pilot.pause()
        silent = await screen(app, pilot)
        assert not rung
        clock.now += timedelta(minutes=5)
        return silent, await screen(app, pilot)

    silent, again = play(steps, feed=feed, clock=clock, bell=True)
    assert next(line for line in silent if line.startswith("▶")).startswith("▶✓ALARM")
    assert next(line for line in again if line.startswith("▶")).startswith("▶♪")
    assert any("The time without sound is over: the bell rings again." in line for line in again)
    assert rung


def test_history_of_a_new_view_names_who_acknowledged_past_alarms():
    feed = ListFeed()
    given = {"by": "Ann", "utc": NOW, "reason": "patrol sent"}
    begun = NOW - timedelta(minutes=9)
    past = {"id": "gate-1-0", "raised_utc": begun, "ended_utc": begun, "maximum_hz": 3.0, "hits": 9}
    stamp = box(feed, "gate-1")
    fields = {"alarm": detail("gate-1"), "acknowledged": given | {"by": "Bo"}}
    others = ({**past, "lower_limit": False, "acknowledged": given},)
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", past=others, **fields))
    lines = play(keys("h"), size=(140, 40), feed=feed)
    assert [line.split()[-1] for line in lines if "✓over" in line] == ["Bo", "Ann"]


def test_view_counts_missed_alarms_until_they_are_looked_up():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="raised")

    async def steps(app, pilot):
        await pilot.pause()
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("gate-1")))
        counted = await screen(app, pilot)
        await pilot.press("h")
        listed = await screen(app, pilot)
        drawn = app._line(0, 80)
        await pilot.press("h")
        seen = await screen(app, pilot)
        box(feed, "quay-1", alarm="raised", acknowledged={"by": "Ann", "utc": NOW, "reason": None})
        await screen(app, pilot)
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("gate-1", id="gate-1-2")))
        return counted, listed, drawn, seen, await screen(app, pilot)

    counted, listed, drawn, seen, again = play(steps, feed=feed)
    assert "h alarms 1 missed" in counted[-1]
    assert "missed" not in listed[-1]
    assert any(span.style == "reverse" for span in drawn.spans)
    assert "missed" not in seen[-1]
    assert "h alarms 1 missed" in again[-1]


def test_view_tells_missed_alarms_of_two_boxes_with_one_id_apart():
    feed = ListFeed()
    for name in ("gate-1", "gate-2"):
        stamp = box(feed, name, alarm="raised", detail={"id": "alarm-1"})
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail(name, id="alarm-1")))

    async def steps(app, pilot):
        counted = await screen(app, pilot)
        await pilot.press("h", "down")
        return counted, await screen(app, pilot)

    counted, listed = play(steps, feed=feed)
    assert "h alarms 2 missed" in counted[-1]
    assert [line[0] for line in listed if " over " in line][:2] == [" ", "▶"]
