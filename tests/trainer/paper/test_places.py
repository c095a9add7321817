import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.errors import DatasetError
from trainer.paper.places import MIN_FRAMES, TIMES, GeneratedPlace, places_of


def recording(folder: Path, name: str, frames: int, *, moves: bool) -> Path:
    """Write pictures of a grey wall, past which a dark square goes where something moves."""
    place = folder / name
    place.mkdir()
    wall = np.random.default_rng(1).integers(110, 120, (120, 160, 3), np.uint8)
    for number in range(frames):
        picture = wall.copy()
        if moves:
            picture[30:90, 4 + 2 * (number % 40) : 44 + 2 * (number % 40)] = 20
        cv2.imwrite(str(place / f"{number:03d}.png"), picture)
    return place


def test_times_of_the_splits_do_not_overlap() -> None:
    spans = sorted(TIMES.values())
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


def test_recorded_windows_hold_what_moves_and_keep_to_their_time(tmp_path: Path) -> None:
    (place,) = places_of([recording(tmp_path, "gate", 60, moves=True)], 0, "train")
    rng = np.random.default_rng(4)
    for split in TIMES:
        windows = [views for _ in range(4) for views in place.windows(rng, split, 64, 3)]
        assert all(view.shape == (64, 64, 3) for views in windows for view in views)
        assert np.mean([cv2.absdiff(views[0], views[2]).max() > 50 for views in windows]) > 0.5


@pytest.mark.parametrize(("frames", "moves", "reason"), [(60, False, "nobody moves"), (12, True, str(MIN_FRAMES))])
def test_places_name_what_is_not_used(tmp_path: Path, frames, moves, reason) -> None:
    bad = recording(tmp_path, "bad", frames, moves=moves)
    said: list[str] = []
    with pytest.raises(DatasetError, match="no footage with people"):
        places_of([bad], 3, "train", said.append)
    assert reason in said[0]
    good = recording(tmp_path, "good", 60, moves=True)
    assert len(places_of([tmp_path], 3, "train", said.append)) == 4
    assert good.exists()


def test_generated_windows_lie_around_people() -> None:
    place = GeneratedPlace(3, "train")
    windows = place.windows(np.random.default_rng(5), "test", 96, 4)
    assert len(windows) == 4
    assert all(view.dtype == np.uint8 and view.shape == (96, 96, 3) for views in windows for view in views)
    assert any(cv2.absdiff(views[0], views[2]).max() > 20 for views in windows)


def test_generated_places_of_other_textures_have_other_names() -> None:
    own = places_of([], 3, "train")
    others = places_of([], 3, "test", first_seed=10)
    assert len({place.name for place in (*own, *others)}) == 6
