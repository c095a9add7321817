"""Whatever arrives as a command ends neither agent nor link, and no control sign of it reaches the journal."""

import json
import logging
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.commander import Commander
from edge.config.telemetry import VERBS, TelemetrySettings
from edge.reporting import Reporter
from edge.telemetry.command_file import CommandFile
from edge.telemetry.commands import Response
from edge.telemetry.inbox import Inbox
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
FEW, MANY = 200, 10_000
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["transaction_id", "utc", "by", "reason", "arguments", "schema_version"])
times = st.sampled_from([NOW, NOW - timedelta(days=400), NOW + timedelta(days=9000)]).map(datetime.isoformat)
arguments = st.one_of(
    json_values,
    st.fixed_dictionaries({"alarm_id": st.text(max_size=20) | st.just("standing")}),
    st.fixed_dictionaries({"minutes": st.floats() | st.integers()}),
    st.fixed_dictionaries({"names": st.lists(st.text(max_size=20), max_size=3)}),
    st.fixed_dictionaries({"values": st.dictionaries(st.text(max_size=20), json_values, max_size=3)}),
    st.fixed_dictionaries({"level": st.sampled_from(["debug", "loud", "\x1b[2J"])}),
    st.just({"no_source_is_near": True}),
    st.just({}),
)
nearly_right = st.builds(
    lambda base, change: json.dumps({**base, **change}).encode(),
    st.fixed_dictionaries(
        {"transaction_id": st.uuids().map(str), "utc": times, "by": st.text(max_size=30), "arguments": arguments},
        optional={"reason": st.text(max_size=30)},
    ),
    st.one_of(st.just({}), st.dictionaries(names, json_values, max_size=2)),
)
payloads = st.one_of(nearly_right, st.binary(max_size=300), json_values.map(json.dumps).map(str.encode))
topics = st.one_of(
    st.sampled_from(VERBS).map("gammabox/s/d/cmd/{}".format), st.text(max_size=40), st.just("gammabox/s/d/cmd/\x1b[31m")
)
commands = st.tuples(topics, payloads, st.sampled_from([False, False, False, True]))


class Actions:
    """Actions that do nothing."""

    def health(self):
        return {"frames": 5}

    def recalibrate(self):
        return None

    def restart(self):
        return None

    def setting_values(self):
        return {"telemetry.hits": True}

    def change_settings(self, values):
        json.dumps(values)


class Journal(logging.Handler):
    """Keeps the lines of the journal."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    outbox = Outbox(folder / "outbox.sqlite", 1000)
    journal = Journal()
    logger = logging.getLogger("edge")
    level = logger.level
    logger.addHandler(journal)
    logger.setLevel(logging.DEBUG)
    file = CommandFile(folder / "commands.json")
    reporter = Reporter(TelemetrySettings(), Stamp("s", "d", "boot"), outbox, acknowledged=file.acknowledged)
    yield Commander(VERBS, file, reporter, Actions()), outbox, journal
    logger.removeHandler(journal)
    logger.setLevel(level)
    outbox.close()


def serve(rig, given_commands, minute):
    """Let a commander serve commands, and check what it says and answers."""
    commander, outbox, journal = rig
    inbox = Inbox(())
    for topic, payload, retained in given_commands:
        inbox.put(topic, payload, retained=retained)
    commander.serve(*inbox.take(), NOW + timedelta(minutes=5 * minute), 300.0 * minute)
    assert [line for line in journal.lines if not line.isprintable()] == []
    waiting = outbox.next(1000)
    for each in waiting:
        text = each.message.payload.decode()
        assert text.isprintable() or "\\u" in json.dumps(text)
        answer = Response.model_validate_json(text)
        assert (answer.error or "").isprintable()
        assert each.message.topic.startswith("gammabox/s/d/rsp/")
    outbox.confirm([each.id for each in waiting])
    journal.lines.clear()
    return len(waiting)


@given(st.lists(commands, max_size=4))
@settings(
    max_examples=FEW, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_commander_survives_any_command(rig, given_commands):
    serve(rig, given_commands, 0)


@pytest.mark.slow
@given(commands)
@settings(
    max_examples=MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_commander_survives_ten_thousand_commands(rig, command):
    serve(rig, [command], 0)


def test_fuzzed_commands_include_ones_that_are_carried_out(rig):
    body = {"transaction_id": "t", "utc": (NOW + timedelta(minutes=5)).isoformat(), "by": "Ada", "arguments": {}}
    assert serve(rig, [("gammabox/s/d/cmd/health", json.dumps(body).encode(), False)], 1) == 1
