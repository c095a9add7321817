import cv2
import numpy as np
import pytest
from drawn_scenes import drawn_scene as scene
from drawn_scenes import noisy

from edge.capture.picture_facts import agreement, picture_facts


@pytest.mark.parametrize("size", [(64, 64), (161, 119), (641, 479), (1920, 1080)])
def test_facts_of_even_pictures_are_those_of_their_grey(size):
    facts = picture_facts(np.full(size[::-1], 70, np.uint8))
    assert (facts.mean_dn, facts.bright_dn) == (pytest.approx(70), 70)
    assert (facts.saturated_share, facts.coarse_dn, facts.contrast_dn) == (0, 0, 0)
    assert facts.view.shape == (36, 64)


def test_facts_measure_light():
    picture = np.zeros((480, 640), np.uint8)
    picture[:120] = 255
    facts = picture_facts(picture)
    assert facts.mean_dn == pytest.approx(255 / 4, rel=0.02)
    assert facts.saturated_share == pytest.approx(0.25, abs=0.01)
    assert facts.bright_dn == 255
    assert facts.view[0].min() == 255


@pytest.mark.parametrize("sigma", [1.5, 3, 6])
@pytest.mark.parametrize("light", [0.4, 1.0], ids=["dim", "bright"])
def test_sharpness_falls_with_blur_at_any_light(sigma, light):
    sharp = (scene() * light).astype(np.uint8)
    soft = cv2.GaussianBlur(sharp, (0, 0), sigma)
    before, after = (picture_facts(noisy(picture)).sharpness for picture in (sharp, soft))
    assert before > 0.8
    assert after < (0.5 if sigma > 2 else 0.65) * before


def view_of(picture):
    return picture_facts(picture).view


def test_agreement_is_high_in_other_light_and_low_for_other_scenes():
    night = (255 * (scene() / 255.0) ** 2 * 0.5).astype(np.uint8)
    assert agreement(view_of(scene()), view_of(noisy(night, sigma=4))).here > 0.8
    others = [agreement(view_of(scene(1)), view_of(scene(seed))).here for seed in range(2, 12)]
    assert max(others) < 0.3


def test_agreement_finds_a_shifted_view():
    wide = scene(size=(900, 480))
    found = agreement(view_of(wide[:, :640]), view_of(wide[:, 40:680]))
    assert found.elsewhere > 0.7
    assert found.here < found.elsewhere - 0.25
