import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.detect.light import NAMES
from trainer.commands.cli import app
from trainer.training.light import DescribedHits, as_json, fit_light, passing_shares, sample_weights
from trainer.training.light_films import camera_of


def drawn(seed, count=600):
    """Hits of which the true ones differ in two numbers, in four clips."""
    rng = np.random.default_rng(seed)
    true = rng.random(count) < 0.3
    described = rng.normal(0, 1, (count, len(NAMES))).astype(np.float32)
    described[:, 0] += 2 * true
    described[:, 5] -= 2 * true
    return DescribedHits(described, true, rng.integers(0, 4, count))


@pytest.fixture(scope="module")
def network():
    return fit_light(drawn(1, 5000))


def test_fit_tells_new_hits_apart(network):
    hits = drawn(2)
    odds = network.log_odds(hits.described)
    assert (odds[hits.true] > 0).mean() > 0.85
    assert (odds[~hits.true] > 0).mean() < 0.15
    limits, true, false = zip(*passing_shares(network, hits), strict=True)
    assert list(limits) == sorted(limits)
    assert all(of_true > of_false for of_true, of_false in zip(true, false, strict=True))


def test_weights_are_equal_for_true_and_false_hits_and_bounded_for_clips_of_many():
    hits = DescribedHits(
        np.zeros((10_050, len(NAMES)), np.float32),
        np.arange(10_050) >= 10_000,
        np.where(np.arange(10_050) < 9_990, 0, 1),
    )
    weights = sample_weights(hits)
    assert weights.sum() == pytest.approx(1)
    assert weights[hits.true].sum() == pytest.approx(0.5)
    many, few = (weights[~hits.true & (hits.clip == clip)].sum() for clip in (0, 1))
    assert 5 < many / few < 15


def test_json_holds_the_network(network):
    stored = json.loads(as_json(network, "a command"))
    assert stored["names"] == list(NAMES)
    assert stored["command"] == "a command"
    np.testing.assert_allclose(stored["hidden"], network.hidden, atol=1e-5)


def test_cameras_of_clips_differ_and_repeat():
    cameras = [camera_of(number, weather=False) for number in range(8)]
    assert cameras == [camera_of(number, weather=False) for number in range(8)]
    assert len({camera.gain for camera in cameras}) > 4
    assert {camera.picture_size for camera in cameras} == {(640, 480)}
    assert camera_of(2, weather=True).name == "OV2710"


@pytest.mark.slow
def test_study_light_films_fits_and_writes(tmp_path):
    written = tmp_path / "light.json"
    command = ["study", "light", str(tmp_path / "films"), "--clips", "1", "--seconds", "1", "--write", str(written)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "| log odds at least | true hits | false hits |" in result.output
    assert json.loads(written.read_text(encoding="utf-8"))["names"] == list(NAMES)
