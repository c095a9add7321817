import json
from datetime import datetime, timezone

import pytest
from pydantic import ValidationError

from edge.config.telemetry import VERBS
from edge.telemetry.commands import ARGUMENTS, Command, Response
from edge.telemetry.messages import Stamp

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
GIVEN = {"transaction_id": "t-1", "utc": "2026-01-02T03:04:05Z", "by": "guard", "arguments": {}}


def test_arguments_are_defined_for_every_verb():
    assert set(ARGUMENTS) == set(VERBS)


def test_command_is_read_from_its_payload():
    command = Command.model_validate_json(json.dumps({**GIVEN, "by": "A\x1b[2J", "mood": "good"}))
    assert (command.transaction_id, command.utc, command.by) == ("t-1", NOW, "A\\x1b[2J")


@pytest.mark.parametrize(
    "change",
    [{"transaction_id": "a b"}, {"transaction_id": ""}, {"utc": "2026-01-02T03:04:05"}, {"by": ""}, {"arguments": []}],
    ids=str,
)
def test_command_refuses_what_is_malformed(change):
    with pytest.raises(ValidationError):
        Command.model_validate_json(json.dumps({**GIVEN, **change}))


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("acknowledge", {}),
        ("acknowledge", {"alarm_id": "a", "more": 1}),
        ("silence", {"minutes": 0}),
        ("silence", {"minutes": 1e9}),
        ("recalibrate", {"no_source_is_near": False}),
        ("set", {"values": {}}),
        ("set", {"values": {"../etc": 1}}),
        ("log-level", {"level": "loud"}),
        ("health", {"x": 1}),
    ],
    ids=str,
)
def test_arguments_refuse_what_is_malformed(verb, arguments):
    with pytest.raises(ValidationError):
        ARGUMENTS[verb].model_validate(arguments)


def test_response_names_its_command():
    answer = Stamp("s", "d", "b").make(Response, NOW, transaction_id="t-1", ok=False, error="no\nalarm")
    assert (answer.transaction_id, answer.ok, answer.error, answer.result) == ("t-1", False, "no\\nalarm", {})
