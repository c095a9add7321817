"""What the demonstration makes of what arrived; the whole of it runs with `make demo`."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from watch_rig import play, screen

from edge.control_room.arrivals import Received
from edge.telemetry.messages import AlarmMessage, HitMessage, Stamp
from edge.telemetry.topics import Topic
from trainer import demo, demo_view

BEGAN = datetime(2026, 5, 1, 12, 0, tzinfo=timezone.utc)
STAMP = Stamp(demo.SITE, demo.DEVICE, "boot")


def at(frame):
    return BEGAN + timedelta(seconds=frame / demo.FPS)


def hits(frame, *places):
    details = tuple({"x": x, "y": y, "score": 0.9, "added_dn": 50, "pixels": 3, "live": True} for x, y in places)
    fields = {"frame": frame, "live_fraction": 1.0, "exposure_s": None, "hits": details}
    return Received(Topic(demo.SITE, demo.DEVICE, "hit"), STAMP.make(HitMessage, at(frame), **fields), retained=False)


def alarm(frame, state="raised"):
    detail = {
        **dict.fromkeys(("raised_utc", "onset_utc"), at(frame)),
        **dict.fromkeys(("significance_sigma", "live_s", "rate_hz", "background_hz", "false_alarms_per_1000_h"), 1.0),
        **dict.fromkeys(("rate_interval_hz", "background_interval_hz"), (0.5, 2.0)),
        "id": "a",
        "hits": 5,
        **dict.fromkeys(("recent", "evidence", "doubts", "weakened_by"), ()),
        **dict.fromkeys(("maximum_hz", "duration_s"), 2.0),
        "lower_limit": False,
        "overload": None,
    }
    message = STAMP.make(AlarmMessage, at(frame), state=state, alarm=detail)
    return Received(Topic(demo.SITE, demo.DEVICE, "alarm"), message, retained=False)


@pytest.fixture
def folder(tmp_path):
    truth = [{"frame": frame, "x": 100, "y": 50, "added": 60.0} for frame in range(260, 270)]
    (tmp_path / "film.jsonl").write_text("\n".join(json.dumps(line) for line in truth))
    return tmp_path


FOUND = [hits(frame, (100, 50)) for frame in range(260, 270)]


def test_judge_accepts_hits_and_a_late_alarm(folder):
    verdict = demo.judge(folder, [*FOUND, alarm(265), alarm(280, "updated")])
    assert verdict.score.recall == 1.0
    assert verdict.alarm_after_s == pytest.approx(265 / demo.FPS - demo.SOURCE_APPEARS_S)
    assert verdict.good


@pytest.mark.parametrize(
    ("arrived", "why"),
    [
        ([*FOUND], "no alarm"),
        ([*FOUND[:7], alarm(265)], "too few hits"),
        ([hits(100, (5, 5)), alarm(100), *FOUND, alarm(265)], "an alarm before the source"),
        ([], "nothing arrived"),
    ],
)
def test_judge_refuses_anything_less(folder, arrived, why):
    assert not demo.judge(folder, arrived).good, why


def test_judge_counts_false_hits(folder):
    assert demo.judge(folder, [*FOUND, hits(20, (7, 7)), alarm(265)]).score.false_hits == 1


def test_draw_shortens_runs_of_hits(folder, tmp_path):
    arrived = [*FOUND, alarm(269)]
    demo.draw(tmp_path / "seen.svg", arrived, demo.judge(folder, arrived))
    drawn = (tmp_path / "seen.svg").read_text().replace("&#160;", " ")
    assert drawn.count("best score") == demo.RUN_SHOWN
    assert f"{len(FOUND) - demo.RUN_SHOWN} more messages with hits" in drawn
    assert "ALARM raised" in drawn


def test_show_prints_the_alarm_as_a_guard_sees_it(capsys):
    demo_view.show([*FOUND, alarm(265), alarm(280, "updated"), alarm(290, "cleared")], demo.SITE)
    shown = capsys.readouterr().out
    assert "OLD ALARM  " in shown  # this agent has not said that it is online
    assert "What to do: " in shown
    assert "\x1b" not in shown


def test_replay_opens_in_the_view():
    async def steps(app, pilot):
        return await screen(app, pilot)

    feed = demo_view.Replay([*FOUND, alarm(265)])
    assert any("OLD ALARM" in line for line in play(steps, feed=feed))
