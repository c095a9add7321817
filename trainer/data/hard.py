"""Hard candidates: what comes near a bundle's decision while its detector follows pieces of recordings like a box."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.bundle import load_bundle
from edge.capture.frame import Triple
from edge.detect.detector import Detector
from edge.workers import in_workers
from trainer.data.build import RECIPE_VERSION, training_split
from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.hits import HITS_PER_LIBRARY, RADIATIONS, hit_bank
from trainer.data.mine import cut_candidates, matched
from trainer.data.pieces import LEARNT_FRAMES, NUISANCES, draw_piece, film
from trainer.data.shots import strata_of
from trainer.data.writer import DatasetWriter, write_shard
from trainer.scenes.footage import split_footage
from trainer.sensor.library import LIBRARY_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.random import Generator

    from edge.detect.detector import Judged
    from edge.detect.manifest import Bundle
    from trainer.data.dataset import ShardEntry, Strata
    from trainer.data.hits import HitBank
    from trainer.data.pieces import FilmedFrame
    from trainer.scenes.footage import Footage
    from trainer.scenes.splits import Split

PIECES_A_SHARD = 4
MAX_A_PIECE = 90
"""Candidates without a hit that are taken of a piece, so that no single place fills a dataset."""
STRUCK_SHARE = 0.65
"""Share of the pieces into which hits fall."""
_EASY_SHARE = 0.02  # of the candidates that come nowhere near the decision: what is known shall not be forgotten
_KEY = 17


@dataclass(frozen=True, slots=True)
class HardRecipe:
    """The options that decide every byte of a dataset of hard candidates.

    Attributes
    ----------
    bundle : Path
        Folder of the bundle whose detector follows the pieces.
    footage : tuple of Footage
        Recordings without a source.
    pieces : int
    crop_size : int
        Side of the crops, pixels.
    seed : int
    hits_a_frame : float
        Mean of the hits in a frame of the pieces that have some, Poisson.
    nuisance_share : float
        Share of the pieces with rain, insects or glints.
    min_margin : float
        Candidates without a hit are kept from this margin (logit 1 − logit 0) on, and a fiftieth of the others.
    radiations : tuple of str
    hits_a_kind : int
        Simulated hits of each radiation in each kind of silicon.

    """

    bundle: Path
    footage: tuple[Footage, ...] = field(repr=False)
    pieces: int = 400
    crop_size: int = 48
    seed: int = 1
    hits_a_frame: float = 1.5
    nuisance_share: float = 0.35
    min_margin: float = -3.0
    radiations: tuple[str, ...] = RADIATIONS
    hits_a_kind: int = HITS_PER_LIBRARY

    @property
    def bank(self) -> HitBank:
        """The hits to choose from."""
        return hit_bank(self.radiations, self.hits_a_kind)

    @property
    def shards(self) -> int:
        """Shards in all."""
        return -(-self.pieces // PIECES_A_SHARD)

    @property
    def places(self) -> dict[Split, list[Footage]]:
        """The recordings of each split; of a single one, pieces of it are in both."""
        shared = split_footage(self.footage)
        return {**shared, "validation": shared["validation"] or shared["train"]}

    def pieces_of(self, shard: int) -> range:
        """Return the numbers of the pieces in a shard."""
        return range(shard * PIECES_A_SHARD, min((shard + 1) * PIECES_A_SHARD, self.pieces))

    def index(self, command: str) -> DatasetIndex:
        """Return the content of dataset.json before the first shard."""
        manifest = load_bundle(self.bundle).manifest
        recipe: dict[str, Any] = {
            "version": RECIPE_VERSION,
            "bundle": manifest.sha256,
            "footage": [footage.origin for footage in self.footage],
            "pieces": self.pieces,
            "pieces_a_shard": PIECES_A_SHARD,
            "hits_a_frame": self.hits_a_frame,
            "nuisances": list(NUISANCES),
            "nuisance_share": self.nuisance_share,
            "min_margin": self.min_margin,
            "radiations": list(self.radiations),
            "hits_a_kind": self.hits_a_kind,
            "hit_library_version": LIBRARY_VERSION,
        }
        return DatasetIndex(
            kind="hard",
            command=command,
            seed=self.seed,
            crop_size=self.crop_size,
            recipe=recipe,
            planned_shards=self.shards,
        )


def mine_hard(
    path: Path,
    recipe: HardRecipe,
    *,
    command: str = "",
    workers: int | None = None,
    on_shard: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Let the detector of a bundle follow pieces of recordings, and keep the candidates that come near its decision.

    Training on them teaches the next network what deceives this one. Only recordings that it may be fitted to may be
    named.

    Parameters
    ----------
    path : Path
        A new folder, or one that was begun with the same recipe.
    recipe : HardRecipe
    command, workers
        See `trainer.data.build.build`.
    on_shard : function of (pieces done, pieces in all), or None
        Called at the start and after each shard.

    Raises
    ------
    DatasetError
        The folder was begun with another recipe, or the disk is full.
    BundleError
        The bundle cannot be used.

    """
    writer = DatasetWriter(path, recipe.index(command))
    missing = writer.missing
    done = recipe.pieces - sum(len(recipe.pieces_of(shard)) for shard in missing)
    if on_shard:
        on_shard(done, recipe.pieces)
    if recipe.hits_a_frame and missing:
        _ = recipe.bank  # simulated once, before many processes would each do it
    for shard, entry in in_workers(partial(_make_shard, path, recipe), missing, workers):
        writer.enter(entry)
        done += len(recipe.pieces_of(shard))
        if on_shard:
            on_shard(done, recipe.pieces)
    return Dataset.open(path)


