from pathlib import Path

import pytest

from trainer.errors import RunError
from trainer.training.run import LOG_FILE, RUN_FILE, Run, read_log


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "run.json is missing"),
        ("{", r"run.json is none of this version \(it is no JSON"),
        ('{"schema_version": 7}', "schema_version: found the number 7, expected 1"),
        ('{"network": {"name": "screen"}, "colour": 1}', "is missing, expected a value"),
    ],
)
def test_run_open_names_the_folder_and_its_fault(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / RUN_FILE).write_text(content)
    with pytest.raises(RunError, match=told):
        Run.open(tmp_path)


def test_read_log_skips_a_line_cut_short(tmp_path: Path) -> None:
    (tmp_path / LOG_FILE).write_text('{"epoch": 0}\n{"epoch": 1}\n{"epo')
    assert read_log(tmp_path) == [{"epoch": 0}, {"epoch": 1}]
    assert read_log(tmp_path / "none") == []
