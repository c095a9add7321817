import json
import shlex
import sys

import pytest
from watch_rig import NOW, ListFeed, box

from edge.control_room.board import Board
from edge.control_room.watch import alarm_command
from edge.control_room.watch.alarm_command import AlarmCommand
from edge.errors import GammaboxError

WRITER = "import os, sys; open(sys.argv[1], 'w').write(os.environ['GAMMABOX_PLACE'] + '\\n' + sys.stdin.read())"


@pytest.fixture
def alarm():
    feed, board = ListFeed(), Board()
    box(feed, "gate-1", place="Gate $(reboot); `x`", alarm="raised")
    for arrived, arrival in feed.arrivals:
        board.update(arrival, arrived)
    (view,) = board.views(NOW)
    return view


def run(words, view):
    command = AlarmCommand(shlex.join(words))
    command.start(view)
    command.wait(20)
    return command.problems()


def test_command_is_told_of_the_alarm_without_a_shell(alarm, tmp_path):
    assert run([sys.executable, "-c", WRITER, str(tmp_path / "out")], alarm) == []
    place, facts = (tmp_path / "out").read_text().splitlines()
    assert place == "Gate $(reboot); `x`"
    assert json.loads(facts) | {"reasons": [], "advice": ""} == {
        "id": "gate-1-1", "site": "docks", "device": "gate-1", "place": place, "state": "ALARM",
        "raised_utc": "2026-01-02T23:02:50+00:00", "rate_hz": 5.25, "maximum_hz": 7.0, "significance_sigma": 6.5,
        "reasons": [], "advice": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["false"], "ended with code 1"),
        (["sleep", "9"], "was ended after 0 s"),
    ],
)
def test_command_that_fails_is_told(alarm, monkeypatch, words, said):
    monkeypatch.setattr(alarm_command, "TIMEOUT_S", 0.4)
    assert run(words, alarm) == [f"the command for alarm gate-1-1 {said}"]


def test_command_that_vanishes_is_told(alarm, tmp_path):
    siren = tmp_path / "siren"
    siren.touch(0o755)
    command = AlarmCommand(str(siren))
    siren.unlink()
    command.start(alarm)
    command.wait(20)
    assert command.problems() == [f"the command for alarm gate-1-1 cannot be run ({siren}: no such file or directory)"]


def test_command_that_cannot_be_run_is_refused_at_once(tmp_path):
    (tmp_path / "notes").touch(0o644)
    for program in ("/nowhere/siren", "no-such-siren", str(tmp_path / "notes")):
        with pytest.raises(GammaboxError, match=f"no program '{program}' can be run"):
            AlarmCommand(f"{program} 10")


@pytest.mark.parametrize("command", ["", "  ", "siren 'on"])
def test_command_that_is_no_command_is_refused(command):
    with pytest.raises(GammaboxError, match="--on-alarm"):
        AlarmCommand(command)


def test_commands_wait_for_their_turn(alarm, monkeypatch, tmp_path):
    monkeypatch.setattr(alarm_command, "MAX_RUNNING", 1)
    command = AlarmCommand(f"mktemp --tmpdir={tmp_path}")
    for _ in range(5):
        command.start(alarm)
    command.wait(20)
    assert len(list(tmp_path.iterdir())) == 5
