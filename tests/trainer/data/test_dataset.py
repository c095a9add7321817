import json
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples, write_synthetic

from trainer.data.dataset import Dataset, pack, unpack
from trainer.errors import DatasetError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_synthetic(tmp_path / "set", crop_size=24, splits=(("train", 6), ("validation", 4))).path


def test_unpack_inverts_pack() -> None:
    written = synthetic_samples(np.random.default_rng(3), 5, 24)
    read = unpack(pack(written))
    for name in ("greys", "bgr", "spot", "label"):
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    assert read.strata == written.strata


def test_pack_is_deterministic() -> None:
    assert pack(synthetic_samples(np.random.default_rng(3), 5, 24)) == pack(
        synthetic_samples(np.random.default_rng(3), 5, 24)
    )


def test_dataset_reads_splits_apart_and_together(folder: Path) -> None:
    dataset = Dataset.open(folder)
    assert len(dataset.samples("train")) == 6
    assert len(dataset.samples("validation")) == 4
    assert len(dataset.samples("test")) == 0
    assert len(dataset.samples()) == 10
    assert dataset.count("train") == (6, 3)
    assert len(dataset.samples(limit=3)) == 3


def test_samples_column_has_nan_for_none(folder: Path) -> None:
    samples = Dataset.open(folder).samples("train")
    added = samples.column("added_dn")
    assert np.array_equal(np.isfinite(added), samples.label == 1)
    assert set(samples.column("recording")) == {"synthetic"}
    assert len(samples.take(samples.label == 1)) == 3


def test_dataset_sha256_follows_the_content(tmp_path: Path, folder: Path) -> None:
    again = write_synthetic(tmp_path / "again", crop_size=24, splits=(("train", 6), ("validation", 4)))
    other = write_synthetic(tmp_path / "other", crop_size=24, seed=2, splits=(("train", 6), ("validation", 4)))
    assert Dataset.open(folder).sha256 == again.sha256 != other.sha256


def test_dataset_refuses_a_changed_shard(folder: Path) -> None:
    shard = folder / "shards" / "00000.npz"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DatasetError, match=r"00000\.npz is not what was written"):
        Dataset.open(folder).samples("train")


def test_dataset_names_a_missing_shard(folder: Path) -> None:
    (folder / "shards" / "00001.npz").unlink()
    with pytest.raises(DatasetError, match=r"00001\.npz is missing"):
        Dataset.open(folder).samples()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema version 2, this program reads 1"),
        ({"crop_size": 4}, "crop_size"),
        ({"surprise": 1}, "surprise"),
        ({"shards": []}, "no shard of it is complete"),
    ],
)
def test_dataset_refuses_an_index_that_does_not_fit(folder: Path, change: dict[str, object], message: str) -> None:
    index = folder / "dataset.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | change))
    with pytest.raises(DatasetError, match=message):
        Dataset.open(folder)


def test_dataset_refuses_a_folder_without_index(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.json is missing"):
        Dataset.open(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.open(tmp_path)
