import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_home_assistant.py"

COMMAND = '{"transaction_id": "t", "utc": "2026-01-02T03:04:05Z", "by": "Home Assistant", "arguments": {}}'
CHECK = runpy.run_path(str(SCRIPT))
VALUES = {
    "alarm.value_template": ["ON", "None"],
    "acknowledge.command_template": [COMMAND],
    "restart.command_template": [COMMAND],
}


def test_faults_of_a_good_answer_are_none():
    assert CHECK["faults_of"]({"faults": [], "rendered": VALUES}) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"faults": ["live: unit is unknown"], "rendered": {}}, "live: unit is unknown"),
        ({"faults": [], "rendered": {**VALUES, "alarm.value_template": ["ON", "OFF"]}}, "the alarm is shown as"),
    ],
    ids=["refused", "false all-clear"],
)
def test_faults_of_a_bad_answer_are_named(answer, expected):
    (fault,) = CHECK["faults_of"](answer)
    assert expected in fault


def test_judged_names_an_environment_without_home_assistant():
    answer = CHECK["judged"]([sys.executable])
    assert "No module named 'homeassistant'" in answer["faults"][0]
