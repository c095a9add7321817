"""The dataset folder: dataset.json and shards of crops, and a reader that checks what it reads."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zipfile import BadZipFile

import numpy as np
from pydantic import Field, ValidationError

from edge.arguments import as_path, takes
from edge.config.faults import faults_of
from edge.config.strict import StrictModel
from edge.files import load_json, read_text, why
from trainer.errors import DatasetError
from trainer.scenes.splits import Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SCHEMA_VERSION = 1
INDEX_FILE = "dataset.json"
SHARD_FOLDER = "shards"

Strata = dict[str, Any]

_AGAIN = "run the dataset's build command again: it makes what is missing"
_ARRAYS = ("greys", "bgr", "spot", "label", "strata")


class ShardEntry(StrictModel):
    """A complete shard as dataset.json lists it."""

    index: int = Field(ge=0)
    split: Split
    samples: int = Field(ge=0)
    positives: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def file(self) -> str:
        """Path inside the dataset folder."""
        return f"{SHARD_FOLDER}/{self.index:05d}.npz"


class DatasetIndex(StrictModel):
    """`dataset.json`: what was asked for (the recipe) and which shards of it are complete."""

    schema_version: Literal[1] = 1
    kind: str
    command: str
    seed: int
    crop_size: int = Field(ge=9, le=512)
    recipe: dict[str, Any] = Field(default_factory=dict, description="everything that decides the bytes of a shard")
    planned_shards: int = Field(ge=0)
    shards: Annotated[tuple[ShardEntry, ...], Field(description="complete ones, by index")] = ()

    @property
    def complete(self) -> bool:
        """Whether every planned shard is there."""
        return len(self.shards) == self.planned_shards


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Crops of size s with their truth.

    Attributes
    ----------
    greys : uint8 array, shape (n, s, s, 3)
        Previous, current and next frame's grey.
    bgr : uint8 array, shape (n, s, s, 3)
        The current frame in colour, blue first.
    spot : int16 array, shape (n, 2)
        x, y within the crop of the candidate's brightest pixel; the hit's in a positive crop.
    label : uint8 array, shape (n,)
        1 where the crop holds a hit of ionising radiation.
    strata : tuple of dict
        Facts about the making of each sample (scene, added_dn, motion_dn, nuisance, ...).

    """

    greys: NDArray[np.uint8] = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    spot: NDArray[np.int16] = field(repr=False)
    label: NDArray[np.uint8] = field(repr=False)
    strata: tuple[Strata, ...] = field(repr=False)

    def __post_init__(self) -> None:
        n = len(self.label)
        size = self.greys.shape[1]
        expected = {"greys": (n, size, size, 3), "bgr": (n, size, size, 3), "spot": (n, 2), "label": (n,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        if len(self.strata) != n:
            raise ValueError(f"{len(self.strata)} strata for {n} samples")

    def __len__(self) -> int:
        return len(self.label)

    def column(self, name: str) -> NDArray[Any]:
        """Return a stratum of all samples as an array; None becomes NaN in a numeric column."""
        values = [sample.get(name) for sample in self.strata]
        if any(isinstance(value, str) for value in values):
            return np.array(["" if value is None else str(value) for value in values])
        return np.array([np.nan if value is None else float(value) for value in values])

    def take(self, which: NDArray[Any]) -> Samples:
        """Return the samples at an index array or where a mask of length n is true."""
        places = np.flatnonzero(which) if which.dtype == bool else which
        strata = tuple(self.strata[int(i)] for i in places)
        return Samples(self.greys[places], self.bgr[places], self.spot[places], self.label[places], strata)

    @staticmethod
    def joined(parts: Sequence[Samples], crop_size: int) -> Samples:
        """Join parts in order; without any part, return zero samples of `crop_size`."""
        if not parts:
            empty = np.zeros((0, crop_size, crop_size, 3), np.uint8)
            return Samples(empty, empty, np.zeros((0, 2), np.int16), np.zeros(0, np.uint8), ())
        return Samples(
            np.concatenate([part.greys for part in parts]),
            np.concatenate([part.bgr for part in parts]),
            np.concatenate([part.spot for part in parts]),
            np.concatenate([part.label for part in parts]),
            tuple(strata for part in parts for strata in part.strata),
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset folder opened for reading."""

    path: Path
    index: DatasetIndex = field(repr=False)

    @staticmethod
    @takes(path=as_path)
    def open(path: Path | str) -> Dataset:
        """Open a dataset folder; an incomplete one opens too, with the shards that are complete.

        Raises
        ------
        DatasetError
            No dataset.json, one of another version, or one without a single shard.

        """
        folder = Path(path)
        index = read_index(folder)
        if not index.shards:
            raise DatasetError(folder, "no shard of it is complete", "run its build command again")
        return Dataset(folder, index)

    @property
    def crop_size(self) -> int:
        """Edge of the square crops, pixels."""
        return self.index.crop_size

    @property
    def sha256(self) -> str:
        """Hash of all data: over crop size, splits and hashes of the shards in order."""
        text = "".join(f"{entry.index} {entry.split} {entry.sha256}\n" for entry in self.index.shards)
        return hashlib.sha256(f"{self.crop_size}\n{text}".encode()).hexdigest()

    def count(self, split: Split | None = None) -> tuple[int, int]:
        """Return (samples, positives) of a split, or of everything, without reading shards."""
        entries = [entry for entry in self.index.shards if split in (None, entry.split)]
        return sum(entry.samples for entry in entries), sum(entry.positives for entry in entries)

    def parts(self, split: Split | None = None) -> Iterator[Samples]:
        """Read shard after shard; for data that should not all be in memory.

        Raises
        ------
        DatasetError
            A shard that is missing or whose bytes are not those that were written.

        """
        for entry in self.index.shards:
            if split in (None, entry.split):
                yield self._read(entry)

    def truths(self, split: Split | None = None) -> Iterator[tuple[tuple[Strata, ...], NDArray[np.uint8]]]:
        """Read strata and labels of shard after shard without pictures, and so without checking their SHA-256.

        Raises
        ------
        DatasetError
            A shard that is missing or damaged.

        """
        for entry in self.index.shards:
            if split in (None, entry.split):
                try:
                    with np.load(self.path / entry.file, allow_pickle=False) as arrays:
                        label, strata = arrays["label"], arrays["strata"]
                except (OSError, ValueError, KeyError, BadZipFile) as error:
                    raise DatasetError(self.path, f"{entry.file} cannot be read ({why(error)})", _AGAIN) from error
                yield tuple(json.loads(str(sample)) for sample in strata), label

    def samples(self, split: Split | None = None, limit: int | None = None) -> Samples:
        """Read a whole split (or everything), or as many whole shards as hold the first `limit` samples, cut to it.

        Memory: 6 × crop_size² bytes a sample, 25 kB at 64 pixels and 301 kB at 224.
        """
        read: list[Samples] = []
        for part in self.parts(split):
            read.append(part)
            if limit is not None and sum(map(len, read)) >= limit:
                break
        joined = Samples.joined(read, self.crop_size)
        return joined if limit is None else joined.take(np.arange(min(limit, len(joined))))

    def _read(self, entry: ShardEntry) -> Samples:
        try:
            content = (self.path / entry.file).read_bytes()
        except FileNotFoundError:
            raise DatasetError(self.path, f"{entry.file} is missing", _AGAIN) from None
        except OSError as error:
            raise DatasetError(self.path, f"{entry.file} cannot be read ({error.strerror})", _AGAIN) from error
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise DatasetError(self.path, f"{entry.file} is not what was written (SHA-256 differs)", _AGAIN)
        try:
            return unpack(content)
        except (ValueError, KeyError, BadZipFile, EOFError) as error:
            raise DatasetError(self.path, f"{entry.file} holds no samples ({why(error)})", _AGAIN) from error


def pack(samples: Samples) -> bytes:
    """Return the bytes of a shard file (.npz, uncompressed); the same samples have the same bytes."""
    buffer = io.BytesIO()
    strata = np.array([json.dumps(sample, sort_keys=True) for sample in samples.strata], dtype=np.str_)
    np.savez(
        buffer,
        greys=samples.greys,
        bgr=samples.bgr,
        spot=samples.spot.astype(np.int16),
        label=samples.label.astype(np.uint8),
        strata=strata,
    )
    return buffer.getvalue()


def unpack(content: bytes) -> Samples:
    """Read the bytes of a shard file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        greys, bgr, spot, label, strata = (arrays[name] for name in _ARRAYS)
    return Samples(greys, bgr, spot, label, tuple(json.loads(str(sample)) for sample in strata))


def read_index(folder: Path) -> DatasetIndex:
    """Read dataset.json.

    Raises
    ------
    DatasetError
        The index is missing, damaged, or of another version.

    """
    place = folder / INDEX_FILE
    try:
        content = load_json(read_text(place))
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetError(folder, f"{INDEX_FILE} is missing", "name a folder that `build` wrote") from None
    except (OSError, ValueError) as error:
        raise DatasetError(folder, f"{INDEX_FILE} cannot be read ({why(error)})", "build it again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise DatasetError(
            folder,
            f"{INDEX_FILE} is of schema version {version}, this program reads {SCHEMA_VERSION}",
            "build it again with this version",
        )
    try:
        return DatasetIndex.model_validate(content)
    except ValidationError as error:
        fault = next(sentence for _, sentence in faults_of(error, DatasetIndex, content))
        raise DatasetError(folder, f"{INDEX_FILE}: {fault}", "build it again") from error
