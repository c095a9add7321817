from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data.hits import hit_bank
from trainer.data.recordings import CUT_PX
from trainer.errors import DatasetError
from trainer.studies.hit_pictures import HitPictures, recorded_hits, simulated_hits, trimmed

HALF = CUT_PX // 2


def write_covered(folder: Path, spots: list[tuple[int, int, int]], hot: tuple[int, int] = (100, 20)) -> None:
    """Write a dark picture for each spot (x, y, level), all with the same hot pixel."""
    folder.mkdir(parents=True)
    for i, (x, y, level) in enumerate(spots):
        picture = np.zeros((80, 120, 3), np.uint8)
        picture[y, x] = (level // 3, level, level // 2)
        picture[y, x + 1] = (0, level // 2, 0)
        picture[hot[1], hot[0]] = 200
        cv2.imwrite(str(folder / f"{i:03d}.png"), picture)


def patch(*pixels: tuple[int, int, int]) -> np.ndarray:
    """Make a patch of grey pixels (x, y, level) counted from its middle."""
    made = np.zeros((CUT_PX, CUT_PX, 3), np.uint8)
    for x, y, level in pixels:
        made[HALF + y, HALF + x] = level
    return made


def test_recorded_hits_leave_hot_pixels_out(tmp_path: Path) -> None:
    write_covered(tmp_path / "a" / "b", [(30, 40, 90), (60, 50, 120), (20, 30, 60)])
    found = recorded_hits(tmp_path, 100, np.random.default_rng(1))
    assert sorted(found[:, HALF, HALF, 1].tolist()) == [60, 90, 120]
    assert (np.count_nonzero(found.any(axis=3), axis=(1, 2)) == 2).all()


def test_recorded_hits_refuse_an_uncovered_camera(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((80, 120, 3), 120, np.uint8))
    with pytest.raises(DatasetError, match="no hit in it"):
        recorded_hits(tmp_path, 10, np.random.default_rng(1))


def test_simulated_hits_are_spots_of_a_covered_camera() -> None:
    found = simulated_hits(hit_bank(("Tc-99m",), 40), 50, np.random.default_rng(2))
    assert found.shape == (50, CUT_PX, CUT_PX, 3)
    assert (found[:, HALF, HALF].max(axis=1) == found.max(axis=(1, 2, 3))).all()
    assert found.max(axis=(1, 2, 3)).min() >= 20
    assert np.median(np.count_nonzero(found.any(axis=3), axis=(1, 2))) < 40


def test_like_draws_a_hit_that_adds_as_much() -> None:
    levels = (30, 60, 90, 120, 150, 180, 210, 240) * 4
    pictures = HitPictures.of(np.array([patch((0, 0, level)) for level in levels]))
    ground = np.full(3, 80, np.float32)
    added = pictures.added_dn(ground)
    assert (np.diff(added[:8]) > 0).all()
    for wanted in (added[2], added[6]):
        chosen = pictures.like(float(wanted), ground, np.random.default_rng(3))
        assert abs(float(pictures.added_dn(ground)[levels.index(int(chosen.max()))]) - wanted) <= 40


def test_like_draws_a_hit_of_the_same_size() -> None:
    small = [patch((0, 0, 100))] * 30
    large = [patch((0, 0, 100), *((x, 1, 40) for x in range(9)))] * 30
    pictures = HitPictures.of(np.array(small + large))
    ground = np.full(3, 50, np.float32)
    for pixels in (1, 10):
        chosen = pictures.like(40.0, ground, np.random.default_rng(4), pixels)
        assert np.count_nonzero(chosen.any(axis=2)) == pixels


@pytest.mark.parametrize("turn", range(8))
def test_trimmed_keeps_the_whole_hit(turn: int) -> None:
    cut, x, y = trimmed(patch((0, 0, 200), (1, 0, 90), (3, 1, 30)), turn)
    assert sorted(cut.shape[:2]) == [2, 4]
    assert sorted(cut[..., 1][cut[..., 1] > 0].tolist()) == [30, 90, 200]
    assert cut[y, x, 1] == 200
