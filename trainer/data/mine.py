"""Mining: what the fast path proposes in whole pictures, hits where they fall, and what deceives a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.fast_path import find_candidates
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair
from edge.workers import in_workers
from trainer.data.build import SCENES_A_SHARD, Recipe, region_size
from trainer.data.crops import MIN_ADDED_DN, MIN_KEPT_DN, cut_samples, stratum_of
from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.places import random_hits
from trainer.data.shots import Struck, ThreeFrames, Undecodable, decode_colour, decode_grey, strata_of
from trainer.data.triples import SceneSource
from trainer.data.writer import DatasetWriter, write_shard
from trainer.filming.studio import random_studio
from trainer.scenes.footage import split_footage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from trainer.data.dataset import ShardEntry, Strata
    from trainer.data.shots import Strike
    from trainer.filming.studio import Way
    from trainer.scenes.splits import Split

    Greys = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

MAX_A_SHOT = 48
"""Candidates taken from one shot, so that no single picture fills a dataset."""
MAX_SHOTS = 4000
"""After so many shots a shard is closed as it is: a good network leaves few that deceive it."""
_KEY = 13
_APART_PX = 24  # between two hits of a shot
_CLOSE_PX = 2  # a candidate so near to a hit's charge is that hit
_BESIDE_PX = 10  # one nearer than this is neither: JPEG's ringing, or a second spike of the same hit
_WAYS: tuple[tuple[Way, float], ...] = (("picture", 0.75), ("sensor", 0.25))


@dataclass(frozen=True, slots=True)
class Deceived:
    """Keep only candidates that a trained network takes for hits: those with at least a score.

    Attributes
    ----------
    score : function of Samples
        Returns the network's scores, 0..1, shape (n,); picklable, for it is called in worker processes.
    min_score : float
    data_sha256 : tuple of str
        Datasets that the network was trained on; dataset.json records them.

    """

    score: Callable[[Samples], NDArray[np.float64]]
    min_score: float
    data_sha256: tuple[str, ...]


def mine(
    path: Path,
    recipe: Recipe,
    *,
    hits_a_shot: float = 0.0,
    deceived: Deceived | None = None,
    command: str = "",
    workers: int | None = None,
    on_begin: Callable[[int], None] | None = None,
    on_shard: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Collect candidates of the fast path in whole pictures, as the agent meets them.

    Hits fall anywhere, while false candidates lie mostly where the scene moves. Ground and motion therefore say as much
    about the label as in real use. `trainer.data.build` avoids this on purpose by placing both labels on the same
    ground.

    Parameters
    ----------
    path : Path
        A new folder, or one that was begun with the same recipe; one of fewer crops grows.
    recipe : Recipe
        Its kind has to be "training". `crops` is the number of candidates: three in four for train, the rest for
        validation.
    hits_a_shot : float
        Mean of the hits that fall into the middle frame, Poisson; 0 for a dataset of label 0 only.
    deceived : Deceived or None
        None takes every candidate; hits are kept in any case.
    command, workers, on_begin, on_shard
        See `trainer.data.build.build`.

    Raises
    ------
    DatasetError
        The folder was begun with another recipe or with more crops, or the disk is full.

    """
    writer = DatasetWriter(path, _index(recipe, hits_a_shot, deceived, command), grows=True)
    sizes = recipe.shard_sizes()
    missing = writer.missing
    done = recipe.crops - sum(sizes[shard] for shard in missing)
    if on_begin:
        on_begin(done)
    if hits_a_shot and missing:
        _ = recipe.bank  # simulated once, before many processes would each do it
    for shard, entry in in_workers(partial(_make_shard, path, recipe, hits_a_shot, deceived), missing, workers):
        writer.enter(entry)
        done += sizes[shard]
        if on_shard:
            on_shard(done, recipe.crops)
    return Dataset.open(path)


