"""The dialog of an acknowledgement: its fields, and what it says when others or the box were faster."""

from textual import events
from watch_rig import NOW, ListFeed, box, detail, keys, play, screen

from edge.telemetry.messages import AlarmMessage, Status

SILENCED = {"alarm_id": "gate-1-1", "minutes": 5.0}


def test_dialog_keeps_fields_apart_when_keys_come_faster_than_it_draws():
    feed = ListFeed()
    box(feed, "gate-1", alarm="raised")

    async def steps(app, pilot):
        await pilot.pause()
        await pilot.press("a")
        await pilot.pause()
        # As a terminal does: all keys at once, before anything is handled.
        for key in [*"Ann", "enter", *"sent", "enter", "5", "enter"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await screen(app, pilot)
        return [command for _, command in feed.sent]

    (command,) = play(steps, feed=feed)
    assert (command.by, command.reason, command.arguments) == ("Ann", "sent", SILENCED)


def test_dialog_says_who_has_acknowledged_already():
    feed = ListFeed()
    given = {"by": "Bo", "utc": NOW, "reason": "patrol sent"}
    box(feed, "gate-1", alarm="updated", acknowledged=given)
    text = " ".join(line.strip(" ┃│▶") for line in play(keys("a"), feed=feed))
    assert "Acknowledged by Bo at 2026-01-03 00:04:05 CET (2026-01-02 23:04:05 UTC): patrol sent." in text
    assert "What you write is added to it; Esc leaves it." in text


def inside(lines):
    """Return the text of a dialog."""
    return " ".join(" ".join(line.split("┃")[1].strip() for line in lines if line.count("┃") == 2).split())


def test_dialog_says_at_once_that_somebody_was_faster_and_asks_before_it_sends():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        app._by = "Ann"
        await pilot.press("a", *"on my way")
        before = await screen(app, pilot)
        given = {"by": "Bo", "utc": NOW, "reason": "patrol 2 is out"}
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", alarm=detail("gate-1"), acknowledged=given))
        told = await screen(app, pilot)
        await pilot.press("enter", "enter")
        asked_again = await screen(app, pilot)
        unsent = list(feed.sent)
        await pilot.press("enter")
        await screen(app, pilot)
        return before, told, asked_again, unsent

    before, told, asked_again, unsent = play(steps, feed=feed)
    assert "Bo" not in inside(before)
    assert "Bo has acknowledged it meanwhile, at 00:04:05: patrol 2 is out. What you write is added" in inside(told)
    assert "Somebody was faster. Enter again: add yours · Esc: leave it so" in inside(asked_again)
    assert not unsent
    assert [(command.by, command.reason) for _, command in feed.sent] == [("Ann", "on my way")]


def test_dialog_of_an_alarm_that_is_over_sends_nothing_and_shows_the_box_as_it_is():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        app._by = "Ann"
        await pilot.press("a", "x")
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("gate-1")))
        over = await screen(app, pilot)
        await pilot.press("enter", "enter")
        refused = await screen(app, pilot)
        await pilot.press("escape")
        return over, refused

    over, refused = play(steps, size=(100, 50), feed=feed)
    assert "This alarm is over: there is nothing to acknowledge (see h)." in inside(over)
    assert "stays in the list" not in inside(over)
    assert any(line.startswith(" calm  docks/gate-1") for line in over)
    assert "Not sent: see above." in inside(refused)
    assert not feed.sent


def test_dialog_waits_while_its_box_is_away():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        app._by = "Ann"
        await pilot.press("a", "x")
        feed.add("status", stamp.make(Status, NOW, state="offline", reason="lost"))
        away = await screen(app, pilot)
        await pilot.press("enter", "enter")
        unsent = list(feed.sent)
        feed.add("status", stamp.make(Status, NOW, state="online", reason="connected"))
        await screen(app, pilot)
        await pilot.press("enter")
        await screen(app, pilot)
        return away, unsent

    away, unsent = play(steps, feed=feed)
    assert "The box is away: it cannot take an acknowledgement. Esc, then m stops the bell here." in inside(away)
    assert not unsent
    assert len(feed.sent) == 1


def test_dialog_begins_with_the_reason_where_it_knows_the_name_and_asks_a_short_name_again():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.press("a", "m", "enter")
        short = await screen(app, pilot)
        await pilot.press(*"mona", "enter", "x", "enter", "enter")
        await screen(app, pilot)
        await pilot.press("a", *"patrol sent", "enter", "enter")
        await screen(app, pilot)
        return short

    short = play(steps, feed=feed)
    assert "“m” is too short for a name: write who you are." in inside(short)
    assert [(command.by, command.reason) for _, command in feed.sent] == [("mona", "x"), ("mona", "patrol sent")]


def test_dialog_stays_in_a_field_that_is_wrong_and_marks_it():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await pilot.press("a")
        seen = []
        for _ in range(3):
            await pilot.press("enter")
            seen.append((app.focused.id, await screen(app, pilot)))
        for key in [*"Meyer", "enter", "enter", *"sent", "enter", "0", "enter"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        seen.append((app.screen.focused.id, await screen(app, pilot)))
        unsent = list(feed.sent)
        await pilot.press("5", "enter")
        await screen(app, pilot)
        return seen, unsent

    (*empty, last), unsent = play(steps, feed=feed)
    for field, lines in empty:
        assert field == "by"
        assert "Write who you are." in inside(lines)
        assert any("▶ Who you are" in line for line in lines)
        assert not any("▶ What you do" in line for line in lines)
    assert "Write minutes as a number" in inside(last[1])
    assert any("▶ Minutes" in line for line in last[1])
    assert not unsent
    ((_, command),) = feed.sent
    assert (command.by, command.reason, command.arguments) == ("Meyer", "sent", SILENCED)


def test_view_lets_another_guard_write_the_name():
    feed = ListFeed()
    box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        app._by = "Ann"
        await pilot.press("a", "shift+tab", *"Bo", "enter", "x", "enter", "enter")

    play(steps, feed=feed)
    ((_, command),) = feed.sent
    assert command.by == "Bo"


def test_view_says_of_a_lost_box_that_its_old_alarm_waits():
    feed = ListFeed()
    box(feed, "gate-1", place="North gate", alarm="updated", status="lost")

    async def steps(app, pilot):
        seen = await screen(app, pilot)
        await pilot.press("a")
        return seen, inside(await screen(app, pilot))

    lines, told = play(steps, feed=feed)
    said = " ".join(" ".join(lines).split())
    assert "Not acknowledged: the box is away and cannot take it. m stops the bell here; press a when it is" in said
    assert "Alarm of North gate (gate-1): it cannot be acknowledged now" in told
    assert "The box is away: it cannot take an acknowledgement." in told
    assert "Esc, then m stops the bell here. Press a again when the box is back." in told
