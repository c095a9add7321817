"""The trainer and the quantiser never overwrite what they did not write."""

import json

import pytest

from edge.errors import OutputError
from quantize.commands import main as quantize_main
from quantize.reference_run import require_copy_place
from trainer.commands.cli import main
from trainer.errors import FilmError, RunError
from trainer.filming.record import Record, begin_or_resume
from trainer.training.resume import open_or_begin

NOTES = "my notes, the only copy\n"


def test_validate_sensor_keeps_a_foreign_page_before_it_works(command, tmp_path):
    (tmp_path / "page.html").write_text(NOTES)
    ended = command(main, "study", "validate-sensor", "--out", tmp_path / "page.html")
    assert ended.refused("page.html", "--force")
    assert (tmp_path / "page.html").read_text() == NOTES


@pytest.mark.parametrize("option", ["--report", "--keep"])
def test_check_keeps_foreign_files_before_it_works(command, tmp_path, option):
    (tmp_path / "file").write_text(NOTES)
    ended = command(quantize_main, "check", tmp_path, "--reference", tmp_path, option, tmp_path / "file")
    assert ended.refused("file", "--force")
    assert (tmp_path / "file").read_text() == NOTES


def test_convert_keeps_foreign_files_before_it_works(command, tmp_path):
    (tmp_path / "model.tflite").write_text(NOTES)
    assert command(quantize_main, "convert", tmp_path, "--out", tmp_path).refused("no bundle")
    assert (tmp_path / "model.tflite").read_text() == NOTES


@pytest.mark.parametrize("name", ["last.keras", "log.jsonl"])
def test_reference_never_replaces_the_weights_of_a_training(tmp_path, name):
    (tmp_path / name).write_text(NOTES)
    with pytest.raises(OutputError, match="weights would be lost"):
        require_copy_place(tmp_path / "run", tmp_path, force=True)


def test_reference_keeps_foreign_files(tmp_path):
    (tmp_path / "run.json").write_text(NOTES)
    with pytest.raises(OutputError, match="no copy of a run"):
        require_copy_place(tmp_path / "run", tmp_path)
    require_copy_place(tmp_path / "run", tmp_path, force=True)


@pytest.mark.parametrize("name", ["run.json", "log.jsonl"])
def test_fit_keeps_foreign_files_in_its_folder(tmp_path, name):
    (tmp_path / name).write_text(NOTES)
    with pytest.raises(RunError):
        open_or_begin(tmp_path, None)
    assert (tmp_path / name).read_text() == NOTES


def test_film_keeps_a_foreign_file_in_place_of_its_clip(tmp_path):
    record = Record({"frames": 3})
    begin_or_resume(tmp_path / "film.avi", record)
    (tmp_path / "film.avi").write_text(NOTES)
    with pytest.raises(FilmError, match="is no film"):
        begin_or_resume(tmp_path / "film.avi", record)


@pytest.mark.parametrize("line", [NOTES, json.dumps({"x": 3}) + "\n", '{"frame": NaN}\n'])
def test_film_keeps_a_foreign_truth(tmp_path, line):
    record = Record({"frames": 3})
    begin_or_resume(tmp_path / "film.avi", record)
    (tmp_path / "film.avi").write_bytes(b"RIFF")
    (tmp_path / "film.jsonl").write_text(line)
    with pytest.raises(FilmError, match="no truth"):
        begin_or_resume(tmp_path / "film.avi", record)
