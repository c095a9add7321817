"""Recordings in the paper's form, for the tests that import them."""

from pathlib import Path

import cv2
import numpy as np
import pytest


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
