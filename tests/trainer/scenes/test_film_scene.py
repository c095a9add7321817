import itertools
from pathlib import Path

import cv2
import numpy as np

from trainer.scenes.film_scene import fit, scene_digest, scene_frames


def test_scene_frames_run_there_and_back(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((60, 80, 3), 40 * (i + 1), np.uint8))
    shown = list(itertools.islice(scene_frames(str(tmp_path), (160, 120), 1), 7))
    assert [round(float(frame.mean()) / 40) for frame in shown] == [1, 2, 3, 2, 1, 2, 3]
    assert shown[0].shape == (120, 160, 3)
    wide = np.zeros((100, 400, 3), np.uint8)
    wide[:, 200:] = 200
    assert fit(wide, (100, 100)).shape == (100, 100, 3)


def test_scene_digest_follows_the_content(tmp_path) -> None:
    for name, content in (("a.png", b"one"), ("b.png", b"two")):
        (tmp_path / name).write_bytes(content)
    whole, single = scene_digest(str(tmp_path)), scene_digest(str(tmp_path / "a.png"))
    assert single.startswith("a.png sha256:")
    (tmp_path / "b.png").write_bytes(b"three")
    assert scene_digest(str(tmp_path)) != whole
    assert scene_digest(str(tmp_path / "a.png")) == single


def test_scene_frames_of_numbered_deep_pictures(tmp_path: Path) -> None:
    for i in range(1, 12):
        deep = np.full((96, 96), 16 * 20 * i, np.uint16)
        cv2.imwrite(str(tmp_path / f"{i}.png"), deep)
    frames = scene_frames(str(tmp_path), (96, 96), 1)
    assert [int(next(frames)[0, 0, 0]) // 20 for _ in range(11)] == list(range(1, 12))
