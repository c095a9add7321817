"""Mining: what the fast path proposes where there is no source, and, given a trained run, what deceives it most."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.bundle import CandidateRules
from edge.detect.crops import cut, window_origin
from edge.detect.fast_path import find_candidates
from trainer.data.build import SCENES_A_SHARD, Recipe, region_size
from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.footage import split_footage
from trainer.data.shots import Undecodable, Way, decode_colour, decode_grey, open_studio
from trainer.data.triples import SceneSource
from trainer.data.writer import DatasetWriter, write_shard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.bundle import InputContract
    from edge.detect.hit import Candidate
    from trainer.data.dataset import ShardEntry, Split
    from trainer.data.shots import Studio

MOST_A_SHOT = 48
"""Candidates taken from one shot, so that no single picture fills a dataset."""
MOST_SHOTS = 4000
"""After so many shots a shard is closed as it is: a good network leaves few that deceive it."""
_KEY = 13
_WAYS: tuple[tuple[Way, float], ...] = (("picture", 0.75), ("sensor", 0.25))


@dataclass(frozen=True, slots=True)
class Deceived:
    """Keep only candidates to which the best model of a run gives at least a score.

    Attributes
    ----------
    run : Path
    least_score : float
        0..1, sigmoid(logit 1 − logit 0).

    """

    run: Path
    least_score: float


def mine(
    path: Path,
    recipe: Recipe,
    *,
    deceived: Deceived | None = None,
    command: str = "",
    workers: int | None = None,
    on_shard: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Collect candidates of the fast path in scenes without a source: a dataset of label 0 only.

    Parameters
    ----------
    path : Path
        A new folder, or one that was begun with the same recipe.
    recipe : Recipe
        Of kind "training"; `crops` counts the candidates, three in four for train, the rest for validation.
    deceived : Deceived or None
        None takes every candidate.
    command, workers, on_shard
        As in `trainer.data.build.build`.

    Raises
    ------
    DatasetError, RunError
        Another recipe's folder, a full disk, or no run.

    """
    writer = DatasetWriter(path, _index(recipe, deceived, command))
    todo = writer.missing
    done = recipe.crops - sum(recipe.shard_sizes()[shard] for shard in todo)
    count = min(workers or os.cpu_count() or 1, max(len(todo), 1))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker) as pool:
        futures = {pool.submit(_make_shard, path, recipe, deceived, shard): shard for shard in todo}
        try:
            for future in as_completed(futures):
                writer.enter(future.result())
                done += recipe.shard_sizes()[futures[future]]
                if on_shard:
                    on_shard(done, recipe.crops)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return Dataset.open(path)


