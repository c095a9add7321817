"""Python and JavaScript make the same of random sequences of messages; needs node."""

import importlib.util
import json
import os
import random
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("cases_of_the_control_room", HERE.parent / "test_cases.py")
CASES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CASES)

SEEN = (
    "site", "device", "urgency", "word", "place", "reasons", "advice", "acknowledgement", "silence_over", "heard_s",
    "raised_s", "faulty_since_s", "faulty_before",
)  # fmt: skip
ALARM = ("device", "id", "place", "raised_s", "state", "ended_s", "maximum_hz", "hits", "lower_limit")
TEXTS = ("hot", "too dark", "é – µ", "calm\u001b[2J\nALARM \u202e\u0085\u00a0\U000e0001", "x" * 600, "🙂" * 300)


def acknowledged(draw, at_s):
    given = {"by": draw.choice(("Ann", "Bo")), "utc": utc(at_s - 1), "reason": draw.choice((None, *TEXTS))}
    return draw.choice((None, {**given, "silenced_until_utc": draw.choice((None, utc(at_s + 60), utc(at_s - 2)))}))


def past(draw, at_s):
    number = draw.randrange(4)
    times = {"raised_utc": utc(10 * number), "ended_utc": utc(at_s - 3)}
    figures = {"maximum_hz": 7.5, "hits": at_s, "lower_limit": number == 1}
    return {"id": f"a{number}", **times, **figures, "acknowledged": acknowledged(draw, at_s)}


def utc(at_s):
    return (CASES.START + timedelta(seconds=at_s)).isoformat()


def arrival(draw, at_s):
    kind = draw.choices(("status", "info", "health", "alarm"), (4, 1, 4, 4))[0]
    found = {"at_s": at_s, "kind": kind, "device": draw.choice(("gate-1", "gate-2")), "retained": draw.random() < 0.15}
    if draw.random() < 0.04:
        return {**found, "payload": None}
    payload = {"boot_id": draw.choices(("b1", "b2", "b3"), (6, 3, 1))[0], "historical": draw.random() < 0.1}
    if draw.random() < 0.3:
        payload["seq"] = draw.randrange(12)
    if draw.random() < 0.2:
        payload["utc"] = utc(at_s + draw.choice((-3600, -100, -5, 500)))
    if kind == "status":
        states = (("online", "connected"), ("offline", "stopped"), ("offline", "lost"))
        payload["state"], payload["reason"] = draw.choices(states, (6, 1, 1))[0]
    elif kind == "info":
        payload["place"] = draw.choice((None, "North gate", *TEXTS))
    elif kind == "health":
        payload["condition"] = draw.choice(("clear", "learning", "alarm"))
        payload["reasons"] = draw.choices(TEXTS, k=draw.randrange(3))
        payload["faults"] = draw.choices(TEXTS, k=draw.choice((0, 0, 0, 1, 30)))
        payload["overload"] = draw.choice((None, None, None, *TEXTS))
        payload["interval_s"] = draw.choice((None, None, 0.5, 30.0, 120.0, 1e6))
        payload["outbox"] = {"depth": draw.choice((0, 0, 51, 12345)), "dropped": 0}
        payload["recent"] = [{"window_s": 10, "rate_hz": draw.choice((None, 0.25)), "interval_hz": None}]
    else:
        payload["state"] = draw.choice(("raised", "updated", "changed", "cleared", "learning"))
        payload["reasons"] = draw.choices(TEXTS, k=draw.randrange(3))
        payload |= {"place": draw.choice((None, "Quay")), "advice": draw.choice(("", "Measure there"))}
        payload["acknowledged"] = acknowledged(draw, at_s)
        payload["past"] = [past(draw, at_s) for _ in range(draw.choice((0, 0, 1, 2)))]
        if draw.random() < 0.8:
            number = draw.randrange(3)
            weak = draw.choices(TEXTS, k=draw.randrange(2))
            detail = {"id": f"a{number}", "raised_utc": utc(10 * number), "weakened_by": weak, "hits": at_s}
            found["alarm_detail"] = {**detail, "overload": draw.choice((None, "white")), "lower_limit": number == 1}
    return {**found, "payload": payload}


def case(number):
    draw = random.Random(number)
    times = sorted(draw.randrange(draw.choice((20, 300))) for _ in range(draw.randrange(2, 16)))
    found = {"name": f"random {number}", "now_s": times[-1] + draw.choice((1, 30, 61, 400))}
    found["arrivals"] = [arrival(draw, at_s) for at_s in times]
    board = CASES.board_of(found)
    views = board.views(CASES.START + timedelta(seconds=found["now_s"]))
    found["boxes"] = [CASES.shown(view, dict.fromkeys((*SEEN, "rate_hz", "rates"))) for view in views]
    found["counts"] = {urgency: count for urgency, count in board.counts(views).items() if count}
    found["alarms"] = [CASES.shown(alarm, dict.fromkeys((*ALARM, "acknowledgement"))) for alarm in board.alarms]
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed (apt-get install nodejs)")
def test_both_languages_see_the_same(tmp_path):
    cases = [case(number) for number in range(400)]
    words = {box["word"] for found in cases for box in found["boxes"]}
    assert len(words) == 11
    (tmp_path / "random.json").write_text(json.dumps(cases), encoding="utf-8")
    shutil.copy(CASES.FOLDER / "defaults.json", tmp_path)
    environment = {**os.environ, "CASES_FOLDER": f"{tmp_path}/"}
    ran = subprocess.run(
        ["node", "--test", HERE / "cases.test.mjs"], capture_output=True, text=True, check=False, env=environment
    )
    assert "# pass 400" in ran.stdout, "\n".join(line for line in ran.stdout.splitlines() if "not ok" in line)[:500]
