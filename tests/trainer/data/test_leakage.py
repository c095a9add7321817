from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples

from trainer.data.build import Recipe, build
from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.leakage import check_leakage, inpainted
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError

# So few samples leave a standard error of 0.06: the quick test allows for it, the slow sample does not need to.
QUICK_LIMIT = 0.65


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("leakage") / "set"
    recipe = Recipe("training", 384, 48, 2, radiations=("Am-241",), hits_a_kind=300, max_a_shard=48)
    return build(folder, recipe, workers=1)


def planted(dataset: Dataset, folder: Path, *, brighter: int = 0, scene: str | None = None) -> Dataset:
    """Copy a dataset and give its positives a little more light in the corners, or two splits the same scene."""
    writer = DatasetWriter(folder, dataset.index.model_copy(update={"shards": ()}))
    for entry, part in zip(dataset.index.shards, dataset.parts(), strict=True):
        greys = part.greys.copy()
        greys[part.label == 1, :6] = np.clip(greys[part.label == 1, :6].astype(int) + brighter, 0, 255)
        strata = tuple({**sample, "scene": scene or sample["scene"]} for sample in part.strata)
        writer.add(entry.index, entry.split, Samples(greys, part.bgr, part.spot, part.label, strata))
    return Dataset.open(folder)


def test_check_leakage_passes_simulated_data(built: Dataset) -> None:
    report = check_leakage(built, limit=QUICK_LIMIT)
    assert report.passed, report
    assert report.judged == 96


def test_check_leakage_finds_a_planted_leak(built: Dataset, tmp_path: Path) -> None:
    report = check_leakage(planted(built, tmp_path / "leak", brighter=40), limit=QUICK_LIMIT)
    assert not report.passed
    assert report.auc > 0.75


def test_check_leakage_finds_a_scene_in_two_splits(built: Dataset, tmp_path: Path) -> None:
    report = check_leakage(planted(built, tmp_path / "leak", scene="the same"), limit=1.0)
    assert report.shared_scenes == ("the same",)
    assert not report.passed


def test_check_leakage_finds_scenes_of_another_dataset(built: Dataset) -> None:
    assert check_leakage(built, built, limit=1.0).shared_scenes


def test_inpainted_removes_hits() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 40, 64)
    filled = inpainted(samples, np.random.default_rng(2))
    for i in np.flatnonzero(samples.label):
        x, y = samples.spot[i]
        left = int(filled[i, y, x, 1]) - int(filled[i, y, x, [0, 2]].max())
        assert left < 12, "the spot in the middle frame is still there"


def test_check_leakage_refuses_too_few_samples(tmp_path: Path) -> None:
    index = DatasetIndex(kind="test", command="", seed=1, crop_size=24, planned_shards=1)
    DatasetWriter(tmp_path, index).add(0, "test", synthetic_samples(np.random.default_rng(1), 20, 24))
    with pytest.raises(DatasetError, match="too few"):
        check_leakage(Dataset.open(tmp_path))


@pytest.mark.slow
def test_check_leakage_passes_a_large_dataset_at_its_limit(tmp_path: Path) -> None:
    dataset = build(tmp_path / "set", Recipe("training", 8192, 64, 5), workers=None)
    report = check_leakage(dataset)
    assert report.auc_error < 0.02
    assert report.passed, report
