"""Sets A, B and C and the unfused tests as datasets, shard by shard, each from a seed to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge.workers import in_workers
from trainer.data.dataset import Dataset, DatasetIndex, Samples, Strata
from trainer.data.shots import decode_colour, decode_grey
from trainer.data.writer import DatasetWriter, write_shard
from trainer.errors import DatasetError
from trainer.filming.exposure import PlacedCharge
from trainer.paper.sensor import Window, box_of, draw_window, hits_of, sensor_of, square_side, studio_of
from trainer.sensor.isp import GREY_OF_BGR, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.dataset import ShardEntry
    from trainer.filming.exposure import Exposure
    from trainer.filming.studio import Studio
    from trainer.paper.conditions import Conditions
    from trainer.paper.places import Place, Views
    from trainer.scenes.splits import Split

SetName = Literal["A", "B", "C", "same-places", "other-places"]
VERSION = 1
"""Raise it when the same options would give other bytes."""
_SAMPLES_A_SHARD = 128
_KEY: dict[SetName, int] = {"A": 1, "B": 2, "C": 1, "same-places": 4, "other-places": 5}
_SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
"""Splits of successive shards of A, B and C: three fifths for training, a fifth each for validation and test."""
_TRIES = 8
_WINDOWS_A_RUN = 4


@dataclass(frozen=True, slots=True)
class SetRecipe:
    """What decides the bytes of a set.

    Attributes
    ----------
    name : {"A", "B", "C", "same-places", "other-places"}
    conditions : Conditions
    crops : int
        Samples; of both labels in the unfused tests, half of each.
    crop_size : int
    seed : int
    places : tuple of Place
        Places of B and of the unfused tests.

    """

    name: SetName
    conditions: Conditions
    crops: int
    crop_size: int
    seed: int
    places: tuple[Place, ...] = field(default=(), repr=False)

    @property
    def is_test(self) -> bool:
        """Whether it is an unfused test."""
        return self.name in {"same-places", "other-places"}

    def sizes(self) -> list[int]:
        """Return the number of samples of each shard. Five shards of A, B or C at least, so that no split is empty."""
        each = min(_SAMPLES_A_SHARD, self.crops if self.is_test else -(-self.crops // len(_SPLITS)))
        whole, rest = divmod(self.crops, each)
        return [each] * whole + ([rest] if rest else [])

    def split_of(self, shard: int) -> Split:
        """Return the split of a shard."""
        return "test" if self.is_test else _SPLITS[shard % len(_SPLITS)]

    def index(self, command: str) -> DatasetIndex:
        """Return dataset.json before the first shard."""
        recipe: dict[str, Any] = {
            "version": VERSION,
            "set": self.name,
            "crops": self.crops,
            "conditions": self.conditions.as_json(),
            "places": [place.name for place in self.places],
        }
        kind = "test" if self.is_test else "paper"
        return DatasetIndex(
            kind=kind,
            command=command,
            seed=self.seed,
            crop_size=self.crop_size,
            recipe=recipe,
            planned_shards=len(self.sizes()),
        )


def make_set(
    path: Path,
    recipe: SetRecipe,
    *,
    command: str = "",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Make the missing shards of a set and open it.

    Raises
    ------
    DatasetError
        The folder holds something else, the disk is full, or no place shows people.

    """
    writer = DatasetWriter(path, recipe.index(command))
    sizes, missing = recipe.sizes(), writer.missing
    if missing and recipe.name != "B":
        hits_of(recipe.conditions)  # simulated once, before several processes would each do it
    done = recipe.crops - sum(sizes[shard] for shard in missing)
    for shard, entry in in_workers(partial(_write, path, recipe), missing, workers):
        writer.enter(entry)
        done += sizes[shard]
        if progress:
            progress(done, recipe.crops)
    return Dataset.open(path)


def _write(path: Path, recipe: SetRecipe, shard: int) -> ShardEntry:
    return write_shard(path, shard, recipe.split_of(shard), samples_of(recipe, shard))


