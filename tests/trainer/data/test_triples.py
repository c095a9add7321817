"""Windows of footage: sharp from small recordings, enlarged to close-ups, moving as the recording does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from trainer.data.triples import CLOSE_UP_SCALE, MIN_SCALE, SceneSource
from trainer.scenes.footage import probe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.data.triples import SceneTriple

SIZE = 448
_DRAWS = 60


def _drawn(folder: Path, pictures: list[NDArray[np.uint8]], draws: int = _DRAWS) -> list[SceneTriple]:
    """Draw plain windows of a recording of these pictures."""
    folder.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number:02d}.png"), picture)
    footage, refused = probe([folder])
    assert not refused
    rng = np.random.default_rng(5)
    source = SceneSource(rng, "train", [], footage, SIZE, footage_share=1.0)
    return [triple for triple in (source.draw(rng) for _ in range(draws)) if triple.trait == "plain"]


def _square_at(x: int, side: int, width: int, height: int) -> NDArray[np.uint8]:
    picture = np.full((height, width, 3), 20, np.uint8)
    picture[height // 2 : height // 2 + side, x : x + side] = 220
    return picture


def _widest_run(view: NDArray[np.float32]) -> int:
    """Return how many pixels in a row are nearer to the square's brightness than to the ground's."""
    grey = view.mean(axis=2)
    bright = (grey > (grey.max() + grey.min()) / 2).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bright.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max())


@pytest.fixture(scope="module")
def small_place(tmp_path_factory: pytest.TempPathFactory) -> list[SceneTriple]:
    pictures = [_square_at(60 + 2 * i, 4, 160, 120) for i in range(12)]
    return _drawn(tmp_path_factory.mktemp("small") / "pictures", pictures)


def test_window_of_a_small_recording_is_whole(small_place: list[SceneTriple]) -> None:
    assert len(small_place) > _DRAWS // 2
    assert {view.shape for triple in small_place for view in triple.levels} == {(SIZE, SIZE, 3)}


def test_small_recording_is_shown_as_sharp_as_its_camera_shows_it(small_place: list[SceneTriple]) -> None:
    widths = [_widest_run(triple.levels[1]) for triple in small_place]
    # Enlarged to fill the window, the four pixels of the square would be fifteen.
    assert sum(width <= 6 for width in widths) >= len(widths) // 6


def test_small_recording_goes_on_as_its_mirror_image(small_place: list[SceneTriple]) -> None:
    sharp = min(small_place, key=lambda triple: _widest_run(triple.levels[1]))
    bright = sharp.levels[1].mean(axis=2) > 100 * sharp.levels[1].max() / 255
    squares = cv2.connectedComponents(bright.astype(np.uint8))[0] - 1
    assert squares >= 4


def test_motion_of_a_small_recording_is_kept(small_place: list[SceneTriple]) -> None:
    moved = [float(np.abs(triple.levels[0] - triple.levels[2]).max()) for triple in small_place]
    assert min(moved) > 20


def test_close_ups_fill_the_window(tmp_path: Path) -> None:
    pictures = [_square_at(100 + 6 * i, 40, 320, 240) for i in range(12)]
    widths = [_widest_run(triple.levels[1]) for triple in _drawn(tmp_path / "pictures", pictures)]
    assert min(widths) >= 40 * MIN_SCALE - 2
    assert 40 * 3.5 < max(widths) <= 40 * CLOSE_UP_SCALE + 2