def piece_samples(recipe: HardRecipe, number: int, split: Split) -> Samples:
    """Draw a piece by its number, let the detector follow it, and cut what is kept; the same bytes on each call."""
    rng = np.random.default_rng([recipe.seed, _KEY, number])
    piece = draw_piece(recipe.places[split], recipe.nuisance_share, rng)
    is_struck = recipe.hits_a_frame > 0 and rng.random() < STRUCK_SHARE
    bank = recipe.bank if is_struck else None
    footage = piece.footage
    common = {
        **strata_of(piece.studio, footage.scene, footage.path.name, "piece", split),
        "scale": round(piece.scale, 3),
    }
    detector, parts = Detector(_bundle(recipe.bundle)), []
    frames: deque[FilmedFrame] = deque(maxlen=3)
    for filmed in film(piece, recipe.hits_a_frame, recipe.crop_size, bank, rng):
        frames.append(filmed)
        if len(frames) < 3:
            continue
        previous, middle, following = frames
        judged = detector.judge(detector.propose(Triple(previous.frame, middle.frame, following.frame)))
        detector.decide(judged)
        if middle.frame.sequence >= LEARNT_FRAMES:
            parts.append(_kept(judged, middle, recipe, common, rng))
    samples = Samples.joined(parts, recipe.crop_size)
    negatives = np.flatnonzero(samples.label == 0)
    chosen = rng.permutation(negatives)[:MAX_A_PIECE]
    return samples.take(np.sort(np.concatenate([chosen, np.flatnonzero(samples.label == 1)])))


def _kept(judged: Judged, middle: FilmedFrame, recipe: HardRecipe, common: Strata, rng: Generator) -> Samples:
    """Cut the hits of a frame, and what else is near the decision."""
    candidates, view = judged.asked.candidates, judged.proposal.view
    margin_of = {(each.x, each.y): margin for each, margin in zip(candidates, judged.margins.tolist(), strict=True)}
    hits, others = matched(candidates, middle.strikes)
    by_chance = (rng.random(len(others)) < _EASY_SHARE).tolist()
    near = [
        each
        for each, kept in zip(others, by_chance, strict=True)
        if kept or margin_of[each.x, each.y] >= recipe.min_margin
    ]
    chosen = [*hits, *((each, None) for each in near)]
    if not chosen:
        return Samples.joined([], recipe.crop_size)
    samples = cut_candidates(chosen, view.greys, view.greys[1], middle.bgr, common=common, crop_size=recipe.crop_size)
    margins = [round(margin_of[candidate.x, candidate.y], 2) for candidate, _ in chosen]
    strata = tuple({**facts, "margin": margin} for facts, margin in zip(samples.strata, margins, strict=True))
    return replace(samples, strata=strata)


def _make_shard(path: Path, recipe: HardRecipe, shard: int) -> ShardEntry:
    split = training_split(shard)
    parts = [piece_samples(recipe, number, split) for number in recipe.pieces_of(shard)]
    return write_shard(path, shard, split, Samples.joined(parts, recipe.crop_size))


@lru_cache(maxsize=1)
def _bundle(path: Path) -> Bundle:
    return load_bundle(path)
