"""Several networks side by side, whose logits are averaged."""

import shutil

import numpy as np
import pytest
from synthetic_data import write_synthetic

from edge.detect.manifest import InputContract
from trainer.commands.cli import main
from trainer.errors import RunError
from trainer.training.callbacks import save_model
from trainer.training.ensemble import ensemble
from trainer.training.fit import fit
from trainer.training.networks import build
from trainer.training.run import DataUsed, FitSettings, NetworkChoice, Run, RunManifest

SPOT = NetworkChoice(name="alexnet_edge", options={"layout": "spot", "width": 0.25})
INPUT = InputContract(crop_size=33, planes="temporal", dtype="float32")
SETTINGS = FitSettings(epochs=1)


def run_of(path, seed, network=SPOT, data=("own",), mixtures=0):
    """Return a run with random weights."""
    used = DataUsed(
        paths=data,
        mixtures=mixtures,
        sha256=tuple(f"{name:0<64}" for name in data),
        train=8,
        train_positives=4,
        validation=2,
    )
    manifest = RunManifest(network=network, input=INPUT, seed=seed, fit=SETTINGS, data=used, created_utc="2026-01-01")
    run = Run(path, manifest)
    run.save()
    save_model(build(network.name, INPUT, network.options, seed), path / "best.keras")
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [run_of(folder / str(seed), seed) for seed in (1, 2)]


def test_ensemble_averages_the_logits(runs, tmp_path):
    done = ensemble(tmp_path / "both", runs, command="as typed")
    crops = np.random.default_rng(1).uniform(0, 1, (5, 33, 33, 3)).astype(np.float32)
    first, second, mean = (run.load_model().predict(crops, verbose=0) for run in (*runs, done))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-5)


def test_ensemble_tells_what_it_is_of(runs, tmp_path):
    measured = runs[1].with_manifest(figures={"accuracy": 1.0})
    done = ensemble(tmp_path / "both", [runs[0], measured], command="as typed")
    manifest = Run.open(done.path).manifest
    assert manifest.members == tuple(f"{run.path} sha256:{run.weights_sha256()}" for run in runs)
    assert manifest.network.options == {**SPOT.options, "members": 2}
    assert (manifest.command, manifest.figures, manifest.decision) == ("as typed", {}, None)


def test_ensemble_names_each_dataset_once_and_mixtures_last(tmp_path):
    one = run_of(tmp_path / "one", 1, data=("a", "b", "m"), mixtures=1)
    two = run_of(tmp_path / "two", 2, data=("b", "c", "a"), mixtures=0)
    data = ensemble(tmp_path / "both", [one, two]).manifest.data
    assert (data.paths, data.mixtures) == (("a", "b", "c", "m"), 1)
    assert (data.train, data.train_positives, data.validation) == (16, 8, 4)


def test_ensemble_is_made_again_where_it_was_cut_short(runs, tmp_path):
    done = ensemble(tmp_path / "both", runs)
    (done.path / "best.keras").unlink()
    assert ensemble(tmp_path / "both", runs).load_model().output_shape == (None, 2)


def refusal(path, runs):
    with pytest.raises(RunError) as error:
        ensemble(path, runs)
    return str(error.value)


def test_ensemble_refuses_what_does_not_fit_together(runs, tmp_path):
    wider = run_of(tmp_path / "wider", 3, network=NetworkChoice(name="alexnet_edge", options={"layout": "spot"}))
    pooled = run_of(tmp_path / "pooled", 3, network=NetworkChoice(name="alexnet_edge", options={"width": 0.25}))
    copied = shutil.copytree(runs[0].path, tmp_path / "copied")
    out = tmp_path / "out"
    assert "an ensemble has two to 4 runs, not 1" in refusal(out, runs[:1])
    assert "differs from" in (text := refusal(out, [runs[0], wider]))
    assert "in network.options" in text
    assert f"{pooled.path}: its network is no single alexnet_edge of the layout spot" in refusal(out, [runs[0], pooled])
    assert "its weights are those of a run named before" in refusal(out, [runs[0], Run.open(copied)])
    both = ensemble(tmp_path / "both", runs)
    assert "is no single alexnet_edge" in refusal(out, [both, runs[0]])
    assert not out.exists()


def test_ensemble_leaves_another_run_alone(runs, tmp_path):
    other = shutil.copytree(runs[1].path, tmp_path / "other")
    assert "it holds another run" in refusal(other, runs)
    assert Run.open(other).weights_sha256() == runs[1].weights_sha256()


def test_fit_does_not_continue_an_ensemble(runs, tmp_path):
    data = write_synthetic(tmp_path / "data", crop_size=33, splits=(("train", 64), ("validation", 32)))
    done = ensemble(tmp_path / "both", runs)
    with pytest.raises(RunError, match=r"another training \(network\.options"):
        fit(done.path, SPOT, INPUT, [data], SETTINGS, seed=2)


def test_ensemble_command(command, runs, tmp_path):
    out = tmp_path / "both"
    ended = command(main, "ensemble", str(out), *(str(run.path) for run in runs))
    assert (ended.code, ended.out) == (0, f"{out}: the networks of 2 runs, their logits averaged\n")
    assert Run.open(out).manifest.command.startswith("gammabox-trainer ensemble ")
