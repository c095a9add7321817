from itertools import islice

import numpy as np
import pytest

from edge.detect.manifest import Bundle, Sensitivity
from trainer.sensor.camera import OV2710, change
from trainer.sensor.radiation import nuclide_field
from trainer.studies.rates import BRIGHT_DN, compare_scenes, scenes_of

CAMERA = change(OV2710, width=320, height=240, fps=25.0)


def test_scenes_of_are_four_of_one_place():
    scenes = scenes_of("generated", (160, 120), 3)
    first = {name: next(scene()) for name, scene in scenes.items()}
    moved = {
        name: [np.abs(a.astype(int) - b).max() for a, b in zip(scene(), islice(scene(), 1, 5), strict=False)]
        for name, scene in scenes.items()
    }
    assert list(scenes) == ["still", "busy", "bright", "busy and bright"]
    assert not any(moved["still"] + moved["bright"])
    assert all(moved["busy"] + moved["busy and bright"])
    assert np.array_equal(first["still"], first["busy"])
    assert np.array_equal(first["bright"], first["busy and bright"])
    assert np.median(first["bright"].mean(axis=2)) == pytest.approx(BRIGHT_DN, abs=20)
    assert first["bright"].max() < 250


def test_sensitivity_raises_the_rate_of_bright_scenes(bundle):
    field = nuclide_field("Tc-99m", dose_rate=100_000.0)
    table = Sensitivity(ground_dn=(150.0, 170.0), relative=(1.0, 0.5))
    weighed = Bundle(
        bundle.path, bundle.manifest.model_copy(update={"sensitivity": table}), bundle.model, bundle.screen
    )
    plain, corrected = (compare_scenes(one, CAMERA, field, frames=25, seed=3) for one in (bundle, weighed))
    assert [row.live_hits for row in plain] == [row.live_hits for row in corrected]
    assert all(0 < row.live_true_hits <= row.live_hits for row in plain)
    assert all(
        row.false_hz * row.live_true_hits == pytest.approx(row.corrected_hz * (row.live_hits - row.live_true_hits))
        for row in corrected
    )
    assert all(row.corrected_hz == pytest.approx(row.plain_hz) for row in plain)
    still, bright = corrected[0], corrected[2]
    assert bright.sensitivity < still.sensitivity
    assert bright.corrected_hz == pytest.approx(bright.plain_hz / bright.sensitivity, rel=0.05)
    assert bright.corrected_ratio == pytest.approx(bright.corrected_hz / still.corrected_hz)
    assert (still.plain_ratio, still.corrected_ratio, still.ratio_error) == (1, 1, 0)
    assert all(0 < row.ratio_error < 0.5 for row in corrected[1:])
