from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data.imported import ImportOptions, build_imported
from trainer.data.recordings import find_blotches, import_recordings, session_auc, split_recordings
from trainer.errors import DatasetError


def dark(rng: np.random.Generator, size: tuple[int, int], spots: int, strength: int) -> np.ndarray:
    picture = rng.integers(0, 3, (size[1], size[0], 3), np.uint8)
    picture[10, 10] = 90  # a hot pixel, in every frame
    for _ in range(spots):
        x, y = rng.integers(4, size[0] - 4), rng.integers(16, size[1] - 4)
        picture[y : y + 2, x : x + 2, rng.integers(3)] = strength
    return picture


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Lay out a folder in the paper's form: A, B and C as pictures and videos, odd sizes, a broken file among them."""
    rng = np.random.default_rng(4)
    for name, strength, size in (("A", 40, (101, 67)), ("C", 150, (101, 67))):
        for session in ("one", "two"):
            folder = tmp_path / name / session
            folder.mkdir(parents=True)
            for i in range(8):
                cv2.imwrite(str(folder / f"{i}.png"), dark(rng, size, 3, strength))
    (tmp_path / "C" / "one" / "3.png").write_bytes(b"broken")
    light = tmp_path / "A" / "light"
    light.mkdir()
    for i in range(3):
        cv2.imwrite(str(light / f"{i}.png"), np.full((50, 60, 3), 90, np.uint8))
    writer = cv2.VideoWriter(
        str(tmp_path / "C" / "film.avi"), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (96, 80)
    )
    for _ in range(6):
        writer.write(dark(rng, (96, 80), 4, 200))
    writer.release()
    (tmp_path / "B").mkdir()
    for k in range(2):
        writer = cv2.VideoWriter(
            str(tmp_path / "B" / f"{k}.avi"), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (130, 98)
        )
        ground = np.clip(rng.normal(70 + 20 * k, 20, (98, 130, 3)), 0, 255).astype(np.uint8)
        for i in range(6):
            writer.write(np.roll(ground, 3 * i, axis=1))
        writer.release()
    (tmp_path / "B" / "notes.mp4").write_text("no film")
    return tmp_path


def test_the_report_says_what_was_used_and_what_not_and_why(paper: Path) -> None:
    imported = import_recordings(paper)
    report = imported.report()
    assert "A  not used  light: all of its 3 pictures are brighter" in report
    assert "C  not used  3.png: is no picture" in report
    assert "B  not used  notes.mp4: is no video" in report
    assert "B  used      0.avi: 6 frames of 130x98" in report
    assert "film.avi" in report
    assert "contaminated" in report
    assert "tells A from C with AUC" in report
    assert len(imported.noise) > 15
    assert len(imported.radiation) > 20


def test_a_hot_pixel_is_no_blotch_and_a_patch_holds_its_spot_alone(paper: Path) -> None:
    imported = import_recordings(paper)
    assert not [one for one in (*imported.noise, *imported.radiation) if (one.x, one.y) == (10, 10)]
    for one in imported.radiation:
        assert one.patch.max() == one.peak_dn == one.patch[16, 16].max()
        assert np.count_nonzero(one.patch.max(axis=2)) == one.pixels


def test_blotches_are_split_by_recording(paper: Path) -> None:
    train, held_out = split_recordings(import_recordings(paper).radiation)
    assert train
    assert held_out
    assert not {one.recording for one in train} & {one.recording for one in held_out}


@pytest.mark.parametrize("fusion", ["max", "charge"])
def test_imported_sets_become_a_dataset(paper: Path, tmp_path: Path, fusion: str) -> None:
    options = ImportOptions(24, 64, "max" if fusion == "max" else "charge", 1)
    dataset = build_imported(tmp_path / "set", import_recordings(paper), options)
    samples = dataset.samples()
    assert samples.label.sum() == 12
    assert dataset.count("validation")[0] == 6
    train, validation = (set(dataset.samples(split).column("scene")) for split in ("train", "validation"))
    assert train
    assert not train & validation
    for strata, label in zip(samples.strata, samples.label, strict=True):
        assert strata["contaminated"] == (not label)
        assert strata["recording"] in ({"one", "two", "film.avi"} if label else {"one", "two"})
    assert np.median(samples.column("added_dn")[samples.label == 1]) > 5


def test_saturated_light_leaks_are_no_blotches() -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[5:30, 5:30] = 200
    picture[50, 50] = 60
    assert [(one.x, one.y) for one in find_blotches(picture, (), "r", 0)] == [(50, 50)]


def test_a_folder_without_a_b_and_c_says_which_is_missing(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    with pytest.raises(DatasetError, match="no subfolder B"):
        import_recordings(tmp_path)


def test_an_empty_set_says_so(paper: Path) -> None:
    for file in (paper / "B").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match=r"nothing in B can be used \(it is empty\)"):
        import_recordings(paper)


def test_one_scene_alone_cannot_be_split(paper: Path, tmp_path: Path) -> None:
    (paper / "B" / "1.avi").unlink()
    with pytest.raises(DatasetError, match="one recording only"):
        build_imported(tmp_path / "set", import_recordings(paper), ImportOptions(24, 64, "max", 1))


def test_how_well_the_session_alone_can_be_told() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, (200, 2)), rng.normal(0, 1, (200, 2))
    assert session_auc(one, other) < 0.6
    assert session_auc(one, other + np.array([0, 10])) == 1.0
    assert session_auc(one + np.array([10, 0]), other) == 1.0
