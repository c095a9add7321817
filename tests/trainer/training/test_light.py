import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.detect.faint import NAMES as FAINT_NAMES
from edge.detect.light import NAMES
from trainer.commands.cli import app
from trainer.training.light import (
    DescribedHits,
    as_json,
    faint_as_json,
    fit_faint,
    fit_light,
    passing_shares,
    sample_weights,
)
from trainer.training.light_films import camera_of


def drawn(seed, count=600):
    """Hits of which the true ones differ in two numbers, in four clips; half of them are found."""
    rng = np.random.default_rng(seed)
    true = rng.random(count) < 0.3
    described = rng.normal(0, 1, (count, len(FAINT_NAMES))).astype(np.float32)
    described[:, 0] += 2 * true
    described[:, 5] -= 2 * true
    return DescribedHits(described, true, rng.integers(0, 4, count), rng.random(count) < 0.5)


@pytest.fixture(scope="module")
def network():
    return fit_light(drawn(1, 5000).only_found())


@pytest.fixture(scope="module")
def faint_networks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.training.light._STEPS_FAINT", 800)
        return fit_faint(drawn(1, 20_000), networks=2)


def test_fits_tell_new_hits_apart(network, faint_networks):
    hits = drawn(2)
    found = hits.only_found()
    for odds, of in (
        (network.log_odds(found.described), found),
        (faint_networks.log_odds(hits.described), hits),
    ):
        assert (odds[of.true] > 0).mean() > 0.85
        assert (odds[~of.true] > 0).mean() < 0.15
    _, _, true, false = zip(*passing_shares(network, faint_networks, hits), strict=True)
    assert all(of_true > of_false for of_true, of_false in zip(true, false, strict=True))


def test_clips_from_a_number_on_are_chosen():
    hits = drawn(3)
    later = hits.from_clip(2)
    assert set(later.clip.tolist()) == {2, 3}
    assert len(later.found) == len(later.described) == np.count_nonzero(hits.clip >= 2)


def test_weights_are_equal_for_true_and_false_hits_and_bounded_for_clips_of_many():
    hits = DescribedHits(
        np.zeros((10_050, len(NAMES)), np.float32),
        np.arange(10_050) >= 10_000,
        np.where(np.arange(10_050) < 9_990, 0, 1),
        np.ones(10_050, bool),
    )
    weights = sample_weights(hits, 400, 0.6)
    assert weights.sum() == pytest.approx(1)
    assert weights[hits.true].sum() == pytest.approx(0.5)
    many, few = (weights[~hits.true & (hits.clip == clip)].sum() for clip in (0, 1))
    assert 5 < many / few < 15


def test_json_holds_the_network(network):
    stored = json.loads(as_json(network, "a command"))
    assert stored["names"] == list(NAMES)
    assert stored["command"] == "a command"
    np.testing.assert_allclose(stored["hidden"], network.hidden, atol=1e-5)


def test_json_holds_the_faint_networks(faint_networks):
    stored = json.loads(faint_as_json(faint_networks, "a command"))
    assert stored["names"] == list(FAINT_NAMES)
    for layer, (weights, bias) in zip(stored["layers"], faint_networks.layers, strict=True):
        np.testing.assert_allclose(layer["weights"], weights, atol=1e-5)
        np.testing.assert_allclose(layer["bias"], bias, atol=1e-5)


def test_cameras_of_clips_differ_and_repeat():
    cameras = [camera_of(number, weather=False) for number in range(8)]
    assert cameras == [camera_of(number, weather=False) for number in range(8)]
    assert len({camera.gain for camera in cameras}) > 4
    assert {camera.picture_size for camera in cameras} == {(640, 480)}
    assert camera_of(2, weather=True).name == "OV2710"


@pytest.mark.slow
def test_study_light_films_fits_and_writes(tmp_path):
    written, faint = tmp_path / "light.json", tmp_path / "faint.json"
    command = ["study", "light", str(tmp_path / "films"), "--clips", "1", "--weather-clips", "1", "--seconds", "1"]
    command += ["--hard-clips", "0"]
    result = CliRunner().invoke(app, [*command, "--write", str(written), "--write-faint", str(faint)])
    assert result.exit_code == 0, result.output
    assert "| what passes | log odds at least | of true ones | of false ones |" in result.output
    assert json.loads(written.read_text(encoding="utf-8"))["names"] == list(NAMES)
    assert json.loads(faint.read_text(encoding="utf-8"))["names"] == list(FAINT_NAMES)
