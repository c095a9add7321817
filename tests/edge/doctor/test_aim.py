from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.capture.frame import Frame
from edge.doctor.aim import readings, sharpness_of

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)
SCENE = (np.indices((240, 320)).sum(axis=0) // 16 % 2 * 100 + 50).astype(np.uint8)


def blurred(sigma):
    return SCENE if sigma == 0 else cv2.GaussianBlur(SCENE, (0, 0), sigma)


def frames(pictures):
    return [Frame(number, number * 0.2, UTC, picture) for number, picture in enumerate(pictures)]


def test_sharpness_falls_with_blur_and_hardly_rises_with_noise():
    values = [sharpness_of(blurred(sigma)) for sigma in (0, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    noisy = np.clip(blurred(4) + np.random.default_rng(1).normal(0, 4, SCENE.shape), 0, 255).astype(np.uint8)
    assert sharpness_of(noisy) < values[1]


def test_focus_is_best_where_the_lens_is_sharp():
    found = list(readings(frames([blurred(sigma) for sigma in (6, 4, 2, 0, 2, 4)]), 0.1))
    assert [reading.focus > 0.9 for reading in found] == [True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("picture", "advice"),
    [
        (np.full((64, 64), 255, np.uint8), "too bright"),
        (np.full((64, 64), 3, np.uint8), "too dark"),
        (SCENE, "good"),
    ],
    ids=["white", "black", "good"],
)
def test_advice_fits_the_picture(picture, advice):
    [reading] = readings(frames([picture]))
    assert reading.advice.startswith(advice)
