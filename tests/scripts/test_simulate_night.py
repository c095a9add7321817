import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge.control_room.board import Board
from edge.control_room.subscriber import arrival_of
from edge.telemetry.commands import Command, Response
from edge.telemetry.topics import parse

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def night(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    import simulate_night

    yield simulate_night.Night(simulate_night.boxes_of("docks", 50, seed=1), simulate_night.events_of_the_night())
    for name in ("simulate_night", "simulated_box"):
        sys.modules.pop(name, None)


def fill(board, outgoing):
    for name, payload, _ in outgoing:
        topic = parse(name)
        if topic is not None:
            board.update(arrival_of(topic, payload, retained=False), NOW)


def test_night_shows_every_state(night):
    board, seen = Board(), set()
    fill(board, night.begin(0, NOW))
    for at_s in range(0, 520, 5):
        fill(board, night.step(at_s, NOW))
        seen |= {(view.device, view.urgency) for view in board.views(NOW)}
    for device, urgency in {
        "box-07": "alarm", "box-08": "alarm", "box-05": "alarm", "box-30": "overload", "box-21": "fault",
        "box-15": "lost", "box-33": "learning", "box-26": "learning", "box-00": "calm",
    }.items():  # fmt: skip
        assert (device, urgency) in seen
    assert not any(box.unreadable for box in board.boxes.values())
    assert len(board.alarms) == 9
    (other,) = (alarm for alarm in board.alarms if alarm.device == "box-28")
    assert (other.state, other.acknowledgement.by) == ("cleared", "Bo, gate office")


@pytest.mark.parametrize(
    ("device", "at_s", "due_s", "error"),
    [("box-18", 235, 255, None), ("box-22", 335, 335, "this box is set to carry out no command (commands.allow)")],
)
def test_night_has_boxes_that_answer_late_or_refuse(night, device, at_s, due_s, error):
    fill(Board(), night.begin(at_s, NOW))
    command = Command(transaction_id="t", utc=NOW, by="Ann", arguments={"minutes": 5})
    night.commands.append((f"gammabox/docks/{device}/cmd/silence", command.model_dump_json().encode()))
    answers = [
        (second, Response.model_validate_json(payload).error)
        for second in (at_s, 254, 255)
        for topic, payload, _ in night.step(second, NOW)
        if "/rsp/" in topic
    ]
    assert answers == [(due_s, error)]


def test_night_answers_an_acknowledgement(night):
    board = Board()
    fill(board, night.begin(205, NOW))
    (standing,) = (view for view in board.views(NOW) if view.device == "box-05")
    for number, alarm_id in enumerate(("another", standing.alarm.id)):
        command = Command(transaction_id=f"t{number}", utc=NOW, by="Ann", arguments={"alarm_id": alarm_id})
        night.commands.append(("gammabox/docks/box-05/cmd/acknowledge", command.model_dump_json().encode()))
    night.commands.append(("gammabox/docks/box-05/cmd/acknowledge", json.dumps({}).encode()))
    outgoing = list(night.step(205, NOW))
    answers = [Response.model_validate_json(payload) for topic, payload, _ in outgoing if "/rsp/" in topic]
    assert [(answer.transaction_id, answer.ok) for answer in answers] == [("t0", False), ("t1", True)]
    fill(board, outgoing)
    (standing,) = (view for view in board.views(NOW) if view.device == "box-05")
    assert standing.acknowledgement.by == "Ann"


def test_night_tells_since_when_a_box_runs_in_one_way(night):
    told = {}
    for at_s, outgoing in ((0, night.begin(0, NOW)), *((at_s, None) for at_s in (118, 140))):
        now = NOW + timedelta(seconds=at_s)
        for name, payload, _ in night.step(at_s, now) if outgoing is None else outgoing:
            told[name.removeprefix("gammabox/docks/")] = now, json.loads(payload)
    for device, restarted_s in (("box-00", 0), ("box-33", 140)):
        now, health = told[f"{device}/health"]
        started = datetime.fromisoformat(told[f"{device}/info"][1]["started_utc"])
        assert started == NOW + timedelta(seconds=restarted_s)
        assert health["uptime_s"] == (now - started).total_seconds()
