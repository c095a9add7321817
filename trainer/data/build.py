"""Building a dataset: a plan of shards from a seed, each made by one process, in any order to the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from edge.arguments import as_path, takes
from edge.detect.manifest import CandidateRules
from edge.workers import in_workers
from trainer.data.cost import BuildCost, measured
from trainer.data.crops import samples_of, take_shot
from trainer.data.dataset import Dataset, DatasetIndex, Samples, ShardEntry
from trainer.data.hits import HITS_PER_LIBRARY, RADIATIONS, HitBank, hit_bank
from trainer.data.places import TEST, TRAINING
from trainer.data.quota import TEST_BLOTCH_SHARE, TEST_SHARES, Quota
from trainer.data.shots import Undecodable, strata_of
from trainer.data.triples import SceneSource
from trainer.data.writer import DatasetWriter, write_shard
from trainer.errors import DatasetError
from trainer.filming.nuisances import IN_DATASETS
from trainer.filming.studio import Way, random_studio
from trainer.scenes.footage import Footage, split_footage
from trainer.scenes.textures import available_pictures
from trainer.sensor.library import LIBRARY_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.random import Generator

    from trainer.data.cost import ShardCost
    from trainer.scenes.splits import Split

Kind = Literal["training", "test"]
FusionChoice = Literal["charge", "max", "both"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FUSION_CHOICES: tuple[FusionChoice, ...] = get_args(FusionChoice)

RECIPE_VERSION = 12  # raise it when the same options would give other bytes
SCENES_A_SHARD = 4
_MAX_SHOTS_IN_VAIN = 400
_SHARD_BYTES = 80_000_000
_KIND_KEY: dict[Kind, int] = {"training": 11, "test": 12}
_WAYS: dict[FusionChoice, tuple[tuple[Way, float], ...]] = {
    "charge": (("sensor", 0.5), ("picture", 0.5)),
    "max": (("max", 1.0),),
    "both": (("sensor", 0.42), ("picture", 0.43), ("max", 0.15)),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """The options that decide every byte of a dataset.

    Attributes
    ----------
    kind : {"training", "test"}
        Training data are split 75/25 into train and validation by scene; a test mixture is all test.
    crops : int
        Samples in all, half of each label.
    crop_size : int
    seed : int
    fusion : {"charge", "max", "both"}
    footage : tuple of Footage
        Recordings that are used as scenes, beside generated scenes.
    footage_share : float
        Share of the shots that come from footage.
    nuisances : tuple of str
        Nuisances that are drawn from.
    nuisance_share : float
        Share of the shots that have a nuisance.
    radiations : tuple of str
        Radiations whose hits are used.
    hits_a_kind : int
        Simulated hits of each radiation in each kind of silicon.
    max_a_shard : int
        Most samples of a shard. Fewer fit where crops are large.

    Examples
    --------
    >>> recipe = Recipe("training", crops=2000, crop_size=64, seed=1)
    >>> [(recipe.split_of(shard), size) for shard, size in enumerate(recipe.shard_sizes())]
    [('train', 512), ('train', 512), ('train', 512), ('validation', 464)]

    """

    kind: Kind
    crops: int
    crop_size: int
    seed: int
    fusion: FusionChoice = "both"
    footage: tuple[Footage, ...] = field(default=(), repr=False)
    footage_share: float = 0.5
    nuisances: tuple[str, ...] = IN_DATASETS
    nuisance_share: float = 0.3
    radiations: tuple[str, ...] = RADIATIONS
    hits_a_kind: int = HITS_PER_LIBRARY
    max_a_shard: int = 512

    @property
    def bank(self) -> HitBank:
        """The hits to choose from."""
        return hit_bank(self.radiations, self.hits_a_kind)

    @property
    def samples_a_shard(self) -> int:
        """A power of two that keeps a shard under 80 MB."""
        fitting = _SHARD_BYTES / (6 * self.crop_size**2)
        return min(self.max_a_shard, int(2 ** max(3, np.floor(np.log2(fitting)))))

    def shard_sizes(self) -> list[int]:
        """Count the samples of each shard; the last may be smaller."""
        whole, rest = divmod(self.crops, self.samples_a_shard)
        return [self.samples_a_shard] * whole + ([rest] if rest else [])

    def split_sizes(self) -> dict[Split, int]:
        """Count the samples of each split."""
        sizes: dict[Split, int] = {}
        for shard, size in enumerate(self.shard_sizes()):
            sizes[self.split_of(shard)] = sizes.get(self.split_of(shard), 0) + size
        return sizes

    @property
    def min_crops(self) -> int:
        """Crops from which on every split of this kind has a whole shard."""
        return self.samples_a_shard * (1 if self.kind == "test" else 4)

    def split_of(self, shard: int) -> Split:
        """Return the split of a shard: of training data every fourth is for validation."""
        if self.kind == "test":
            return "test"
        return training_split(shard)

    def index(self, command: str) -> DatasetIndex:
        """Return the content of dataset.json before the first shard."""
        pictures = {split: list(available_pictures(split)) for split in ("train", "validation", "test")}
        recipe = {
            "version": RECIPE_VERSION,
            "crops": self.crops,
            "fusion": self.fusion,
            "footage": [footage.origin for footage in self.footage],
            "footage_share": self.footage_share,
            "nuisances": list(self.nuisances),
            "nuisance_share": self.nuisance_share,
            "radiations": list(self.radiations),
            "hit_library_version": LIBRARY_VERSION,
            "hits_a_kind": self.hits_a_kind,
            "samples_a_shard": self.samples_a_shard,
            "textures": pictures,
            "versions": {"opencv": cv2.__version__, "numpy": np.__version__},
        }
        return DatasetIndex(
            kind=self.kind,
            command=command,
            seed=self.seed,
            crop_size=self.crop_size,
            recipe=json.loads(json.dumps(recipe)),
            planned_shards=len(self.shard_sizes()),
        )


def training_split(shard: int) -> Split:
    """Return the split of a shard of training data: every fourth is for validation."""
    return "validation" if shard % 4 == 3 else "train"


@takes(path=as_path, recipe=Recipe)
def build(
    path: Path,
    recipe: Recipe,
    *,
    command: str = "",
    workers: int | None = None,
    on_begin: Callable[[int], None] | None = None,
    on_shard: Callable[[int, int], None] | None = None,
    cost: BuildCost | None = None,
) -> Dataset:
    """Make the shards (files of some hundred samples) that are missing, and open the dataset.

    Parameters
    ----------
    path : Path
        A new folder, or one that was begun with the same recipe. One of fewer crops grows, to the same bytes as if
        it had been made at once.
    recipe : Recipe
    command : str
        The command line, recorded in dataset.json.
    workers : int or None
        Processes; None takes every core, 1 works in this process.
    on_begin : function of samples that are there, or None
        Called once the folder is found to be right, before any shard is made.
    on_shard : function of (samples done, samples in all), or None
        Called after each shard.
    cost : BuildCost or None
        Collects the processor time and memory that each shard takes.

    Raises
    ------
    DatasetError
        The folder was begun with another recipe or with more crops, or the disk is full.

    """
    writer = DatasetWriter(path, recipe.index(command), grows=True)
    sizes = recipe.shard_sizes()
    missing = writer.missing
    done = recipe.crops - sum(sizes[shard] for shard in missing)
    if on_begin:
        on_begin(done)
    if missing:
        _ = recipe.bank  # simulated once, before many processes would each do it
    cost = cost or BuildCost()
    for shard, (entry, shard_cost) in in_workers(partial(_measured_shard, path, recipe), missing, workers):
        writer.enter(entry)
        cost.add(entry, shard_cost)
        done += sizes[shard]
        if on_shard:
            on_shard(done, recipe.crops)
    return Dataset.open(path)


def make_shard(path: Path, recipe: Recipe, shard: int) -> ShardEntry:
    """Make and write one shard; its bytes depend on the recipe and its number only."""
    split = recipe.split_of(shard)
    samples = shard_samples(recipe, shard)
    return write_shard(path, shard, split, samples)


def _measured_shard(path: Path, recipe: Recipe, shard: int) -> tuple[ShardEntry, ShardCost]:
    return measured(lambda: make_shard(path, recipe, shard))


def shard_samples(recipe: Recipe, shard: int) -> Samples:
    """Make the samples of one shard, half of each label."""
    rng = np.random.default_rng([recipe.seed, _KIND_KEY[recipe.kind], shard])
    split, count = recipe.split_of(shard), recipe.shard_sizes()[shard]
    source = SceneSource(
        rng,
        split,
        [(recipe.seed % 100_003) * 1_000_000 + shard * SCENES_A_SHARD + i for i in range(SCENES_A_SHARD)],
        split_footage(recipe.footage)[split],
        region_size(recipe.crop_size),
        footage_share=recipe.footage_share,
    )
    quota = Quota(count, TEST_SHARES, TEST_BLOTCH_SHARE) if recipe.kind == "test" else Quota(count)
    parts: list[Samples] = []
    in_vain = 0
    while not quota.filled:
        shot = _shot(recipe, source, split, rng)
        in_vain += 1
        if in_vain > _MAX_SHOTS_IN_VAIN:
            raise DatasetError(
                f"shard {shard}",
                f"{in_vain} shots in a row gave none of the samples still wanted",
                "give footage that moves and is not white, or a smaller --footage-share",
            )
        if shot is not None:
            rows = [i for i, strata in enumerate(shot.strata) if quota.takes(int(shot.label[i]), strata)]
            parts.append(shot if len(rows) == len(shot) else shot.take(np.array(rows, np.intp)))
            in_vain = 0 if rows else in_vain
    return Samples.joined(parts, recipe.crop_size)


def region_size(crop_size: int) -> int:
    """Return the edge of the square pictures of shots: several crops wide, and even as a Bayer mosaic must be."""
    return max(448, 2 * crop_size + 192) // 2 * 2


def _shot(recipe: Recipe, source: SceneSource, split: Split, rng: Generator) -> Samples | None:
    ways, shares = zip(*_WAYS[recipe.fusion], strict=True)
    way: Way = ways[int(rng.choice(len(ways), p=np.array(shares)))]
    nuisance = None
    if recipe.nuisances and rng.random() < recipe.nuisance_share:
        nuisance = recipe.nuisances[int(rng.integers(len(recipe.nuisances)))]
    mixture = TEST if recipe.kind == "test" else TRAINING
    scene = source.draw(rng)
    studio = random_studio(scene.levels[0].shape[0], way, nuisance, rng)
    try:
        shot = take_shot(
            studio,
            scene,
            rng,
            crop_size=recipe.crop_size,
            bank=recipe.bank,
            mixture=mixture,
            rules=CandidateRules(),
        )
    except Undecodable:
        return None
    return samples_of(shot, strata_of(studio, scene.scene, scene.recording, scene.trait, split), recipe.crop_size, rng)
