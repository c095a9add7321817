"""The script that runs the agent for an hour and looks for what grows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.fixture(scope="module")
def soak():
    sys.path.insert(0, str(SCRIPTS))
    import soak as script

    sys.path.remove(str(SCRIPTS))
    return script


def test_soak_of_some_seconds_accounts_for_every_frame():
    words = [sys.executable, SCRIPTS / "soak.py", "--seconds", "8", "--max-growth-mb", "100", "--json"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    verdict = json.loads(ran.stdout)
    # So short a run warms up all the time; what counts here is the account.
    assert [fault for fault in verdict["faults"] if "grows" not in fault] == [], ran.stderr
    assert verdict["delivered"] > 250
    assert verdict["damaged"] >= 3


@pytest.mark.parametrize(("frames", "expected"), [(0, 0), (2, 0), (3, 1), (60, 58), (63, 58), (250, 241)])
def test_analysable_frames_have_whole_neighbours(soak, frames, expected):
    assert soak.analysable(frames) == expected


@pytest.mark.parametrize(("name", "step"), [("resident_mb", 1.0), ("threads", 1), ("descriptors", 1)])
def test_growth_is_named(soak, name, step):
    flat = {"resident_mb": 100.0, "threads": 9, "descriptors": 30, "folder_files": 5, "folder_mb": 1.0}
    readings = [soak.Reading(**{**flat, name: flat[name] + step * number}) for number in range(60)]
    assert [fault.split()[0] for fault in soak.growth_faults(readings, 8.0)] == [name]
    assert soak.growth_faults([soak.Reading(**flat)] * 60, 8.0) == []


def test_agent_that_ends_by_itself_is_a_fault(soak, tmp_path, monkeypatch):
    once = soak.DEVICE_YAML.replace("loop: true, pace: fast", "loop: false, pace: camera")
    assert once != soak.DEVICE_YAML
    monkeypatch.setattr(soak, "DEVICE_YAML", once)
    monkeypatch.setattr(soak, "READINGS", 1000)
    readings, health, ended = soak.soak(tmp_path, 60, 2)
    assert readings
    assert health.delivered <= soak.FRAMES
    assert [fault.split(" after ")[0] for fault in ended.faults] == ["the agent ended by itself"]


@pytest.mark.parametrize(
    ("code", "stop_s", "faults"),
    [(0, 1.0, []), (1, 1.0, ["the agent ended with code 1"]), (0, 9.0, ["the stop took 9.0 s"])],
)
def test_end_of_the_agent_is_judged(soak, code, stop_s, faults):
    assert soak.Ended(60.0, by_itself=False, code=code, stop_s=stop_s).faults == faults
