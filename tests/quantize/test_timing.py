"""Runs are timed as int8, and the time is noted in the run folder."""

import json

from quantize.commands import main
from trainer.training.run import TIME_FILE


def test_time_notes_the_int8_time_in_the_run_folder(command, tiny) -> None:
    ended = command(main, "time", tiny.run.path, "--json")
    assert ended.code == 0
    (timed,) = ended.json
    assert timed["run"] == "run"
    assert 0 < timed["int8_ms"] < 100
    assert timed["int8_bytes"] < 80_000
    assert json.loads((tiny.run.path / TIME_FILE).read_text()) == timed


def test_time_refuses_a_folder_that_is_no_run(command, tmp_path) -> None:
    assert command(main, "time", tmp_path).refused("run.json is missing")
