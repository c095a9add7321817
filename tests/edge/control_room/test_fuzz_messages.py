"""Fuzzed messages end neither the model, the lines nor the view, and print no control sign."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watch_rig import NOW, ZONE, ListFeed, play, screen

from edge.commands.watch import as_json_line
from edge.control_room.board import Board
from edge.control_room.lines import as_line
from edge.control_room.subscriber import arrival_of
from edge.control_room.watch.alarm_command import facts_of
from edge.control_room.watch.alarm_rows import alarm_details, alarm_row
from edge.control_room.watch.plain import Reporter
from edge.control_room.watch.rows import matches
from edge.control_room.watch.still import still
from edge.telemetry.messages import MODELS
from edge.telemetry.topics import KINDS, Topic

DEFAULTS = json.loads((Path(__file__).parent / "cases" / "defaults.json").read_text(encoding="utf-8"))
EVIL = [
    "\x1b[2J",
    "a\nb",
    "\x9b31m",
    "\u202eALARM",
    "[bold]x[/]",
    "\ud800",
    "\0",
    "",
    "x" * 5000,
    "日本" * 40,
    "é\u0301" * 9,
]
NUMBERS = [0, -1, 1e308, 1e-320, 2**70, 0.1, 59.999]
TIMES = [
    "2026-01-02T23:04:05Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00+14:00",
    "2026-01-02",
]
VALUES = st.one_of(
    st.sampled_from([*EVIL, *NUMBERS, *TIMES, None, True, [], {}, [[]], ["\x1b"], {"\x1b": 1}]),
    st.text(max_size=30),
    st.floats(),
    st.lists(st.sampled_from(EVIL), max_size=3),
)


@st.composite
def arrivals(draw):
    kind = draw(st.sampled_from(KINDS))
    topic = Topic("docks", draw(st.sampled_from(["gate-1", "gate-2"])), kind)
    if draw(st.integers(0, 9)) == 0:
        return topic, draw(st.one_of(st.binary(max_size=60), st.sampled_from([b"", b"[" * 100_000, b"1e999", b"{}"])))
    times = st.sampled_from(TIMES) if draw(st.booleans()) else st.just(TIMES[0])
    message = dict(DEFAULTS.get(kind, DEFAULTS["status"])) | {
        "site": topic.site, "device": topic.device, "utc": draw(times), "seq": draw(st.integers(0, 9)),
        "event_id": "e", "boot_id": draw(st.sampled_from(["b1", "b2"])), "historical": draw(st.booleans()),
    }  # fmt: skip
    if kind == "status":
        message |= draw(st.sampled_from([{}, {"state": "offline", "reason": "lost"}]))
    if kind == "alarm":
        message["state"] = draw(st.sampled_from(["raised", "updated", "changed", "cleared", "learning"]))
        detail = dict(DEFAULTS["alarm_detail"]) | draw(
            st.dictionaries(st.sampled_from(DETAIL_KEYS), VALUES, max_size=1)
        )
        message["alarm"] = draw(st.sampled_from([None, detail]))
    message |= draw(st.dictionaries(st.sampled_from(KEYS[kind]), VALUES, max_size=2))
    return topic, json.dumps(message).replace("Infinity", "1e999").encode()


KEYS = {kind: sorted(MODELS[kind].model_fields) for kind in KINDS}
DETAIL_KEYS = sorted(DEFAULTS["alarm_detail"])
STEPS = st.lists(st.tuples(arrivals(), st.booleans(), st.integers(-5, 4000)), min_size=1, max_size=8)


def lines_of(board, reporter, now):
    yield from (line.plain for line in still(board, now, 140, ZONE))
    yield from reporter.lines(board, now)
    for alarm in board.alarms:
        yield alarm_row(alarm, 80, 12, now, ZONE).plain
        yield from (line.plain for line in alarm_details(alarm, ZONE))
    for view in board.views(now):
        json.dumps(facts_of(view), allow_nan=False)
        matches(view, "a b")


def check(steps):
    board, reporter, now = Board(), Reporter(), NOW
    for (topic, payload), retained, passed_s in steps:
        now += timedelta(seconds=passed_s)
        arrived = arrival_of(topic, payload, retained=retained)
        board.update(arrived, now)
        line = as_json_line(arrived)
        assert json.loads(line, parse_constant=pytest.fail)
        for text in (line, as_line(arrived), *lines_of(board, reporter, now)):
            assert text.isprintable()
    return board


@settings(max_examples=60, deadline=None)  # 300 messages or so
@given(STEPS)
def test_fuzzed_messages_print_no_control_sign(steps):
    check(steps)


@pytest.mark.slow
@settings(max_examples=2500, deadline=None)  # 10,000 messages or so
@given(STEPS)
def test_10000_fuzzed_messages_print_no_control_sign(steps):
    check(steps)


@pytest.mark.parametrize("count", [pytest.param(30, id="few"), pytest.param(1500, id="many", marks=pytest.mark.slow)])
def test_fuzzed_messages_do_not_end_the_view(count):
    feed, shown = ListFeed(), []
    cases = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def collect(steps):
        cases.append(steps)

    collect()

    async def steps(app, pilot):
        for number, case in enumerate(cases):
            for (topic, payload), retained, _ in case:
                feed.arrivals.append((NOW, arrival_of(topic, payload, retained=retained)))
            app.look()
            if number % 25 == 0:
                await pilot.press("down", "h")
                shown.extend(await screen(app, pilot))
        return app.return_code

    assert play(steps, size=(140, 40), feed=feed) in {None, 0}
    assert all(line.isprintable() for line in shown)
