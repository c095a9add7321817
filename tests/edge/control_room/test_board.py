from datetime import datetime, timedelta, timezone

import pytest

from edge.control_room import board as board_module
from edge.control_room.arrivals import Received
from edge.control_room.board import Board
from edge.control_room.box import MAX_RATES
from edge.control_room.subscriber import arrival_of
from edge.telemetry.messages import AlarmDetail, AlarmMessage, Stamp, Status
from edge.telemetry.topics import Topic

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DETAIL = AlarmDetail(
    id="gate-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    recent=(), maximum_hz=7.0, duration_s=20.0, lower_limit=False, overload=None, evidence=(), doubts=(),
    weakened_by=(),
)  # fmt: skip


def received(kind, message):
    return Received(Topic(message.site, message.device, kind), message, retained=False)


def test_board_keeps_no_more_boxes_than_it_is_made_for(monkeypatch):
    monkeypatch.setattr(board_module, "MAX_BOXES", 3)
    board = Board()
    for number in range(5):
        message = Stamp("docks", f"gate-{number}", "b").make(Status, NOW, state="online", reason="connected")
        board.update(received("status", message), NOW)
    assert (len(board.boxes), board.ignored) == (3, 2)


def test_board_forgets_ended_alarms_first(monkeypatch):
    monkeypatch.setattr(board_module, "MAX_ALARMS", 3)
    board, stamp, other = Board(), Stamp("docks", "gate-1", "b"), Stamp("docks", "gate-2", "b")
    standing = other.make(AlarmMessage, NOW, state="raised", alarm=DETAIL.model_copy(update={"id": "stands"}))
    board.update(received("alarm", standing), NOW)
    for number in range(1, 6):
        raised = NOW + timedelta(seconds=number)
        detail = DETAIL.model_copy(update={"id": f"{number}", "raised_utc": raised})
        board.update(received("alarm", stamp.make(AlarmMessage, raised, state="cleared", alarm=detail)), raised)
    assert [alarm.id for alarm in board.alarms] == ["5", "4", "stands"]


@pytest.mark.parametrize("kind", ["health", "hit"])
def test_board_bounds_what_it_keeps_of_a_box(kind):
    board = Board()
    for number in range(200):
        text = f'{{"boot_id": "b{number}"'.encode()
        board.update(arrival_of(Topic("docks", "gate-1", kind), text, retained=False), NOW)
    (box,) = board.boxes.values()
    assert len(box.unreadable) == 1
    assert len(box.rates) <= MAX_RATES