def samples_of(recipe: SetRecipe, shard: int) -> Samples:
    """Make the samples of a shard. A shard of A and the same one of C have the same windows, noise and frames."""
    key = [recipe.seed, _KEY[recipe.name], shard]
    rng = np.random.default_rng(key)
    count, split = recipe.sizes()[shard], recipe.split_of(shard)
    if recipe.name in {"A", "C"}:
        made = [_covered(recipe, np.random.default_rng([*key, number]), split) for number in range(count)]
    elif recipe.name == "B":
        made = [_scene(recipe, rng, split, place, views) for place, views in _views(recipe, rng, split, count)]
    else:
        made = [
            _unfused(recipe, rng, place, views, label=number % 2)
            for number, (place, views) in enumerate(_views(recipe, rng, split, count))
        ]
    return Samples(
        np.stack([sample.greys for sample in made]),
        np.stack([sample.bgr for sample in made]),
        np.array([sample.spot for sample in made], np.int16),
        np.array([sample.label for sample in made], np.uint8),
        tuple(sample.strata for sample in made),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    greys: NDArray[np.uint8] = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    spot: tuple[int, int]
    label: int
    strata: Strata = field(repr=False)


def _covered(recipe: SetRecipe, rng: Generator, split: Split) -> _Made:
    """Take a crop of A, or the same with hits in it for C: a window that holds a bright blotch of noise."""
    conditions, size = recipe.conditions, recipe.crop_size
    sensor = sensor_of(conditions)
    for _ in range(_TRIES):
        window = draw_window(sensor, size, rng, selected=conditions.selected)
        studio = studio_of(conditions.covered, sensor, window, int(rng.integers(2**31)))
        dark = np.zeros((window.side, window.side, 3), np.uint8)
        number = int(rng.integers(1, 1 << 20))
        exposure = studio.expose(dark, number)
        if not conditions.selected or _stands_out(window, exposure, conditions.blotch_dn):
            break
    hits = hits_of(conditions).draw(size, rng)
    if recipe.name == "A":
        is_natural = rng.random() < conditions.natural_share
        hits = hits_of(conditions, natural=True).draw(size, rng) if is_natural else []
    scene = f"covered-{split}-{window.row}-{window.column}-{number}"
    label = int(recipe.name == "C")
    return _taken(studio, window, (dark, dark, dark), (number, exposure), hits, label, {"scene": scene, "split": split})


def _stands_out(window: Window, exposure: Exposure, blotch_dn: float) -> bool:
    """Return whether the noise blotch that the window was drawn around is bright in this frame."""
    if not window.blotches:
        return False
    x, y = window.blotches[0]
    grey = window.cut(exposure.blank) @ GREY_OF_BGR
    near = grey[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
    return bool(near.size and near.max() >= blotch_dn)


def _views(recipe: SetRecipe, rng: Generator, split: Split, count: int) -> list[tuple[Place, Views]]:
    """Draw windows of the places, some from each frame.

    Raises
    ------
    DatasetError
        Nobody is in sight anywhere.

    """
    side = square_side(recipe.crop_size)
    drawn: list[tuple[Place, Views]] = []
    in_vain = 0
    while len(drawn) < count:
        place = recipe.places[int(rng.integers(len(recipe.places)))]
        windows = place.windows(rng, split, side, min(_WINDOWS_A_RUN, count - len(drawn)))
        drawn += [(place, views) for views in windows]
        in_vain = 0 if windows else in_vain + 1
        if in_vain > 20 * len(recipe.places):
            raise DatasetError(f"set {recipe.name}", "nobody moves at any of the places", "name others with --scenes")
    return [drawn[int(i)] for i in rng.permutation(count)]


def _scene(recipe: SetRecipe, rng: Generator, split: Split, place: Place, views: Views) -> _Made:
    """Take a crop of B: a scene through the uncovered camera, without hits."""
    sensor = sensor_of(recipe.conditions)
    window = draw_window(sensor, recipe.crop_size, rng, selected=False)
    studio = studio_of(recipe.conditions.uncovered, sensor, window, int(rng.integers(2**31)))
    number = int(rng.integers(1, 1 << 20))
    taken = number, studio.expose(views[1], number)
    return _taken(studio, window, views, taken, [], 0, {"scene": place.name, "split": split})


def _unfused(recipe: SetRecipe, rng: Generator, place: Place, views: Views, label: int) -> _Made:
    """Take a crop of a test: as in B, but cut around a noise blotch as in A; of label 1, with hits as in C."""
    conditions = recipe.conditions
    sensor = sensor_of(conditions)
    window = draw_window(sensor, recipe.crop_size, rng, selected=conditions.selected)
    studio = studio_of(conditions.uncovered, sensor, window, int(rng.integers(2**31)))
    number = int(rng.integers(1, 1 << 20))
    hits = hits_of(conditions).draw(recipe.crop_size, rng)
    known = {"scene": place.name, "split": "test"}
    taken = number, studio.expose(views[1], number)
    return _taken(studio, window, views, taken, hits if label else [], label, known)


def _taken(  # noqa: PLR0917 - in the order of the light's way
    studio: Studio,
    window: Window,
    views: Views,
    taken: tuple[int, Exposure],
    hits: list[PlacedCharge],
    label: int,
    known: Strata,
) -> _Made:
    """Take the three frames through JPEG and cut the crop; `taken` is the number and exposure of the middle one."""
    number, exposure = taken
    placed = [
        PlacedCharge(hit.x0 + window.crop_column, hit.y0 + window.crop_row, hit.charge_e, hit.nuclide) for hit in hits
    ]
    middle = exposure.picture(placed)
    content = encode(middle, studio.camera.jpeg_quality)
    greys = [
        decode_grey(encode(studio.picture(views[0], number - 1), studio.camera.jpeg_quality)),
        decode_grey(content),
        decode_grey(encode(studio.picture(views[2], number + 1), studio.camera.jpeg_quality)),
    ]
    rise = window.cut(middle) @ GREY_OF_BGR - window.cut(exposure.blank) @ GREY_OF_BGR
    boxes = [box for hit in hits if (box := box_of(hit, window.size)) is not None]
    spot = window.blotches[0] if window.blotches else (window.size // 2, window.size // 2)
    strata = {
        **known,
        "hits": [{"box": box} for box in boxes],
        "blotches": [list(blotch) for blotch in window.blotches],
        "added_dn": round(float(rise.max()), 1) if hits else None,
        "hit_count": len(hits),
    }
    return _Made(
        np.stack([window.cut(grey) for grey in greys], axis=-1), window.cut(decode_colour(content)), spot, label, strata
    )
