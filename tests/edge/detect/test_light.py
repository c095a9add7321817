import json
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle, shipped_bundle_path
from edge.detect import faint, light
from edge.detect.detector import Detector
from edge.detect.light import COLOUR_PX, FRAMES, GREY_PX, NAMES, LightNetwork, describe, shipped_network
from edge.errors import BundleError

MIDDLE = GREY_PX // 2


def spot(width, colour, *, height=120.0, ground=(60.0, 60.0, 60.0), steady=0.0):
    """The patches of a spot of a Gaussian width in pixels: it stands in the fourth frame, weaker in the others."""
    rng = np.random.default_rng(1)
    away = np.arange(GREY_PX) - MIDDLE
    shape = np.exp(-(away[:, None] ** 2 + away**2) / (2 * width**2))
    greys = np.mean(ground) + rng.normal(0, 1, (GREY_PX, GREY_PX, FRAMES))
    greys[..., 3] += height * shape
    greys += steady * height * shape[..., None]
    near = slice(MIDDLE - COLOUR_PX + 1, MIDDLE + COLOUR_PX + 1)
    halved = shape[near, near].reshape(COLOUR_PX, 2, COLOUR_PX, 2).mean(axis=(1, 3))
    colours = (
        np.array(ground) + height * halved[..., None] * np.array(colour) + rng.normal(0, 1, (COLOUR_PX,) * 2 + (3,))
    )
    return tuple(np.clip(np.rint(each), 0, 255).astype(np.uint8)[None] for each in (greys, colours))


def described(*shown, score=0.99):
    numbers = describe(*shown, np.array([score]))[0]
    return dict(zip(NAMES, numbers.tolist(), strict=True))


WHITE, RED = (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)


def test_added_light_has_its_own_colour_on_any_ground():
    for ground in ((60.0, 60.0, 60.0), (20.0, 50.0, 110.0)):
        white, red = (described(*spot(1.2, colour, ground=ground)) for colour in (WHITE, RED))
        assert red["red_1"] > 0.9
        assert 0.2 < white["red_1"] < 0.6
        assert white["blue_1"] > 0.15


def test_sharp_and_wide_spots_differ_in_their_sums():
    sharp, wide = (described(*spot(width, WHITE)) for width in (0.5, 1.6))
    assert sharp["sum_3"] + 1 < wide["sum_3"]
    assert sharp["side_high"] < 0.4 < wide["side_low"]


def test_what_stood_there_before_is_told():
    new, steady = (described(*spot(0.8, WHITE, steady=steady)) for steady in (0.0, 0.3))
    assert abs(new["bright_before"]) < 0.1
    assert steady["bright_before"] > 0.2


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_scores_at_the_ends_are_finite(score):
    assert np.isfinite(list(described(*spot(1.0, RED), score=score).values())).all()


def test_shipped_network_fits_the_description():
    network = shipped_network()
    assert json.loads((Path(light.__file__).with_name("light.json")).read_text(encoding="utf-8"))["names"] == list(
        NAMES
    )
    assert network.mean.shape == network.scale.shape == (len(NAMES),)
    assert network.hidden.shape == (len(NAMES), network.output.size)
    assert (network.scale > 0).all()


def test_shipped_network_tells_a_white_soft_spot_from_a_sharp_red_one():
    network = shipped_network()
    shine, hit = (
        network.log_odds(describe(*spot(width, colour), np.array([0.99])))[0]
        for width, colour in ((1.3, WHITE), (0.6, RED))
    )
    assert shine < 0 < hit
    assert hit > shine + 2


def test_log_odds_are_those_of_the_layers():
    network = LightNetwork(
        np.zeros(2, np.float32),
        np.ones(2, np.float32),
        np.eye(2, dtype=np.float32),
        np.zeros(2, np.float32),
        np.array([1, -1], np.float32),
        0.5,
    )
    assert network.log_odds(np.array([[2, 1], [9, -3]], np.float32)).tolist() == [1.5, 4.5]


@pytest.mark.parametrize(
    ("module", "name", "shipped"),
    [(light, "light.json", light.shipped_network), (faint, "faint.json", faint.shipped_networks)],
    ids=["light", "faint"],
)
def test_detector_says_at_its_start_that_a_network_is_missing(tmp_path, monkeypatch, module, name, shipped):
    monkeypatch.setattr(module, "_WEIGHTS", tmp_path / name)
    shipped.cache_clear()
    bundle = load_bundle(shipped_bundle_path())
    try:
        with pytest.raises(BundleError, match=rf"{name}: cannot be read \(no such file"):
            Detector(bundle)
        (tmp_path / name).write_text('{"mean": [1]}')
        with pytest.raises(BundleError, match=rf"{name}: cannot be read .*install Gammabox again"):
            Detector(bundle)
    finally:
        shipped.cache_clear()
