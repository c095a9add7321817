import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import write_synthetic

from trainer.data.dataset import Dataset
from trainer.errors import RunError
from trainer.training.batches import Crops
from trainer.training.devices import share_batches, shareable
from trainer.training.run import FitSettings, Run

needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits = (("train", 32), ("validation", 17))
    return write_synthetic(tmp_path_factory.mktemp("devices") / "data", crop_size=24, splits=splits)


def fit_on_jax(run: Path, data: Dataset, *more: str) -> dict:
    """Train two steps in a process of its own, where a CPU counts as two devices."""
    words = ("fit", run, "--data", data.path, "--json", "--crop-size", 24, "-o", "width=0.25")
    words += ("--epochs", 1, "--steps", 2, "--batch-size", 8, *more)
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    command = [sys.executable, "-c", "from trainer.commands.cli import main; main()", *map(str, words)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_jax
def test_fit_shares_batches_between_two_devices_of_jax(tmp_path: Path, data: Dataset) -> None:
    assert fit_on_jax(tmp_path / "run", data, "--devices", "2")["log"][0]["steps"] == 2
    manifest = Run.open(tmp_path / "run").manifest
    assert "on jax" in manifest.backend
    assert manifest.fit.devices == 2


@pytest.mark.slow
@needs_jax
def test_two_devices_give_the_result_of_one(tmp_path: Path, data: Dataset) -> None:
    one, two = (fit_on_jax(tmp_path / str(count), data, "--devices", str(count))["best"] for count in (1, 2))
    assert Run.open(tmp_path / "2").manifest.fit.devices == 2
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-3)
    assert two["val_loss"] == pytest.approx(one["val_loss"], rel=0.2), "of 16 samples instead of 17"


def test_share_batches_refuses_other_backends(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="2 devices were asked for on the backend tensorflow; set KERAS_BACKEND=jax"):
        share_batches(tmp_path, FitSettings(devices=2))


def test_shareable_leaves_out_the_uneven_rest() -> None:
    crops = Crops(np.zeros((17, 3, 3, 3), np.uint8), np.zeros(17, np.uint8), ({},) * 17)
    assert len(shareable(crops, 2)) == 16
    assert shareable(crops, 1) is crops
