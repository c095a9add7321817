"""Under which conditions the paper's figures can come out: how many hits can be seen, and what a network learns."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.truth import VISIBLE_DN
from trainer.data.dataset import Samples
from trainer.filming.fusion import fuse_max
from trainer.paper.conditions import Conditions
from trainer.paper.findings import keep, kept
from trainer.paper.fused import Pools
from trainer.paper.judging import judge_run
from trainer.paper.sensor import hits_of
from trainer.paper.sets import SetRecipe, make_set, samples_of
from trainer.paper.sizes import OURS, OURS_OPTIONS, WARM_CROP, Size, Stage
from trainer.paper.stages import train_stage
from trainer.sensor.isp import GREY_OF_BGR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.paper.places import Place

GAINS = (1.0, 2.0, 4.0, 8.0, 16.0)
DISTANCES_M = (0.02, 0.05, 0.1, 0.2)
POOL, TESTED = 2000, 600
"""Crops of each set on which a network is trained, and of each test."""
_BLOTCH_FLOOR_DN = 8  # a pixel that rises by more belongs to a blotch


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the study: its conditions, and the places of training."""

    name: str
    conditions: Conditions = field(repr=False)
    places: int = 24


def cells() -> tuple[Cell, ...]:
    """Return all points: silicon by gain, then distance, gain of the uncovered camera, selection, and places."""
    usual = Conditions()
    made = [
        Cell(f"{silicon}, gain {gain:g}", usual.with_silicon(silicon).with_gain(gain))
        for silicon in ("ov2710", "thick", "deep")
        for gain in GAINS
    ]
    made += [
        Cell(f"distance {100 * distance:g} cm", replace(usual, distance_m=distance)) for distance in DISTANCES_M[1:]
    ]
    made += [Cell(f"uncovered gain {gain:g}", usual.with_gain(16.0, gain)) for gain in GAINS[1:4:2]]
    made += [Cell("not selected", replace(usual, selected=False))]
    made += [Cell(f"blotches of {level:g} levels", replace(usual, blotch_dn=level)) for level in (10.0, 25.0, 60.0)]
    made += [Cell(f"{count} places", usual, count) for count in (6, 96)]
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done for each point.

    Attributes
    ----------
    crops : int
        Crops of each set on which the ceiling is measured.
    side : int
        Side of the crops.
    train : int
        Samples that a network sees; 0 trains none.
    network : str
    seed : int

    """

    crops: int = 128
    side: int = WARM_CROP
    train: int = 0
    network: str = OURS
    seed: int = 1


def study_cell(
    out: Path, cell: Cell, places: Sequence[Place], others: Sequence[Place], extent: Extent
) -> dict[str, Any]:
    """Return the figures of a point; what an earlier run found is read from its folder."""
    place = out / f"{cell.name.replace(', ', '-').replace(' ', '-')}.json"
    asked = {"extent": asdict(extent), "conditions": cell.conditions.as_json(), "places": [p.name for p in places]}
    asked = json.loads(json.dumps(asked))
    known = kept(place, asked)
    if known is not None:
        return known
    found: dict[str, Any] = {"cell": cell.name, **visibility(cell.conditions, places, extent)}
    if extent.train:
        found["accuracy"] = _accuracies(out / place.stem, cell.conditions, (places, others), extent)
    keep(place, asked, found)
    return found


def visibility(conditions: Conditions, places: Sequence[Place], extent: Extent) -> dict[str, Any]:
    """Return what can be seen of hits: how many a crop gets, their size, and the share of P that shows one."""

    def drawn(name: Any, group: Sequence[Place] = ()) -> Samples:  # noqa: ANN401 - the name of a set
        recipe = SetRecipe(name, conditions, extent.crops, extent.side, extent.seed, tuple(group))
        return Samples.joined([samples_of(recipe, shard) for shard in range(len(recipe.sizes()))], extent.side)

    hits = hits_of(conditions)
    noise, radiation, scenes = drawn("A"), drawn("C"), drawn("B", places)
    unfused = drawn("same-places", places)
    rise = np.array(
        [
            _rise(fuse_max(struck, scene), fuse_max(dark, scene))
            for struck, dark, scene in zip(radiation.bgr, noise.bgr, scenes.bgr, strict=True)
        ]
    )
    added = np.array([known["added_dn"] for known in unfused.strata if known["added_dn"] is not None])
    sizes = [
        np.count_nonzero(_grey(struck) - _grey(dark) > _BLOTCH_FLOOR_DN) / known["hit_count"]
        for struck, dark, known in zip(radiation.bgr, noise.bgr, radiation.strata, strict=True)
    ]
    return {
        "hits_a_crop": hits.per_pixel * extent.side**2,
        "hits_a_crop_of_224": hits.per_pixel * 224**2,
        "pixels": float(np.median(sizes)),
        "visible_fused": float((rise >= VISIBLE_DN).mean()),
        "visible_unfused": float((added >= VISIBLE_DN).mean()),
    }


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = picture @ GREY_OF_BGR
    return grey


def _rise(struck: NDArray[np.uint8], dark: NDArray[np.uint8]) -> float:
    return float((_grey(struck) - _grey(dark)).max())


def _accuracies(
    out: Path, conditions: Conditions, groups: tuple[Sequence[Place], Sequence[Place]], extent: Extent
) -> dict[str, float]:
    """Train a network on a single picture in colour, and return its accuracy on the three tests."""
    options = OURS_OPTIONS if extent.network == OURS else {}
    rate = 2e-3 if extent.network == OURS else 3e-4
    epochs = max(extent.train // 4000, 1)
    stage = Stage(extent.network, extent.side, extent.train, epochs, rate, options=options)
    own, others = (tuple(group) for group in groups)

    def made(name: Any, crops: int, group: tuple[Place, ...] = ()) -> Any:  # noqa: ANN401
        return make_set(out / name, SetRecipe(name, conditions, crops, extent.side, extent.seed, group), workers=1)

    pools = Pools(made("A", POOL), made("B", POOL, own), made("C", POOL))
    tests = {"same-places": made("same-places", TESTED, own), "other-places": made("other-places", TESTED, others)}
    size = Size("study", extent.side, {}, {}, 20_000, TESTED, TESTED, 0, 0, (stage,))
    run = train_stage(out, stage, pools, size, seed=extent.seed)
    judged = judge_run(run, tests)["tests"]
    log = run.log()
    return {
        "fused": max(float(line["val_accuracy"]) for line in log),
        **{name: float(found["accuracy"]["value"]) for name, found in judged.items()},
    }


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the study as a table: hits in a crop of 224 pixels, size of a blotch, share of P with a visible hit."""
    trained = any("accuracy" in row for row in rows)
    heads = ["conditions", "hits a crop of 224", "pixels", "visible, fused", "visible, unfused"]
    heads += ["accuracy, fused", "same places", "other places"] if trained else []
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        values = [row["cell"], f"{row['hits_a_crop_of_224']:.2f}", f"{row['pixels']:.0f}"]
        values += [f"{row[name]:.2f}" for name in ("visible_fused", "visible_unfused")]
        if trained:
            found = row.get("accuracy")
            names = ("fused", "same-places", "other-places")
            values += [f"{found[name]:.2f}" if found else "" for name in names]
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join(lines)


def run_study(
    out: Path,
    chosen: Sequence[Cell],
    places_of: Callable[[int], tuple[Sequence[Place], Sequence[Place]]],
    extent: Extent,
    say: Callable[[str], object],
) -> list[dict[str, Any]]:
    """Study points one after another; `places_of` returns the places of training and others for a number of places."""
    rows = []
    for cell in chosen:
        say(cell.name)
        rows.append(study_cell(out, cell, *places_of(cell.places), extent))
    return rows
