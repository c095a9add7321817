from pathlib import Path

import numpy as np
import pytest

from trainer.data.recordings import find_blotches, import_recordings, session_auc, split_recordings
from trainer.errors import DatasetError


def test_import_recordings_reports_what_was_used(paper: Path) -> None:
    imported = import_recordings(paper)
    report = imported.report()
    assert "A  not used  light: all of its 3 pictures are brighter" in report
    assert "C  not used  3.png: is cut short or cannot be decoded" in report
    assert "B  not used  notes.mp4: is no video" in report
    assert "B  used      0.avi: 6 frames of 130x98" in report
    assert "film.avi" in report
    assert "contaminated" in report
    assert "tells A from C with AUC" in report
    assert len(imported.noise) > 15
    assert len(imported.radiation) > 20


def test_import_recordings_leaves_hot_pixels_out(paper: Path) -> None:
    imported = import_recordings(paper)
    assert not [blotch for blotch in (*imported.noise, *imported.radiation) if (blotch.x, blotch.y) == (10, 10)]
    for blotch in imported.radiation:
        assert blotch.patch.max() == blotch.peak_dn == blotch.patch[16, 16].max()
        assert np.count_nonzero(blotch.patch.max(axis=2)) == blotch.pixels


def test_split_recordings_keeps_recordings_apart(paper: Path) -> None:
    train, held_out = split_recordings(import_recordings(paper).radiation)
    assert train
    assert held_out
    assert not {blotch.recording for blotch in train} & {blotch.recording for blotch in held_out}


def test_find_blotches_leaves_light_leaks_out() -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[5:30, 5:30] = 200
    picture[50, 50] = 60
    assert [(blotch.x, blotch.y) for blotch in find_blotches(picture, (), "r", 0)] == [(50, 50)]


def test_import_recordings_names_the_missing_set(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    with pytest.raises(DatasetError, match="no subfolder B"):
        import_recordings(tmp_path)


def test_import_recordings_names_an_empty_set(paper: Path) -> None:
    for file in (paper / "B").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match=r"nothing in B can be used \(it is empty\)"):
        import_recordings(paper)


def test_session_auc() -> None:
    rng = np.random.default_rng(1)
    first, other = rng.normal(0, 1, (200, 2)), rng.normal(0, 1, (200, 2))
    assert session_auc(first, other) < 0.6
    assert session_auc(first, other + np.array([0, 10])) == 1.0
    assert session_auc(first + np.array([10, 0]), other) == 1.0
