import json

from quantize.commands import main
from trainer.studies.ablate import TIME_FILE


def test_a_run_is_timed_as_int8_and_the_time_noted_in_its_folder(command, tiny) -> None:
    ended = command(main, "time", tiny.run.path, "--json")
    assert ended.code == 0
    (timed,) = ended.json
    assert timed["run"] == "run"
    assert 0 < timed["int8_ms"] < 100
    assert timed["int8_bytes"] < 80_000
    assert json.loads((tiny.run.path / TIME_FILE).read_text()) == timed


def test_what_is_no_run_is_refused(command, tmp_path) -> None:
    assert command(main, "time", tmp_path).refused("run.json is missing")
