"""What an export holds is read back by the packages that people train with elsewhere."""

import json

import numpy as np
import pytest
from synthetic_data import write_synthetic

from edge.errors import OutputError
from trainer.commands.cli import main
from trainer.data.dataset import Dataset
from trainer.data.export import export


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Dataset:
    splits = (("train", 6), ("train", 4), ("validation", 4), ("test", 2))
    return write_synthetic(tmp_path_factory.mktemp("export") / "data", crop_size=24, splits=splits)


# The package leaves its files to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning")
def test_webdataset_package_reads_an_export(data, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    files = export(data, tmp_path / "out", "webdataset")
    assert [file.name for file in files] == [
        *("train-00000.tar", "train-00001.tar", "validation-00000.tar", "test-00000.tar")
    ]
    shards = str(tmp_path / "out" / "train-{00000..00001}.tar")
    read = (
        webdataset.WebDataset(shards, shardshuffle=False)
        .decode("rgb8")
        .to_tuple("greys.png", "colour.png", "cls", "json")
    )
    greys, colour, label, strata = zip(*read, strict=True)
    samples = data.samples("train")
    assert np.array_equal(np.stack(greys), samples.greys)
    assert np.array_equal(np.stack(colour), samples.bgr[..., ::-1])
    assert list(label) == samples.label.tolist()
    spots = [facts.pop("spot") for facts in strata]
    assert spots == samples.spot.tolist()
    assert list(strata) == list(samples.strata)


def test_pyarrow_reads_an_export(data, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import cv2

    export(data, tmp_path / "out", "parquet")
    tables = [parquet.read_table(tmp_path / "out" / f"train-0000{number}.parquet") for number in (0, 1)]
    rows = [row for table in tables for row in table.to_pylist()]
    samples = data.samples("train")
    pictures = [cv2.imdecode(np.frombuffer(row["greys"]["bytes"], np.uint8), cv2.IMREAD_COLOR) for row in rows]
    assert np.array_equal(np.stack(pictures)[..., ::-1], samples.greys)
    assert [row["label"] for row in rows] == samples.label.tolist()
    assert [[row["spot_x"], row["spot_y"]] for row in rows] == samples.spot.tolist()
    assert [json.loads(row["strata"]) for row in rows] == list(samples.strata)
    assert [row["added_dn"] for row in rows] == [facts["added_dn"] for facts in samples.strata]
    features = json.loads(tables[0].schema.metadata[b"huggingface"])["info"]["features"]
    assert set(features) == set(tables[0].column_names)
    assert features["greys"]["_type"] == "Image"


def test_export_has_the_same_bytes_and_goes_on(data, tmp_path):
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    names = [file.name for file in export(data, whole, "webdataset")]
    for file in export(data, begun, "webdataset")[1:]:
        file.unlink()
    kept = (begun / names[0]).stat().st_mtime_ns
    export(data, begun, "webdataset")
    assert [(begun / name).read_bytes() for name in names] == [(whole / name).read_bytes() for name in names]
    assert (begun / names[0]).stat().st_mtime_ns == kept


def test_export_leaves_other_folders_alone(data, tmp_path):
    export(data, tmp_path / "out", "webdataset")
    for folder, form in ((tmp_path / "out", "parquet"), (tmp_path, "webdataset"), (data.path, "webdataset")):
        with pytest.raises(OutputError, match="something else"):
            export(data, folder, form)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        export(data, tmp_path / "file", "webdataset")


def test_export_command_says_what_it_wrote(command, data, tmp_path):
    ended = command(main, "export", data.path, tmp_path / "out", "--json")
    assert (ended.code, ended.json["crops"], len(ended.json["files"])) == (0, 16, 4)
    assert ended.json["bytes"] == sum(file.stat().st_size for file in (tmp_path / "out").glob("*.tar"))
    again = command(main, "export", data.path, tmp_path / "out")
    assert again.out.startswith(f"{tmp_path / 'out'}: 16 crops in 4 files")


def test_export_command_refuses_another_format(command, data, tmp_path):
    assert command(main, "export", data.path, tmp_path / "out", "--format", "tfrecord").refused("webdataset, parquet")
