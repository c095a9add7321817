import pickle
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples

from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError


def index(**change: object) -> DatasetIndex:
    values = {"kind": "training", "command": "a test", "seed": 1, "crop_size": 24, "planned_shards": 2}
    return DatasetIndex.model_validate(values | change)


def some(seed: int) -> Samples:
    return synthetic_samples(np.random.default_rng(seed), 4, 24)


def test_writer_accepts_shards_in_any_order(tmp_path: Path) -> None:
    DatasetWriter(tmp_path, index()).add(1, "validation", some(1))
    half = Dataset.open(tmp_path)
    assert not half.index.complete
    assert half.count() == (4, 2)
    writer = DatasetWriter(tmp_path, index())
    assert writer.missing == [0]
    writer.add(0, "train", some(0))
    whole = Dataset.open(tmp_path)
    assert whole.index.complete
    assert [entry.index for entry in whole.index.shards] == [0, 1]


def test_writer_bytes_do_not_depend_on_the_order(tmp_path: Path) -> None:
    for name, order in (("a", (0, 1)), ("b", (1, 0))):
        writer = DatasetWriter(tmp_path / name, index())
        for number in order:
            writer.add(number, "train", some(number))
    for file in ("dataset.json", "shards/00000.npz", "shards/00001.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize(
    ("change", "named"), [({"seed": 2}, "seed"), ({"recipe": {"fusion": "max"}}, "fusion"), ({"crop_size": 32}, "crop")]
)
def test_writer_refuses_another_recipe(tmp_path: Path, change: dict[str, object], named: str) -> None:
    DatasetWriter(tmp_path, index()).add(0, "train", some(0))
    with pytest.raises(DatasetError, match=named):
        DatasetWriter(tmp_path, index(**change))


@pytest.mark.parametrize("damage", [Path.unlink, lambda place: place.write_bytes(b"cut off")], ids=["gone", "cut off"])
def test_writer_makes_damaged_shards_again(tmp_path: Path, damage) -> None:
    writer = DatasetWriter(tmp_path, index())
    writer.add(0, "train", some(0))
    writer.add(1, "train", some(1))
    damage(tmp_path / "shards" / "00000.npz")
    assert DatasetWriter(tmp_path, index()).missing == [0]


@pytest.mark.parametrize("name", ["notes.txt", "shards/00000.npz"])
def test_writer_refuses_a_folder_of_other_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(DatasetError, match=f"it is no dataset and holds {Path(name).parts[0]}"):
        DatasetWriter(tmp_path, index())
    assert (tmp_path / name).read_text() == "mine"


def test_writer_goes_on_where_it_was_killed_before_its_index(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "dataset.json.part").write_text("{")
    assert DatasetWriter(tmp_path, index()).missing == [0, 1]


def test_writer_on_a_full_disk_keeps_complete_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = DatasetWriter(tmp_path, index())
    writer.add(0, "train", some(0))

    def full(place: Path, content: bytes) -> int:
        with place.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DatasetError, match="No space left on device"):
        writer.add(1, "train", some(1))
    monkeypatch.undo()
    assert Dataset.open(tmp_path).count() == (4, 2)
    assert not list(tmp_path.rglob("*.part"))


def test_writer_refuses_a_place_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot be made"):
        DatasetWriter(tmp_path / "file" / "set", index())


def test_dataset_error_survives_pickling() -> None:
    error = DatasetError("some/set", "it is full", "make room")
    travelled = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(travelled), travelled.path) == (str(error), error.path)


def test_writer_refuses_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(DatasetError, match="it is a run folder"):
        DatasetWriter(tmp_path, index())
    assert [place.name for place in tmp_path.iterdir()] == ["run.json"]
