"""Exports a dataset to what people train with elsewhere: WebDataset (.tar) or Parquet, a file for each shard."""

from __future__ import annotations

import io
import json
import tarfile
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

import cv2
import numpy as np

from edge.errors import OutputError, RuntimeMissingError
from edge.files import load_json, read_text
from trainer.data.writer import write_file
from trainer.scenes.splits import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset, Samples
    from trainer.scenes.splits import Split

Format = Literal["webdataset", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
CARD_FILE = "export.json"
FACTS = ("scene", "recording", "stratum", "nuisance", "nuclide", "added_dn", "motion_dn", "background_dn", "proposed")
"""Strata that get a column of their own in Parquet."""
_NUMBERS = ("added_dn", "motion_dn", "background_dn")
_ENDINGS: dict[Format, str] = {"webdataset": "tar", "parquet": "parquet"}


def export(
    dataset: Dataset, out: Path, form: Format, *, on_shard: Callable[[int, int], None] | None = None
) -> list[Path]:
    """Write every sample of a dataset into files that the `webdataset` package or any reader of Parquet takes.

    A sample is `greys`, a lossless PNG whose red, green and blue are previous, current and next grey; `colour`, a
    lossless PNG of the current frame; its label; and its strata with the spot. Files are named by split and number,
    such as train-00000.tar. The same dataset gives the same bytes of WebDataset. An export that was interrupted goes
    on.

    Parameters
    ----------
    dataset : Dataset
    out : Path
        A new or empty folder, or an earlier export of the same dataset.
    form : {"webdataset", "parquet"}
    on_shard : function of (samples done, samples in all), or None

    Raises
    ------
    OutputError
        The folder holds something else.
    RuntimeMissingError
        Parquet needs pyarrow.
    DatasetError
        A shard is damaged, or the disk is full.

    """
    write = _tar if form == "webdataset" else _parquet()
    card = json.dumps({"generator": "gammabox-trainer export", "format": form, "sha256": dataset.sha256}) + "\n"
    _require_place(out, card)
    write_file(out / CARD_FILE, card.encode())
    total, done = dataset.count()[0], 0
    files = []
    for split in SPLITS:
        entries = [entry for entry in dataset.index.shards if entry.split == split]
        for number, (entry, samples) in enumerate(zip(entries, dataset.parts(split), strict=True)):
            place = out / f"{split}-{number:05d}.{_ENDINGS[form]}"
            if not place.exists():
                write_file(place, write(samples, split, entry.index))
            files.append(place)
            done += len(samples)
            if on_shard:
                on_shard(done, total)
    return files


def rows(samples: Samples, split: Split, shard: int) -> Iterator[dict[str, Any]]:
    """Yield the samples of a shard: key, label, both pictures as PNG, spot and strata."""
    for i, strata in enumerate(samples.strata):
        yield {
            "key": f"{split}-{shard:05d}-{i:04d}",
            "label": int(samples.label[i]),
            "greys": _png(samples.greys[i][..., ::-1]),  # OpenCV writes blue first: previous becomes red
            "colour": _png(samples.bgr[i]),
            "spot": [int(samples.spot[i, 0]), int(samples.spot[i, 1])],
            "strata": strata,
        }


def _require_place(out: Path, card: str) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(out, "is a file", "name a folder for the export")
    if not out.exists() or not any(out.iterdir()):
        return
    try:
        fits = load_json(read_text(out / CARD_FILE)) == load_json(card)
    except (OSError, ValueError):
        fits = False
    if not fits:
        raise OutputError(out, "holds something else than this export", "name a new folder")


def _png(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", np.ascontiguousarray(picture))[1].tobytes()


def _tar(samples: Samples, split: Split, shard: int) -> bytes:
    """Return a WebDataset shard: for each sample KEY.greys.png, KEY.colour.png, KEY.cls and KEY.json."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for row in rows(samples, split, shard):
            parts = {
                "greys.png": row["greys"],
                "colour.png": row["colour"],
                "cls": str(row["label"]).encode(),
                "json": json.dumps({"spot": row["spot"], **row["strata"]}, sort_keys=True).encode(),
            }
            for ending, content in parts.items():
                info = tarfile.TarInfo(f"{row['key']}.{ending}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _parquet() -> Callable[[Samples, Split, int], bytes]:
    """Return the function that writes a shard as Parquet; raises `RuntimeMissingError` without pyarrow."""
    try:
        pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise RuntimeMissingError("Parquet needs the package pyarrow: pip install pyarrow") from error
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as the `datasets` package stores pictures
    schema = pa.schema(
        [("key", pa.string()), ("split", pa.string()), ("label", pa.int8()), ("greys", picture), ("colour", picture)]
        + [("spot_x", pa.int16()), ("spot_y", pa.int16())]
        + [(name, pa.float64() if name in _NUMBERS else pa.string()) for name in FACTS if name != "proposed"]
        + [("proposed", pa.bool_()), ("strata", pa.string())],
        metadata={"huggingface": _features()},
    )

    def write(samples: Samples, split: Split, shard: int) -> bytes:
        table = pa.Table.from_pylist([_flat(row, split) for row in rows(samples, split, shard)], schema=schema)
        buffer = io.BytesIO()
        parquet.write_table(table, buffer, compression="zstd")
        return buffer.getvalue()

    return write


def _flat(row: dict[str, Any], split: Split) -> dict[str, Any]:
    strata = row["strata"]
    return {
        "key": row["key"],
        "split": split,
        "label": row["label"],
        **{name: {"bytes": row[name], "path": None} for name in ("greys", "colour")},
        "spot_x": row["spot"][0],
        "spot_y": row["spot"][1],
        **{name: strata.get(name) for name in FACTS},
        "strata": json.dumps(strata, sort_keys=True),
    }


def _features() -> str:
    """Return what tells the `datasets` package of Hugging Face that two columns are pictures."""
    kinds = dict.fromkeys(("key", "split", "strata"), "string") | {"label": "int8", "proposed": "bool"}
    kinds |= {"spot_x": "int16", "spot_y": "int16"}
    kinds |= {name: "float64" if name in _NUMBERS else "string" for name in FACTS if name != "proposed"}
    features: dict[str, Any] = {name: {"dtype": kind, "_type": "Value"} for name, kind in kinds.items()}
    features |= {name: {"_type": "Image"} for name in ("greys", "colour")}
    return json.dumps({"info": {"features": features}})