def shard_samples(recipe: Recipe, deceived: Deceived | None, shard: int, hits_a_shot: float = 0.0) -> Samples:
    """Make the samples of one shard; with `deceived` there may be fewer than planned."""
    rng = np.random.default_rng([recipe.seed, _KEY, shard])
    split, count = recipe.split_of(shard), recipe.shard_sizes()[shard]
    source = _source(recipe, split, shard, rng)
    parts: list[Samples] = []
    for number in range(MAX_SHOTS):
        if sum(map(len, parts)) >= count:
            break
        if number % 40 == 39:  # a good network is deceived seldom: look at other scenes
            source = _source(recipe, split, shard + 10_000 * (1 + number // 40), rng)
        try:
            samples = _shot_samples(recipe, source, split, hits_a_shot, rng)
        except Undecodable:
            continue
        if deceived is not None and len(samples):
            samples = samples.take((samples.label == 1) | (deceived.score(samples) >= deceived.min_score))
        if len(samples):
            parts.append(samples)
    return Samples.joined(parts, recipe.crop_size).take(np.arange(min(count, sum(map(len, parts)))))


def _shot_samples(recipe: Recipe, source: SceneSource, split: Split, hits_a_shot: float, rng: Generator) -> Samples:
    """Take one shot and cut what the fast path proposes in it; raises `Undecodable`."""
    ways, shares = zip(*_WAYS, strict=True)
    nuisance = None
    if recipe.nuisances and rng.random() < recipe.nuisance_share:
        nuisance = recipe.nuisances[int(rng.integers(len(recipe.nuisances)))]
    scene, way = source.draw(rng), ways[int(rng.choice(len(ways), p=shares))]
    studio = random_studio(scene.levels[0].shape[0], way, nuisance, rng)
    frames = ThreeFrames.take(studio, scene)
    middle = _middle_frame(frames, recipe, hits_a_shot, rng)
    greys = (frames.previous, middle.grey, middle.following)
    common = strata_of(studio, scene.scene, scene.recording, scene.trait, split)
    return _proposed(greys, middle, common, recipe.crop_size, rng)


def _middle_frame(frames: ThreeFrames, recipe: Recipe, hits_a_shot: float, rng: Generator) -> Struck:
    """Let hits fall into the middle frame, as many as Poisson has it; raises `Undecodable`."""
    count = int(rng.poisson(hits_a_shot)) if hits_a_shot else 0
    blank = decode_grey(frames.content)
    if not count:
        return Struck(blank, decode_colour(frames.content), frames.following, ())
    size, bank = recipe.crop_size, recipe.bank
    hits = random_hits(frames.studio, blank, rng, count=count, crop_size=size, apart_px=_APART_PX, bank=bank)
    return frames.struck(hits, blank)


def _proposed(greys: Greys, middle: Struck, common: Strata, crop_size: int, rng: Generator) -> Samples:
    """Cut what the fast path proposes: the best candidate of each hit, and at most MAX_A_SHOT others at random."""
    rules = CandidateRules()
    noise = noise_of_pair(greys[0], greys[2], rules)
    found = find_candidates(greys, rules, noise)
    hits, others = matched(found.candidates, middle.strikes)
    chosen = [*hits, *((others[int(i)], None) for i in rng.permutation(len(others))[:MAX_A_SHOT])]
    return cut_candidates(chosen, found.greys, middle.grey, middle.bgr, common=common, crop_size=crop_size)


def matched(
    candidates: Sequence[Candidate], strikes: Sequence[Strike]
) -> tuple[list[tuple[Candidate, Strike]], list[Candidate]]:
    """Return the candidates of hits that can be seen, each with its hit, and those far from all hits.

    The first candidate at a hit is the hit, so the most promising have to come first. One beside a hit is neither.
    """
    hits: dict[int, Candidate] = {}
    others: list[Candidate] = []
    for candidate in candidates:
        distances = [_distance(candidate, strike) for strike in strikes]
        nearest = int(np.argmin(distances)) if distances else 0
        if not distances or distances[nearest] > _BESIDE_PX:
            others.append(candidate)
        elif distances[nearest] <= _CLOSE_PX:
            hits.setdefault(nearest, candidate)
    return [(candidate, strikes[i]) for i, candidate in hits.items() if _is_visible(strikes[i])], others


def cut_candidates(
    chosen: Sequence[tuple[Candidate, Strike | None]],
    greys: Greys,
    middle: NDArray[np.uint8],
    bgr: NDArray[np.uint8],
    *,
    common: Strata,
    crop_size: int,
) -> Samples:
    """Cut a sample at each candidate: label 1 where a hit made it.

    Parameters
    ----------
    chosen : sequence of (Candidate, Strike or None)
    greys : tuple of three uint8 arrays, shape (height, width)
        Previous, current and next frame, as they are cut.
    middle : uint8 array, shape (height, width)
        The current frame, of which the level of the ground is told.
    bgr : uint8 array, shape (height, width, 3)
    common : dict
        What all of them have in common.
    crop_size : int

    """
    spots = [(candidate.x, candidate.y) for candidate, _ in chosen]
    labels = [int(strike is not None) for _, strike in chosen]
    strata = [{**common, **_strata(*pair, float(middle[pair[0].y, pair[0].x]))} for pair in chosen]
    return cut_samples(greys, bgr, spots, labels=labels, strata=strata, crop_size=crop_size)


def _distance(candidate: Candidate, strike: Strike) -> int:
    """Return how far a candidate lies outside of the box of a hit's charge, pixels; 0 within."""
    x0, y0, x1, y1 = strike.box
    return max(x0 - candidate.x, candidate.x - x1, y0 - candidate.y, candidate.y - y1, 0)


def _is_visible(strike: Strike) -> bool:
    return strike.added_dn >= MIN_ADDED_DN and strike.kept_dn >= MIN_KEPT_DN


def _strata(candidate: Candidate, strike: Strike | None, level_dn: float) -> Strata:
    return {
        "added_dn": strike.added_dn if strike else None,
        "stratum": stratum_of(strike.added_dn) if strike else "negative",
        "pixels": strike.pixels if strike else None,
        "peak_e": strike.peak_e if strike else None,
        "background_dn": level_dn - candidate.spike_dn,
        "motion_dn": round(candidate.motion_dn, 2),
        "spike_dn": candidate.spike_dn,
        "place": "candidate",
        "proposed": True,
        "nuclide": strike.nuclide if strike else None,
        "silicon": strike.silicon if strike else None,
    }


def _source(recipe: Recipe, split: Split, number: int, rng: Generator) -> SceneSource:
    seeds = [(recipe.seed % 100_003) * 1_000_000 + 500_000 + number * SCENES_A_SHARD + i for i in range(SCENES_A_SHARD)]
    recordings = split_footage(recipe.footage)[split]
    return SceneSource(rng, split, seeds, recordings, region_size(recipe.crop_size), footage_share=recipe.footage_share)


def _index(recipe: Recipe, hits_a_shot: float, deceived: Deceived | None, command: str) -> DatasetIndex:
    planned = recipe.index(command)
    against = None
    if deceived is not None:
        against = {"run": list(deceived.data_sha256), "min_score": deceived.min_score}
    own = {"hits_a_shot": hits_a_shot, "deceived": against}
    return planned.model_copy(update={"kind": "mined", "recipe": {**planned.recipe, **own}})


def _make_shard(path: Path, recipe: Recipe, hits_a_shot: float, deceived: Deceived | None, shard: int) -> ShardEntry:
    return write_shard(path, shard, recipe.split_of(shard), shard_samples(recipe, deceived, shard, hits_a_shot))
