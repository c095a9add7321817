import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import write_synthetic

from edge.detect.manifest import InputContract
from trainer.commands.cli import main
from trainer.data.dataset import Dataset
from trainer.errors import DatasetError, RunError
from trainer.training.callbacks import BOARD_FOLDER
from trainer.training.fit import fit
from trainer.training.fit_progress import FitProgress
from trainer.training.networks import NetworkError
from trainer.training.run import FitSettings, NetworkChoice, Run

PATCH = InputContract(crop_size=17, planes="temporal", dtype="float32")
SCREEN = NetworkChoice(name="screen", options={"width": 0.5})
SETTINGS = FitSettings(epochs=3, batch_size=16)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits = (("train", 128), ("validation", 32), ("test", 32))
    return write_synthetic(tmp_path_factory.mktemp("fit") / "data", crop_size=24, splits=splits)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Run:
    return fit(tmp_path_factory.mktemp("runs") / "unbroken", SCREEN, PATCH, [data], SETTINGS)


def weights(run: Run) -> list[np.ndarray]:
    return run.load_model("last").get_weights()


def test_run_records_what_repeats_the_training(unbroken: Run, data: Dataset) -> None:
    manifest = Run.open(unbroken.path).manifest
    assert manifest.network == SCREEN
    assert manifest.input == PATCH
    assert manifest.data.sha256 == (data.sha256,)
    assert manifest.data.train == 128
    assert manifest.data.train_positives == 64
    log = unbroken.log()
    assert [line["epoch"] for line in log] == [0, 1, 2]
    assert {"steps", "seconds", "loss", "accuracy", "val_loss", "val_accuracy", "best"} <= set(log[0])


def test_best_checkpoint_has_the_lowest_validation_loss(unbroken: Run) -> None:
    best = [line["epoch"] for line in unbroken.log() if line["best"]][-1]
    assert best == int(np.argmin([line["val_loss"] for line in unbroken.log()]))
    same = all(
        np.array_equal(a, b) for a, b in zip(unbroken.load_model("best").get_weights(), weights(unbroken), strict=True)
    )
    assert same == (best == 2)


def test_fit_filters_the_datasets_but_not_the_mixtures(data: Dataset, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "min_added_dn": 50.0, "max_spot_pixels": 1})
    alone = fit(tmp_path / "alone", SCREEN, PATCH, [data], settings).manifest.data
    assert alone.mixtures == 0
    other = write_synthetic(tmp_path / "mixture", crop_size=24, seed=2, splits=(("train", 64), ("validation", 32)))
    both = fit(tmp_path / "both", SCREEN, PATCH, [data], settings, mixtures=[other]).manifest.data
    assert both.mixtures == 1
    assert both.sha256 == (data.sha256, other.sha256)
    wide = settings.model_copy(update={"max_spot_pixels": None})
    unfiltered = fit(tmp_path / "wide", SCREEN, PATCH, [other], wide).manifest.data
    narrow = fit(tmp_path / "narrow", SCREEN, PATCH, [other], settings).manifest.data
    assert narrow.train_positives < unfiltered.train_positives
    assert both.train == alone.train + unfiltered.train
    assert both.validation == alone.validation + unfiltered.validation
    with pytest.raises(RunError, match=r"another training \(data\.mixtures, "):
        fit(tmp_path / "both", SCREEN, PATCH, [data, other], settings)


def test_fit_refuses_a_dataset_named_twice(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="it is named twice"):
        fit(tmp_path / "run", SCREEN, PATCH, [data], SETTINGS, mixtures=[data])


def test_fit_makes_no_folder_for_an_impossible_network(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="option width of the network screen: found 'abc'"):
        fit(tmp_path / "run", NetworkChoice(name="screen", options={"width": "abc"}), PATCH, [data], SETTINGS)
    assert not (tmp_path / "run").exists()


