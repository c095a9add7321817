"""The truth of a hit is the difference to the same picture without it."""

import numpy as np
import pytest

from trainer.filming.events import HitEvent
from trainer.filming.truth import rise_dn, truth_line
from trainer.scenes.hall import default_scene
from trainer.sensor.camera import Camera
from trainer.sensor.isp import GREY_OF_BGR
from trainer.sensor.library import HitLibrary


def test_truth_line_is_the_difference_a_hit_makes(camera: Camera, library: HitLibrary) -> None:
    scene = next(default_scene(camera.width, camera.height, 1))
    rng = np.random.default_rng(6)
    for charge, energy in library.sample(rng, 25):
        h, w = charge.shape
        if h > 100 or w > 100:
            continue
        event = HitEvent(
            0, int(rng.integers(camera.width - w)), int(rng.integers(camera.height - h)), charge, energy, ""
        )
        line = truth_line(scene, event, camera)
        rise, (x0, y0) = rise_dn(scene, event, camera)
        grey = rise @ GREY_OF_BGR
        assert line["added"] == pytest.approx(max(grey.max(), 0), abs=0.06)
        assert line["added"] < 1 or grey[line["y"] - y0, line["x"] - x0] == pytest.approx(grey.max())
        bx0, by0, bx1, by1 = line["box"]
        assert bx0 <= line["x"] <= bx1
        assert by0 <= line["y"] <= by1
        assert 1 <= line["pixels"] <= (bx1 - bx0 + 1) * (by1 - by0 + 1)


def test_truth_line_on_white_names_the_brightest_charge(camera: Camera) -> None:
    charge = np.array([[10, 900, 10]], np.float32)
    white = np.full((camera.height, camera.width, 3), 255, np.uint8)
    line = truth_line(white, HitEvent(2, 50, 60, charge, 3.0, ""), camera)
    assert (line["x"], line["y"], line["added"], line["pixels"]) == (51, 60, 0.0, 1)
