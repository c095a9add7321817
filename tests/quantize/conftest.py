"""One tiny trained network, its data and its bundle, made once for all tests of this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from edge.detect.manifest import Bundle
    from quantize.limits import Limits
    from trainer.data.dataset import Dataset
    from trainer.training.run import Run

CROP = 17


@dataclass(frozen=True)
class Tiny:
    dataset: Dataset
    run: Run
    bundle: Bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    from edge.detect.manifest import InputContract
    from quantize.bundling import Settings, bundle_run
    from quantize.conversion import load_tensorflow

    load_tensorflow()
    from synthetic_data import write_synthetic

    from trainer.training.fit import fit
    from trainer.training.run import FitSettings, NetworkChoice

    folder: Path = tmp_path_factory.mktemp("tiny")
    splits = (("train", 400), ("validation", 300), ("test", 300))
    dataset = write_synthetic(folder / "data", crop_size=33, splits=splits)
    contract = InputContract(crop_size=CROP, planes="temporal")
    settings = FitSettings(epochs=8, batch_size=32, learning_rate=3e-3)
    run = fit(folder / "run", NetworkChoice(name="screen"), contract, [dataset], settings)
    bundle = bundle_run(run, folder / "bundle", [dataset], Settings(representative=100), screen=run)
    return Tiny(dataset, run, bundle)


@pytest.fixture(scope="session")
def plain(tiny: Tiny) -> bytes:
    """The tiny network as float32 .tflite."""
    from quantize.conversion import convert

    return convert(tiny.run.load_model(), "float32")


@pytest.fixture(scope="session")
def small_limits() -> Limits:
    """Limits for 400 crops of a network of microseconds, whose ranges were seen on 100 crops.

    No claim on speed, size or the number of crops.
    """
    from quantize.limits import Limits

    return Limits(min_positives=100, min_negatives=100, min_speedup=0, max_size_share=1, max_saturated=0.1)
