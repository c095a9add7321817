"""An acknowledgement goes to the alarm that was read, or says that it does not."""

from datetime import timedelta

import pytest
from watch_rig import NOW, Clock, ListFeed, box, detail, health, play, screen

from edge.telemetry.commands import Response
from edge.telemetry.messages import AlarmMessage

LATER = {"raised_utc": NOW}


def asked(*, wait_s=0.0, pressed=("a",)):
    """Return the dialog after a second, newer alarm has taken the first row."""
    feed, clock = ListFeed(), Clock()
    box(feed, "gate-1", place="North gate", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        box(feed, "yard-1", place="Scrap yard", alarm="raised", detail=LATER)
        app.look()
        clock.now += timedelta(seconds=wait_s)
        await pilot.press(*pressed)
        return await screen(app, pilot)

    return "\n".join(play(steps, feed=feed, clock=clock))


def test_dialog_names_the_place_and_says_that_it_moved():
    shown = asked()
    assert "Alarm of Scrap yard (yard-1), since 00:04:05" in shown
    assert "This is another alarm than the one you read (North gate)." in shown


@pytest.mark.parametrize("changes", [{"wait_s": 6.0}, {"pressed": ("down", "a")}])
def test_dialog_is_quiet_about_an_alarm_that_was_read(changes):
    shown = asked(**changes)
    assert "Alarm of " in shown
    assert "another alarm" not in shown


@pytest.mark.parametrize("pressed", [("a",), ("home", "a")])
def test_dialog_says_that_the_alarm_before_was_acknowledged_by_somebody_else(pressed):
    feed, clock = ListFeed(), Clock()
    box(feed, "gate-1", place="North gate", alarm="updated")
    stamp = box(feed, "yard-1", place="Scrap yard", alarm="updated", detail=LATER)

    async def steps(app, pilot):
        await screen(app, pilot)
        given = {"by": "Bo", "utc": NOW, "reason": None}
        fields = {"alarm": detail("yard-1", **LATER), "acknowledged": given}
        before = app._chosen.device
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", **fields))
        app.look()
        clock.now += timedelta(seconds=3)
        await pilot.press(*pressed)
        return before, await screen(app, pilot)

    before, lines = play(steps, feed=feed, clock=clock)
    assert before == "yard-1"
    assert any("Alarm of North gate (gate-1)" in line for line in lines)
    assert any("This is another alarm than the one you read (Scrap yard)." in line for line in lines)


def test_refusing_dialog_says_that_another_box_rings():
    feed = ListFeed()
    stamp = box(feed, "gate-1", place="North gate", faults=("hot",))

    async def steps(app, pilot):
        await pilot.pause()
        await pilot.press("a")
        quiet = await screen(app, pilot)
        box(feed, "yard-1", alarm="raised", detail=LATER)
        rings = await screen(app, pilot)
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="raised", alarm=detail("gate-1")))
        return quiet, rings, await screen(app, pilot)

    quiet, rings, own = ("\n".join(lines) for lines in play(steps, feed=feed))
    assert "no alarm stands at this box." in quiet
    assert "then Home" not in quiet
    assert "yard-1 rings: Esc, then Home" in rings
    assert "yard-1, gate-1 ring: Esc, then Home" in own


def test_dialog_of_an_overload_names_only_other_boxes_that_ring():
    feed = ListFeed()
    feed.add("health", health(box(feed, "gate-1"), overload="every frame is full of hits"))

    async def steps(app, pilot):
        await pilot.pause()
        await pilot.press("a")
        alone = await screen(app, pilot)
        feed.add("health", health(box(feed, "yard-1"), overload="every frame is full of hits"))
        return alone, await screen(app, pilot)

    alone, both = ("\n".join(lines) for lines in play(steps, feed=feed))
    assert "Esc, then m stops the bell here" in alone
    assert "then Home" not in alone
    assert "yard-1 rings: Esc, then Home" in both


def test_details_of_another_state_are_shown_from_the_top():
    feed = ListFeed()
    stamp = box(feed, "gate-1", alarm="updated")

    async def steps(app, pilot):
        await screen(app, pilot)
        await pilot.press("tab", "end")
        await screen(app, pilot)
        scrolled = app._details.scroll_offset.y
        await screen(app, pilot)
        kept = app._details.scroll_offset.y
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("gate-1")))
        await screen(app, pilot)
        return scrolled, kept, app._details.scroll_offset.y

    scrolled, kept, changed = play(steps, feed=feed, size=(60, 12))
    assert scrolled > 0
    assert kept == scrolled
    assert changed == 0


def test_details_stay_while_the_dialog_is_open():
    feed = ListFeed()
    box(feed, "gate-1", place="North gate", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        await pilot.press("a")
        box(feed, "yard-1", place="Scrap yard", alarm="raised", detail=LATER)
        behind = await screen(app, pilot)
        await pilot.press("escape")
        return behind, await screen(app, pilot)

    behind, after = play(steps, size=(140, 40), feed=feed)
    assert next(line for line in behind if line.startswith("▶")).split()[1] == "gate-1"
    assert any(line.startswith(" ALARM  docks/gate-1") for line in behind)
    assert any(line.startswith(" ALARM  docks/yard-1") for line in after)


@pytest.mark.parametrize(
    ("state", "alarm", "expected"),
    [
        ("cleared", "gate-1-1", "Not needed: the alarm of docks/gate-1, North gate is already over; see h."),
        ("raised", "gate-1-2", "Not acknowledged: docks/gate-1, North gate has another alarm by now."),
    ],
)
def test_answer_says_what_has_become_of_the_alarm(state, alarm, expected):
    feed, said = ListFeed(), []
    stamp = box(feed, "gate-1", place="North gate", alarm="updated")

    async def steps(app, pilot):
        await pilot.pause()
        app._by = "Ann"
        app.say = lambda text, **_: said.append(text)
        await pilot.press("a", "enter", "x", "enter", "enter")
        ((_, command),) = feed.sent
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state=state, alarm=detail("gate-1", id=alarm)))
        wrong = "no alarm stands"
        feed.answers.append(stamp.make(Response, NOW, transaction_id=command.transaction_id, ok=False, error=wrong))
        await screen(app, pilot)

    play(steps, feed=feed)
    assert said[-1].startswith(expected)
