import json
import shutil
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.commands.cli import app
from edge.commands.console import EXIT_CHECK_FAILED
from edge.config.device import load_settings
from edge.errors import RecordingError
from edge.site.recording import Recorder, begin, check_room, note_of
from trainer.data.recordings import import_recordings

from .conftest import write_film


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def record(config, out, *words):
    return CliRunner().invoke(app, ["record", "--config", str(config), str(out), *words], catch_exceptions=True)


def recorder_of(config, out, film, **note):
    settings = load_settings(config())
    source = open_source(film, exposure_s=0.033)
    frames = iter(source)
    start = begin(source, frames)
    return Recorder(out, settings, source, start, {"set": "B", **note}), frames


def test_record_stores_raw_jpegs_with_a_note(config, films, tmp_path):
    done = record(config(), tmp_path / "out", "--set", "B", "--seconds", "4", "--yes", "--json", "--remark", "test")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    with open_source(films / "view.avi") as camera, open_source(told["path"]) as stored:
        original, copied = list(camera), list(stored)
    assert [frame.jpeg for frame in copied] == [frame.jpeg for frame in original[: len(copied)]]
    assert len(copied) == told["frames"] == 101
    assert told["complete"] is True
    assert (told["fps"], told["exposure_s"], told["covered"], told["remark"]) == (25.0, 0.033, False, "test")
    assert told["path"].startswith(str(tmp_path / "out" / "B" / "gate-"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(("--set", "D"), "expected A, B or C", id="no such set"),
        pytest.param(("--set", "C"), "--radiation", id="source not named"),
        pytest.param(("--set", "A", "--radiation", "Tc-99m"), "--radiation", id="source named"),
        pytest.param(("--set", "A"), "is not covered", id="uncovered"),
    ],
)
def test_record_refuses_what_does_not_fit(config, tmp_path, words, reason):
    done = record(config(), tmp_path / "out", *words, "--seconds", "2", "--yes")
    assert reason in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_record_refuses_a_covered_lens_for_scenes(config, films, tmp_path):
    path = config(source={"spec": str(films / "dark.avi")})
    assert "is covered" in str(record(path, tmp_path, "--set", "B", "--seconds", "2", "--yes").exception)


def test_record_asks_before_it_stores_pictures_of_people(config, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.commands.guide.can_ask", lambda: True)
    done = CliRunner().invoke(
        app, ["record", "--config", str(config()), str(tmp_path / "out"), "--set", "B", "--seconds", "2"], input="n\n"
    )
    assert done.exit_code == EXIT_CHECK_FAILED
    assert "Record pictures of people?" in done.stderr
    assert not (tmp_path / "out").exists()


def test_record_ends_with_its_source(config, tmp_path):
    done = record(config(), tmp_path, "--set", "B", "--seconds", "60", "--yes", "--json")
    assert done.exit_code == EXIT_CHECK_FAILED
    assert json.loads(done.stdout)["ended"] == "the source ended"
    assert json.loads(done.stdout)["frames"] == 250


def test_recorder_leaves_a_gap_where_frames_were_lost(config, films, tmp_path):
    recorder, frames = recorder_of(config, tmp_path, films / "view.avi")
    thinned = (frame for frame in frames if frame.sequence not in {70, 71, 90})
    note = recorder.write(thinned, 4)
    assert (note.frames, note.missing, note.complete) == (98, 3, True)
    with open_source(recorder.path) as stored:
        sequences = [triple.current.sequence for triple in triples(stored)]
    assert not {69, 70, 71, 72, 89, 90, 91} & set(sequences)
    assert {68, 73, 88, 92} <= set(sequences)


def test_recorder_replaces_nothing(config, films, tmp_path, monkeypatch):
    recorder, _ = recorder_of(config, tmp_path, films / "view.avi")
    recorder.path.write_bytes(b"precious")
    monkeypatch.setattr("edge.site.recording.file_name", lambda *_: recorder.path.name)
    with pytest.raises(RecordingError, match="exists"):
        recorder_of(config, tmp_path, films / "view.avi")
    assert recorder.path.read_bytes() == b"precious"


def test_recorder_keeps_what_an_interruption_leaves(config, films, tmp_path):
    recorder, frames = recorder_of(config, tmp_path, films / "view.avi")

    def interrupted():
        for frame in frames:
            if frame.sequence == 80:
                raise KeyboardInterrupt
            yield frame

    with pytest.raises(KeyboardInterrupt):
        recorder.write(interrupted(), 8)
    note = note_of(recorder.path)
    assert (note.frames, note.complete, note.ended) == (80, False, "interrupted")
    with open_source(recorder.path) as stored:
        assert len(list(stored)) == 80


def test_record_checks_the_room_on_the_disk(config, films, tmp_path, monkeypatch):
    with open_source(films / "view.avi") as source:
        start = begin(source, iter(source))
    needed = 10 * start.fps * start.bytes_a_frame
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, int(200_000_000 + needed / 2)))
    with pytest.raises(RecordingError, match=r"or record [45] s"):
        check_room(tmp_path, start, 10)
    check_room(tmp_path, start, 4)
    recorder, frames = recorder_of(config, tmp_path, films / "view.avi")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 199_000_000))
    note = recorder.write(frames, 4)
    assert (note.complete, note.ended) == (False, "the disk is almost full")


def test_recordings_of_a_box_are_imported_with_their_notes(config, films, tmp_path):
    spots = [(n, 20 + 7 * n % 100, 20 + 3 * n % 80) for n in range(5, 115, 5)]
    sources = {
        "A": write_film(tmp_path / "a.avi", 120, 3.0, hits=spots[:6], seed=5),
        "B": films / "view.avi",
        "C": write_film(tmp_path / "c.avi", 120, 3.0, hits=spots, seed=6),
    }
    out = tmp_path / "recordings"
    for name, film in sources.items():
        words = ("--radiation", "Tc-99m, 700 MBq") if name == "C" else ()
        path = config(source={"spec": str(film), "exposure_s": 0.02})
        done = record(path, out, "--set", name, "--seconds", "4", "--yes", *words)
        assert done.exit_code == 0, done.output
    imported = import_recordings(out)
    assert sorted(note.set for note in imported.notes.values()) == ["A", "B", "C"]
    assert "20 ms, Tc-99m, 700 MBq" in imported.report()
    assert not any(imported.refused.values())
    misplaced = next((out / "C").glob("*.avi"))
    for file in (misplaced, misplaced.with_suffix(".json")):
        shutil.copy(file, out / "A" / f"misplaced{file.suffix}")
    assert "its note says that it belongs to set C" in import_recordings(out).report()
