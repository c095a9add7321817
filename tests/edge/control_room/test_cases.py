"""The table of cases that the browser page is tested on, too; cases/README.md explains its keys."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge.control_room.board import Board
from edge.control_room.subscriber import arrival_of
from edge.control_room.view import Acknowledgement
from edge.telemetry.topics import Topic

TIMES = {"heard_s", "raised_s", "ended_s", "faulty_since_s"}
FOLDER = Path(__file__).parent / "cases"
DEFAULTS = json.loads((FOLDER / "defaults.json").read_text(encoding="utf-8"))
START = datetime.fromisoformat(DEFAULTS["start"].replace("Z", "+00:00"))
CASES = [
    pytest.param(case, id=case["name"].replace(" ", "-"))
    for file in sorted(FOLDER.glob("*.json"))
    if file.stem != "defaults"
    for case in json.loads(file.read_text(encoding="utf-8"))
]


def payload_of(arrival, number, topic):
    if "raw" in arrival:
        return arrival["raw"].encode()
    if "payload" in arrival and arrival["payload"] is None:
        return b""
    whole = DEFAULTS[arrival["kind"]] | {"site": topic.site, "device": topic.device, "seq": number}
    whole["utc"] = (START + timedelta(seconds=arrival["at_s"])).isoformat()
    whole |= arrival.get("payload", {})
    whole.setdefault("event_id", f"{whole['boot_id']}-{whole['seq']}")
    if "alarm_detail" in arrival:
        whole["alarm"] = DEFAULTS["alarm_detail"] | arrival["alarm_detail"]
    return json.dumps(whole).replace(*arrival.get("replace", ("", ""))).encode()


def board_of(case):
    board = Board()
    for number, arrival in enumerate(case["arrivals"]):
        topic = Topic(arrival.get("site", "docks"), arrival.get("device", "gate-1"), arrival["kind"])
        payload = payload_of(arrival, number, topic)
        arrived = arrival_of(topic, payload, retained=arrival.get("retained", False))
        board.update(arrived, START + timedelta(seconds=arrival["at_s"]))
    return board


def times_of(acknowledgement):
    return ("utc_s", acknowledgement.utc), ("silenced_until_s", acknowledgement.silenced_until)


def shown(seen, expected):
    """The expected keys of what is seen; times as seconds after the start."""
    found = {}
    for key in expected:
        value = getattr(seen, key.removesuffix("_s") if key in TIMES else key)
        if isinstance(value, datetime):
            value = (value - START).total_seconds()
        if isinstance(value, Acknowledgement):
            times = {name: None if time is None else (time - START).total_seconds() for name, time in times_of(value)}
            before = [
                {"by": one.by, "reason": one.reason, "utc_s": (one.utc - START).total_seconds()}
                for one in value.earlier
            ]
            value = {"by": value.by, "reason": value.reason, **times}
            if "earlier" in (expected[key] or {}):
                value["earlier"] = before
        found[key] = list(value) if isinstance(value, tuple) else value
    return found


@pytest.mark.parametrize("case", CASES)
def test_board_sees_the_case(case):
    board = board_of(case)
    views = board.views(START + timedelta(seconds=case["now_s"]))
    assert len(views) == len(case["boxes"])
    for view, expected in zip(views, case["boxes"], strict=True):
        assert shown(view, expected) == expected
    if "counts" in case:
        assert {urgency: count for urgency, count in board.counts(views).items() if count} == case["counts"]
    if "alarms" in case:
        assert len(board.alarms) == len(case["alarms"])
        for alarm, expected in zip(board.alarms, case["alarms"], strict=True):
            assert shown(alarm, expected) == expected
