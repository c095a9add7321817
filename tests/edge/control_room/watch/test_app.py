"""The view, driven by keys and seen as text. The screens were looked at; GAMMABOX_SCREENS=1 writes them anew."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from textual import events
from watch_rig import NOW, Clock, ListFeed, box, detail, health, keys, play, screen, site

from edge.control_room.watch import app as watch
from edge.control_room.watch.app import WatchApp
from edge.control_room.watch.rows import row
from edge.telemetry.messages import AlarmMessage

SCREENS = Path(__file__).parent / "screens"


def same_as_kept(name, lines):
    path = SCREENS / f"{name}.txt"
    if "GAMMABOX_SCREENS" in os.environ:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
@pytest.mark.parametrize(
    ("name", "pressed"), [("boxes", ()), ("fault", ("down",)), ("alarms", ("h",)), ("help", ("question_mark",))]
)
def test_screen_is_the_one_that_was_looked_at(name, pressed, size):
    feed = ListFeed()
    site(feed)
    lines = play(keys(*pressed), size=size, feed=feed)
    assert (max(map(len, lines)), len(lines)) <= size
    assert same_as_kept(f"{name}-{size[0]}x{size[1]}", lines)


@pytest.mark.parametrize("opened", ["question_mark", "q"])
def test_dialog_closes_once_when_keys_come_faster_than_it_goes(opened):
    feed = ListFeed()
    site(feed)

    async def steps(app, pilot):
        await pilot.press(opened)
        dialog = app.screen
        for key in ("escape", "down"):
            dialog.on_key(events.Key(key, None))
        return await screen(app, pilot)

    assert any("gate-1" in line for line in play(steps, feed=feed))


def test_view_without_boxes_says_so():
    lines = play(keys(), site="docks")
    assert any("No box has reported to site docks at broker.example yet." in line for line in lines)


def test_view_says_at_once_that_the_connection_is_lost():
    feed, clock, rung = ListFeed(), Clock(), []
    site(feed)

    async def steps(app, pilot):
        await pilot.pause()
        feed.connected = False
        app.bell = lambda: rung.append(1)
        app.look()
        clock.now += timedelta(minutes=5)
        lost = await screen(app, pilot)
        feed.connected = True
        app.look()
        clock.now += timedelta(seconds=1.9)
        held = await screen(app, pilot)
        clock.now += timedelta(seconds=0.1)
        return lost, held, await screen(app, pilot)

    lost, held, back = play(steps, size=(80, 24), feed=feed, clock=clock, bell=True)
    assert rung
    said = "CONNECTION LOST 5 min: call the technician, send patrols. It is 00:09:05."
    assert lost[0].startswith(f" {said}"[:79])
    assert "CALM 1" in lost[1]  # it is not known to be silent while nobody can hear it
    assert ("CONNECTION LOST" in held[0], "CALM 1" in held[1]) == (True, True)
    assert "CONNECTION" not in back[0]
    assert "calm 0" in back[1]


def test_view_says_why_the_connection_does_not_come_back():
    feed = ListFeed()
    feed.connected, feed.refusal = False, "refuses the login, check user and password (Not authorized)"
    (line, *_) = play(keys(), size=(180, 24), feed=feed)
    said = "the broker refuses the login, check user and password (Not authorized); start watch again."
    assert f"CONNECTION LOST 0 s: {said} All below is old, alarms cannot reach you." in line


def test_view_filters_by_words():
    feed = ListFeed()
    site(feed)
    lines = play(keys("slash", *"lens HALL", "enter"), feed=feed)
    assert [line for line in lines if "quay-1" in line] == []
    assert any("hall-1" in line for line in lines)
    assert "only “lens HALL”" in lines[-1]


def test_view_hides_calm_boxes():
    feed = ListFeed()
    site(feed)
    assert not any("quay-1" in line for line in play(keys("f"), feed=feed))


def test_view_keeps_a_chosen_box_chosen():
    feed = ListFeed()
    site(feed)

    async def steps(app, pilot):
        await pilot.press("down")  # hall-1
        box(feed, "a-1", alarm="raised")
        app.look()
        await pilot.pause()
        chosen = await screen(app, pilot)
        await pilot.press("home")
        return chosen, await screen(app, pilot)

    chosen, first = play(steps, feed=feed)
    assert next(line for line in chosen if line.startswith("▶")).split()[2] == "hall-1"
    assert "ALARM" in next(line for line in first if line.startswith("▶"))


def test_view_of_1000_boxes_draws_only_the_lines_that_are_seen(monkeypatch):
    feed, drawn = ListFeed(), []
    stamps = [box(feed, f"box-{number:04d}", place="Quay") for number in range(1000)]
    monkeypatch.setattr(watch, "row", lambda view, *args, **named: drawn.append(view) or row(view, *args, **named))

    async def steps(app, pilot):
        await pilot.pause()
        for stamp in stamps:
            feed.add("health", health(stamp))
        drawn.clear()
        app.look()
        await pilot.press("end")
        return await screen(app, pilot)

    lines = play(steps, size=(80, 24), feed=feed)
    assert any(line.startswith("▶") and "box-0999" in line for line in lines)
    assert 0 < len(drawn) <= 4 * 24  # a thousand drawn lines would take seconds


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (300, 90)])
def test_view_fits_any_terminal(size):
    feed = ListFeed()
    site(feed)
    assert len(play(keys("down", "h", "h"), size=size, feed=feed)) == size[1]


def test_view_prints_no_control_sign():
    feed = ListFeed()
    evil = "calm\x1b[2J\n[bold red]ALARM[/] \u202edocks\x9b"
    box(feed, "gate-1", place=evil, alarm="learning", faults=(evil,), reasons=(evil,))
    lines = play(keys(), size=(140, 40), feed=feed)
    assert all(line.isprintable() for line in lines)
    assert any(r"calm\x1b[2J\n[bold red]ALARM[/] \u202edocks\x9b" in line for line in lines)


def test_view_rings_and_runs_the_command_once_for_an_alarm():
    class Command:
        def __init__(self):
            self.started = []

        def start(self, view):
            self.started.append(view.alarm.id)

        def problems(self):
            return ["the command for alarm gate-1-1 ended with code 3"]

    feed, command, rung = ListFeed(), Command(), []
    stamp = box(feed, "gate-1", alarm="raised")

    async def steps(app, pilot):
        feed.add("alarm", stamp.make(AlarmMessage, NOW, state="updated", alarm=None))
        app.look()
        return await screen(app, pilot)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchApp, "bell", lambda _app: rung.append(1))
        lines = play(steps, size=(140, 40), feed=feed, on_alarm=command, bell=True)
    assert (command.started, len(rung)) == (["gate-1-1"], 1)
    assert any("ended with code 3" in line for line in lines)


def test_view_shows_how_a_retired_box_is_forgotten():
    feed = ListFeed()
    box(feed, "gate-1", status="stopped")
    lines = play(keys("d"), size=(140, 40), feed=feed)
    assert any("gammabox-edge forget gate-1 --site docks --broker broker.example" in line for line in lines)


def test_view_refuses_to_forget_a_box_in_use():
    feed = ListFeed()
    box(feed, "gate-1")
    assert any("Leave this box as it is: it is in use." in line for line in play(keys("d"), feed=feed))


def test_view_says_of_a_faulty_box_what_is_wrong_where_it_cannot_be_forgotten():
    feed = ListFeed()
    site(feed)
    inside = (line.split("┃")[1].strip() for line in play(keys("down", "d"), feed=feed) if line.count("┃") == 2)
    text = " ".join(inside)
    assert "Its state is FAULT: the camera is covered: look at the lens." in text
    assert "Do not rely on this box. Tell the technician" in text
    assert "witch it off" not in text


def test_view_shows_all_faults_with_their_begin():
    feed = ListFeed()
    faults = tuple(f"{part} does not work as it should: have it replaced by the technician" for part in ("fan", "disk"))
    box(feed, "hall-1", place="Customs hall", faults=faults)
    text = " ".join(line.strip() for line in play(keys(), feed=feed))
    assert "Faulty since 2026-01-03 00:04:05 CET (2026-01-02 23:04:05 UTC), or earlier:" in text
    assert all(f"• {fault}" in text for fault in faults)


def test_view_at_40_columns_names_places_and_what_to_do():
    feed = ListFeed()
    for number in range(3):
        box(feed, f"l-{number}", place="North gate", status="lost")
    lines = play(keys(), size=(40, 12), feed=feed)
    assert lines[0].startswith(" 3 boxes fell away: call the technician")
    named = [line for line in lines if "l-1" in line]
    assert named
    assert all("North gate" in line for line in named)


@pytest.mark.parametrize("pressed", [("slash", *"scrap yard", "enter"), ("f",), ("f", "m", "slash", *"scrap", "enter")])
def test_view_keeps_its_keys_and_missed_alarms_in_the_last_line(pressed):
    feed = ListFeed()
    site(feed)
    stamp = box(feed, "west-1", alarm="raised")
    feed.add("alarm", stamp.make(AlarmMessage, NOW, state="cleared", alarm=detail("west-1")))
    last = play(keys(*pressed), feed=feed)[-1]
    assert " h 1 missed" in last
    assert last.endswith(" ? q")
    assert ("“scrap" in last) == ("slash" in pressed)
    assert ("no calm" in last or "calm boxes hidden" in last) == ("f" in pressed)


def test_escape_leaves_the_list_of_alarms():
    feed = ListFeed()
    site(feed)
    lines = play(keys("h", "escape"), feed=feed)
    assert lines[2].split()[:3] == ["state", "box", "place"]


def test_view_names_the_sites_of_several():
    feed = ListFeed()
    for name in ("docks", "airport"):
        box(feed, "gate-1", site=name)
    lines = play(keys(), feed=feed)
    assert [line.lstrip("▶ ").split()[1] for line in lines[3:5]] == ["airport/gate-1", "docks/gate-1"]


def test_view_says_that_the_filter_hides_alarms():
    feed = ListFeed()
    site(feed)
    assert play(keys("slash", *"hall", "enter"), feed=feed)[-1].startswith(" 1 alarm hidden by the filter: Esc")
    box(feed, "gate-1", alarm="updated", acknowledged={"by": "Ann", "utc": NOW, "reason": None})
    assert "hidden" not in play(keys("slash", *"hall", "enter"), feed=feed)[-1]


@pytest.mark.parametrize(("answer", "ended"), [("y", True), ("escape", False), ("q", False)])
def test_view_asks_before_it_ends(answer, ended):
    left = []

    async def steps(app, pilot):
        app.exit = lambda: left.append(1)
        await pilot.press("q")
        assert not left
        await pilot.press(answer)

    play(steps)
    assert bool(left) == ended