def shard_samples(recipe: Recipe, deceived: Deceived | None, shard: int) -> Samples:
    """Make the samples of one shard; with `deceived` there may be fewer than planned."""
    rng = np.random.default_rng([recipe.seed, _KEY, shard])
    split, wanted = recipe.split_of(shard), recipe.shard_sizes()[shard]
    source = _source(recipe, split, shard, rng)
    parts: list[Samples] = []
    for number in range(MOST_SHOTS):
        if sum(map(len, parts)) >= wanted:
            break
        if number % 40 == 39:  # a good network is deceived seldom: look at other scenes
            source = _source(recipe, split, shard + 10_000 * (1 + number // 40), rng)
        ways, shares = zip(*_WAYS, strict=True)
        nuisance = None
        if recipe.nuisances and rng.random() < recipe.nuisance_share:
            nuisance = recipe.nuisances[int(rng.integers(len(recipe.nuisances)))]
        studio = open_studio(source.draw(rng), ways[int(rng.choice(len(ways), p=shares))], nuisance, rng)
        try:
            found = _candidates(studio, split, recipe.crop_size, rng)
        except Undecodable:
            continue
        if deceived is not None and len(found):
            found = found.take(_scores(str(deceived.run), found) >= deceived.least_score)
        if len(found):
            parts.append(found)
    return Samples.joined(parts, recipe.crop_size).take(np.arange(min(wanted, sum(map(len, parts)))))


def _candidates(studio: Studio, split: Split, crop_size: int, rng: Generator) -> Samples:
    """Give the crops of what the fast path proposes in one shot, at most MOST_A_SHOT, drawn at random."""
    packed = [studio.sent(studio.picture(t, ()), t) for t in range(3)]
    previous, current, following = (decode_grey(one) for one in packed)
    candidates = find_candidates(previous, current, following, CandidateRules()).candidates
    if not candidates:
        return Samples.joined([], crop_size)
    chosen = [candidates[int(i)] for i in rng.permutation(len(candidates))[:MOST_A_SHOT]]
    bgr = decode_colour(packed[1])
    height, width = current.shape
    origins = [window_origin(one.x, one.y, crop_size, width, height) for one in chosen]
    greys = [np.stack([cut(grey, o, crop_size) for grey in (previous, current, following)], -1) for o in origins]
    spots = [(one.x - o[0], one.y - o[1]) for one, o in zip(chosen, origins, strict=True)]
    return Samples(
        np.array(greys),
        np.array([cut(bgr, origin, crop_size) for origin in origins]),
        np.array(spots, np.int16),
        np.zeros(len(chosen), np.uint8),
        tuple(_strata(studio, split, one, float(current[one.y, one.x])) for one in chosen),
    )


def _strata(studio: Studio, split: Split, candidate: Candidate, level_dn: float) -> dict[str, object]:
    return {
        "scene": studio.scene.scene,
        "recording": studio.scene.recording,
        "split": split,
        "added_dn": None,
        "background_dn": level_dn - candidate.spike_dn,
        "motion_dn": round(candidate.motion_dn, 2),
        "spike_dn": candidate.spike_dn,
        "place": "candidate",
        "proposed": True,
        "trait": studio.scene.trait,
        "jpeg_quality": studio.jpeg_quality,
        "nuclide": None,
        "fusion": studio.fusion,
        "way": studio.way,
        "nuisance": studio.nuisance.name if studio.nuisance else None,
    }


def _scores(run: str, samples: Samples) -> NDArray[np.float64]:
    from trainer.feed import as_input, crops_of  # noqa: PLC0415 - Keras, which mining without a run does not need
    from trainer.metrics import sigmoid  # noqa: PLC0415

    model, contract = _judge(run)
    logits = np.asarray(model.predict_on_batch(as_input(crops_of(samples, contract).pictures, contract)))
    return sigmoid(logits[:, 1] - logits[:, 0])


@lru_cache(maxsize=1)
def _judge(run: str) -> tuple[keras.Model, InputContract]:
    from trainer.run import Run  # noqa: PLC0415

    opened = Run.open(run)
    return opened.load_model(), opened.manifest.input


def _source(recipe: Recipe, split: Split, number: int, rng: Generator) -> SceneSource:
    seeds = [(recipe.seed % 100_003) * 1_000_000 + 500_000 + number * SCENES_A_SHARD + i for i in range(SCENES_A_SHARD)]
    recordings = split_footage(recipe.footage)[split]
    return SceneSource(rng, split, seeds, recordings, region_size(recipe.crop_size), footage_share=recipe.footage_share)


def _index(recipe: Recipe, deceived: Deceived | None, command: str) -> DatasetIndex:
    planned = recipe.index(command)
    against = None
    if deceived is not None:
        from trainer.run import Run  # noqa: PLC0415

        against = {"run": Run.open(deceived.run).manifest.data.sha256, "least_score": deceived.least_score}
    return planned.model_copy(update={"kind": "mined", "recipe": {**planned.recipe, "deceived": against}})


def _make_shard(path: Path, recipe: Recipe, deceived: Deceived | None, shard: int) -> ShardEntry:
    return write_shard(path, shard, recipe.split_of(shard), shard_samples(recipe, deceived, shard))


def _start_worker() -> None:
    cv2.setNumThreads(1)