def test_fit_starts_from_the_weights_of_another_run(unbroken: Run, data: Dataset, tmp_path: Path) -> None:
    larger = PATCH.model_copy(update={"crop_size": 23})
    rests = SETTINGS.model_copy(update={"epochs": 1, "learning_rate": 1e-12, "start_from": str(unbroken.path)})
    begun = fit(tmp_path / "begun", SCREEN, larger, [data], rests).load_model()
    learnt = unbroken.load_model()
    first = begun.layers[1].name
    assert begun.get_layer(first).weights
    for mine, theirs in zip(begun.get_layer(first).get_weights(), learnt.get_layer(first).get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_fit_refuses_to_start_from_another_network(unbroken: Run, data: Dataset, tmp_path: Path) -> None:
    other = NetworkChoice(name="alexnet_edge", options={"width": 0.05})
    settings = SETTINGS.model_copy(update={"start_from": str(unbroken.path)})
    contract = InputContract(crop_size=24, planes="temporal", dtype="float32")
    with pytest.raises(RunError, match="no layer of screen is like one of alexnet_edge"):
        fit(tmp_path / "other", other, contract, [data], settings)
    with pytest.raises(RunError, match=r"run\.json is missing"):
        fit(tmp_path / "other", other, contract, [data], settings.model_copy(update={"start_from": str(tmp_path)}))
    assert fit(tmp_path / "other", SCREEN, PATCH, [data], SETTINGS.model_copy(update={"epochs": 1})).log()


def test_fit_resumes_without_the_run_it_started_from(unbroken: Run, data: Dataset, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(unbroken.path, source)
    rests = SETTINGS.model_copy(update={"epochs": 1, "start_from": str(source)})
    begun = fit(tmp_path / "begun", SCREEN, PATCH, [data], rests)
    digest = hashlib.sha256((unbroken.path / "best.keras").read_bytes()).hexdigest()
    assert begun.manifest.fit.start_from == f"{source} sha256:{digest}"
    shutil.rmtree(source)
    again = fit(begun.path, SCREEN, PATCH, [data], rests)
    assert again.log() == begun.log()


@pytest.mark.parametrize("steps", [3, 13])
def test_fit_resumes_to_the_same_result(tmp_path: Path, data: Dataset, unbroken: Run, steps: int) -> None:
    class StopNowError(Exception):
        pass

    def interrupt(step: FitProgress) -> None:
        if step.done == steps:
            raise StopNowError

    with pytest.raises(StopNowError):
        fit(tmp_path, SCREEN, PATCH, [data], SETTINGS, progress=interrupt)
    resumed = fit(tmp_path, SCREEN, PATCH, [data], SETTINGS)
    for one, other in zip(weights(resumed), weights(unbroken), strict=True):
        np.testing.assert_array_equal(one, other)
    for line, expected in zip(resumed.log(), unbroken.log(), strict=True):
        assert {**line, "seconds": 0} == {**expected, "seconds": 0}


def test_tensorboard_gets_loss_and_accuracy_of_each_epoch(unbroken: Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    for folder, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(unbroken.path / BOARD_FOLDER / folder))
        events.Reload()
        for name in ("loss", "accuracy"):
            shown = [float(make_ndarray(one.tensor_proto)) for one in events.Tensors(f"epoch_{name}")]
            assert shown == pytest.approx([line[f"{prefix}{name}"] for line in unbroken.log()], abs=1e-5)


def test_fit_leaves_a_finished_run_as_it_is(unbroken: Run, data: Dataset) -> None:
    before = (unbroken.path / "last.keras").read_bytes()
    fit(unbroken.path, SCREEN, PATCH, [data], SETTINGS)
    assert (unbroken.path / "last.keras").read_bytes() == before


def test_fit_refuses_a_run_of_another_training(unbroken: Run, data: Dataset) -> None:
    with pytest.raises(RunError, match=r"\(seed differ\)"):
        fit(unbroken.path, SCREEN, PATCH, [data], SETTINGS, seed=2)


def test_fit_stops_after_epochs_without_progress(tmp_path: Path, data: Dataset) -> None:
    settings = FitSettings(epochs=30, batch_size=16, patience=2, learning_rate=3e-2)
    run = fit(tmp_path, SCREEN, PATCH, [data], settings)
    losses = [line["val_loss"] for line in run.log()]
    assert len(losses) < 30
    assert len(losses) - 1 - int(np.argmin(losses)) == 2


FIT = ("--network", "screen", "-o", "width=0.5", "--crop-size", 17, "--epochs", 3, "--batch-size", 16)


def test_fit_command_resumes_an_earlier_run(tmp_path: Path, data: Dataset, unbroken: Run, command) -> None:
    def interrupt(step: FitProgress) -> None:
        if step.done == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", SCREEN, PATCH, [data], SETTINGS, progress=interrupt)
    ended = command(main, "fit", tmp_path / "run", "--data", data.path, *FIT, "--json")
    assert ended.code == 0
    expected = [{**line, "seconds": 0} for line in unbroken.log()]
    assert [{**line, "seconds": 0} for line in ended.json["log"]] == expected


def edit(old: str, new: str) -> Callable[[Path], None]:
    """Return a function that edits run.json of a run folder."""

    def change(run: Path) -> None:
        place = run / "run.json"
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new), encoding="utf-8")

    return change


def replace_by_a_file(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("notes", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            edit("min_added_dn", "least_added_dn"), "is none of this version (fit.least_added_dn: ", id="other version"
        ),
        pytest.param(edit('"seed": 1', '"seed": 2'), "it holds another training (seed differ)", id="other seed"),
        pytest.param(lambda run: (run / "run.json").unlink(), "weights without a run.json", id="no run.json"),
        pytest.param(lambda run: (run / "last.keras").write_bytes(b"x"), "last.keras cannot be loaded", id="damaged"),
        pytest.param(replace_by_a_file, "cannot be written (", id="file"),
    ],
)
def test_fit_command_refuses_an_earlier_run(
    change: Callable[[Path], None], problem: str, unbroken: Run, data: Dataset, command
) -> None:
    run = shutil.copytree(unbroken.path, unbroken.path.with_name("changed"))
    try:
        change(run)
        assert command(main, "fit", run, "--data", data.path, *FIT).refused(str(run), problem)
    finally:
        shutil.rmtree(run) if run.is_dir() else run.unlink()


@pytest.mark.slow
def test_fit_command_resumes_after_kill_9(tmp_path: Path, data: Dataset) -> None:
    def command(folder: Path) -> list[str]:
        return [
            *(
                sys.executable,
                "-c",
                "from trainer.commands.cli import main; main()",
                "fit",
                str(folder),
                "--data",
                str(data.path),
            ),
            *("--network", "alexnet_edge", "-o", "width=0.25", "--crop-size", "24", "--epochs", "6"),
            *("--batch-size", "8", "--json"),
        ]

    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command(tmp_path / "whole"), check=True, env=environment, capture_output=True)
    killed = subprocess.Popen(
        command(tmp_path / "killed"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len((log.read_text() if (log := tmp_path / "killed/log.jsonl").exists() else "").splitlines()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(Run.open(tmp_path / "killed").log()) < 6
    done = subprocess.run(command(tmp_path / "killed"), check=True, env=environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["epochs"] == 6
    for one, other in zip(weights(Run.open(tmp_path / "killed")), weights(Run.open(tmp_path / "whole")), strict=True):
        np.testing.assert_array_equal(one, other)
