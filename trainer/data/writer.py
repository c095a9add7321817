"""Writing a dataset folder shard by shard: interrupted work stays usable and is continued to the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from trainer.data.dataset import INDEX_FILE, SHARD_FOLDER, DatasetIndex, Samples, ShardEntry, pack, read_index
from trainer.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trainer.scenes.splits import Split


class DatasetWriter:
    """Adds shards to a dataset folder, in any order; what is complete stays usable whatever happens next.

    A folder that was begun with the same recipe is continued. A dataset of another recipe and a folder that holds
    anything else are refused, before anything is written.

    Parameters
    ----------
    path : Path
    index : DatasetIndex
        What is planned.
    grows : bool
        Whether a dataset of the same recipe with fewer "crops" is continued, too. The whole shards of it stay; a last
        one that was smaller is made again. Each shard has to depend on its number and size only.

    """

    def __init__(self, path: Path, index: DatasetIndex, *, grows: bool = False) -> None:
        self.path = path
        self._done: dict[int, ShardEntry] = {}
        if (path / INDEX_FILE).exists():
            existing = read_index(path)
            differing, outdated = _differences(existing, index), None
            if grows and differing == ["crops"]:
                outdated = _short_shard(path, existing, index)
            elif differing:
                raise DatasetError(
                    path,
                    f"it was begun with other options ({', '.join(differing)} differ)",
                    "name a new folder, or give the same options to go on",
                )
            self._done = {
                entry.index: entry for entry in existing.shards if entry.index != outdated and _is_whole(path, entry)
            }
        elif (path / "run.json").exists():
            raise DatasetError(path, "it is a run folder, not a dataset's", "name a new folder")
        elif foreign := _foreign_files(path):
            raise DatasetError(path, f"it is no dataset and holds {foreign[0]}", "name a new folder")
        self._index = index
        try:
            (path / SHARD_FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(path, f"it cannot be made ({error.strerror})", "name another folder") from error
        self._write_index()

    @property
    def missing(self) -> list[int]:
        """Indices of the planned shards that are not there yet."""
        return [i for i in range(self._index.planned_shards) if i not in self._done]

    def add(self, index: int, split: Split, samples: Samples) -> ShardEntry:
        """Write one shard and list it.

        Raises
        ------
        DatasetError
            The disk is full or refuses; the shards before stay usable.

        """
        entry = write_shard(self.path, index, split, samples)
        self.enter(entry)
        return entry

    def enter(self, entry: ShardEntry) -> None:
        """List a shard that `write_shard` wrote, perhaps in another process."""
        self._done[entry.index] = entry
        self._write_index()

    def _write_index(self) -> None:
        shards = tuple(self._done[i] for i in sorted(self._done))
        text = self._index.model_copy(update={"shards": shards}).model_dump_json(indent=1) + "\n"
        _write_whole(self.path, INDEX_FILE, text.encode())


def write_shard(folder: Path, index: int, split: Split, samples: Samples) -> ShardEntry:
    """Write the file of one shard without listing it in dataset.json.

    Raises
    ------
    DatasetError
        The disk is full or refuses.

    """
    content = pack(samples)
    entry = ShardEntry(
        index=index,
        split=split,
        samples=len(samples),
        positives=int(samples.label.sum()),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    _write_whole(folder, entry.file, content)
    return entry


def write_file(place: Path, content: bytes) -> None:
    """Write a page or picture about a dataset, whole or not at all.

    Raises
    ------
    DatasetError
        The disk is full or refuses.

    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(place.parent, f"it cannot be made ({error.strerror})", "name another folder") from error
    _write_whole(place.parent, place.name, content)


def _write_whole(folder: Path, name: str, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    place = folder / name
    part = place.with_name(place.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(place)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DatasetError(
            folder,
            f"{name} cannot be written ({error.strerror})",
            "what is complete stays usable; make room and run the same command to go on",
        ) from error


def _is_whole(folder: Path, entry: ShardEntry) -> bool:
    """Return whether a shard is as it was written: a power cut may leave less."""
    try:
        content = (folder / entry.file).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == entry.sha256


def _short_shard(path: Path, existing: DatasetIndex, planned: DatasetIndex) -> int | None:
    """Return the last shard of a dataset that is to grow where it is smaller than the others; it is made again."""
    had, wanted = int(existing.recipe["crops"]), int(planned.recipe["crops"])
    if wanted < had:
        raise DatasetError(path, f"it was begun with {had:,} crops", f"give --crops {had} or more, or a new folder")
    return existing.planned_shards - 1 if had % int(existing.recipe["samples_a_shard"]) else None


def _foreign_files(folder: Path) -> list[str]:
    """Name what a folder holds besides what a build leaves that was killed before its first dataset.json."""
    if not folder.is_dir():
        return []
    names = sorted(place.name for place in folder.iterdir())
    own = {f"{INDEX_FILE}.part"} | ({SHARD_FOLDER} if not any(folder.glob(f"{SHARD_FOLDER}/*")) else set())
    return [name for name in names if name not in own and not name.startswith(".")]


def _differences(existing: DatasetIndex, planned: DatasetIndex) -> list[str]:
    names = [name for name in ("kind", "seed", "crop_size") if getattr(existing, name) != getattr(planned, name)]
    recipe: Mapping[str, Any] = json.loads(json.dumps(planned.recipe))
    return names + sorted(key for key in {*existing.recipe, *recipe} if existing.recipe.get(key) != recipe.get(key))
