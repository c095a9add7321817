"""Ablation: alexnet_edge with one thing changed at a time, each variant trained on the same number of samples."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.errors import GammaboxError
from edge.output import begins_with, require_free
from trainer.judging.evaluate import Judged, figures, judge, without_nan
from trainer.judging.metrics import METRICS
from trainer.training.batches import read_crops
from trainer.training.fit import fit
from trainer.training.run import TIME_FILE, FitSettings, NetworkChoice, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.detect.crops import Planes
    from trainer.data.dataset import Dataset
    from trainer.filming.fusion import Fusion
    from trainer.training.networks.alexnet import Head
    from trainer.training.run import Run

RESULT_FILE = "ablate.json"


@dataclass(frozen=True, slots=True)
class Variant:
    """One network of the ablation, named by its difference from the base.

    Attributes
    ----------
    crop_size : int
        Side of a crop in pixels.
    fusion : {"charge", "max"}
        Fusion of its training data. All variants are tested on the same data.
    first : tuple of int
        Side of the first convolution's kernels and its stride.
    seed_step : int
        Number that is added to the seed.

    """

    name: str
    crop_size: int = 32
    planes: Planes = "temporal"
    head: Head = "centre"
    fusion: Fusion = "charge"
    first: tuple[int, int] = (11, 2)
    seed_step: int = 0


BASE = Variant("base: temporal, 32 px, centre head, charge fusion, first layer 11 px by 2")
VARIANTS: tuple[Variant, ...] = (
    BASE,
    replace(BASE, name="base again, another seed", seed_step=1),
    replace(BASE, name="planes rgb", planes="rgb"),
    replace(BASE, name="planes spike", planes="spike"),
    replace(BASE, name="head max", head="max"),
    replace(BASE, name="head average", head="average"),
    replace(BASE, name="fusion max", fusion="max"),
    replace(BASE, name="first layer 5 px by 1", first=(5, 1)),
    replace(BASE, name="planes spike and first layer 5 px by 1", planes="spike", first=(5, 1)),
    replace(
        BASE, name="planes spike and first layer 5 px by 1 and another seed", planes="spike", first=(5, 1), seed_step=1
    ),
    replace(BASE, name="crop 24 px", crop_size=24),
    # Four pixels less than the crops of the test mixture, so that the spot stands in the very middle, as it does at 32.
    replace(BASE, name="crop 60 px", crop_size=60),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How each variant is trained: on `samples_seen` samples in `epochs` epochs, at the shipped width of 0.25."""

    samples_seen: int = 48_000
    epochs: int = 4
    batch_size: int = 64
    width: float = 0.25
    learning_rate: float = 2e-3
    min_added_dn: float = 12.0


def ablate(
    path: Path,
    data: Sequence[Dataset],
    test: Sequence[Dataset],
    setting: Setting,
    *,
    variants: Sequence[Variant] = VARIANTS,
    seed: int = 1,
    on_variant: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train and test each variant, and write ablate.json. Interrupted runs are continued, finished ones are used.

    Parameters
    ----------
    path : Path
        Folder of the run folders, one for each variant.
    data : sequence of Dataset
        Datasets built with `--fusion max` are for the variant of that name, the others for the rest. Their crops are
        at least as large as the largest variant's.
    test : sequence of Dataset
        Datasets whose test split judges all variants, whatever their fusion.
    setting, seed
        The same for all variants.
    variants : sequence of Variant
    on_variant : callable, optional
        Called with each name before its turn.

    Raises
    ------
    GammaboxError
        There are no data for a variant.

    """
    require_free(path / RESULT_FILE, begins_with('{\n  "train"'))
    result: dict[str, Any] = {
        "train": {dataset.path.name: dataset.sha256 for dataset in data},
        "test": {dataset.path.name: dataset.sha256 for dataset in test},
        "seed": seed,
        "variants": {},
    }
    for variant in variants:
        if on_variant:
            on_variant(variant.name)
        run = _fitted(path, _of_fusion(data, variant.fusion), variant, setting, seed + variant.seed_step)
        result["variants"][variant.name] = _judged(run, test)
        write_whole(path / RESULT_FILE, json.dumps(result, indent=2) + "\n")
    return result


def _of_fusion(data: Sequence[Dataset], fusion: Fusion) -> list[Dataset]:
    chosen = [dataset for dataset in data if (dataset.index.recipe.get("fusion") == "max") == (fusion == "max")]
    if not chosen:
        raise GammaboxError(
            f"--data: none of {', '.join(dataset.path.name for dataset in data)} was built with fusion {fusion}; "
            f"give one made by `build --fusion {fusion}`, or choose variants with --variant"
        )
    return chosen


def _fitted(path: Path, data: Sequence[Dataset], variant: Variant, setting: Setting, seed: int) -> Run:
    """Train a variant in its folder."""
    kernel, stride = variant.first
    options = {"width": setting.width, "first_stride": stride, "head": variant.head}
    if kernel != BASE.first[0]:
        options["first_kernel"] = kernel
    return fit(
        path / variant.name.partition(":")[0].replace(" ", "-").replace(",", ""),
        NetworkChoice(name="alexnet_edge", options=options),
        InputContract(crop_size=variant.crop_size, planes=variant.planes, dtype="float32"),
        data,
        FitSettings(
            epochs=setting.epochs,
            steps_per_epoch=max(setting.samples_seen // setting.epochs // setting.batch_size, 1),
            batch_size=setting.batch_size,
            learning_rate=setting.learning_rate,
            min_added_dn=setting.min_added_dn,
            patience=setting.epochs,
        ),
        seed=seed,
        command="ablate",
    )


def _judged(run: Run, test: Sequence[Dataset]) -> dict[str, Any]:
    """Return the row of a run. Its figures are kept in run.json and used again for the same test data."""
    data = {dataset.path.name: dataset.sha256 for dataset in test}
    if run.manifest.figures.get("data") != data:
        run = run.with_manifest(figures={"data": data, **without_nan(_tested(run, test))})
    manifest, timed = run.manifest, run.path / TIME_FILE
    return {
        "run": run.path.name,
        "planes": manifest.input.planes,
        "samples_seen": manifest.fit.epochs * (manifest.fit.steps_per_epoch or 0) * manifest.fit.batch_size,
        "seconds": round(sum(float(line["seconds"]) for line in run.log()), 1),
        "int8": json.loads(timed.read_text(encoding="utf-8")) if timed.exists() else None,
        **{name: value for name, value in manifest.figures.items() if name != "data"},
    }


def _tested(run: Run, test: Sequence[Dataset]) -> dict[str, Any]:
    model, contract = run.load_model(), run.manifest.input
    judged = judge(model, read_crops(test, "test", contract), contract)
    strata = judged.crops.strata
    parts = {
        "all": np.ones(len(strata), bool),
        "proposed": np.array([bool(sample.get("proposed", True)) for sample in strata]),
        "charge": np.array([sample.get("fusion") == "charge" for sample in strata]),
        "max": np.array([sample.get("fusion") == "max" for sample in strata]),
    }
    figures_of_parts = {name: _figures(judged.subset(chosen)) for name, chosen in parts.items()}
    return {"parameters": int(model.count_params()), **figures_of_parts}


def _figures(judged: Judged) -> dict[str, Any] | None:
    """Return the figures of visible hits against everything else, at even odds and at fixed false-positive rates."""
    hits = int(judged.crops.label.sum())
    if not 0 < hits < len(judged.crops):
        return None
    found: dict[str, Any] = figures(judged, Decision(threshold=0.5))["visible_hits"]
    return {**found, "hits": hits, "others": len(judged.crops) - hits}


def table(result: dict[str, Any]) -> str:
    """Return the ablation as a Markdown table: a row for each variant, recalls with their 95 % intervals."""
    columns = (
        "variant",
        "recall at 1e-2",
        "recall at 1e-3",
        "at 1e-2, proposed only",
        "accuracy",
        "weights",
        "int8 ms",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, row in result["variants"].items():
        accuracy = row["all"]["accuracy"]
        cells = [
            name,
            _recall(row["all"], 1e-2),
            _recall(row["all"], 1e-3),
            _recall(row["proposed"], 1e-2),
            _with_interval(accuracy),
            f"{row['parameters']:,}",
            "–" if row["int8"] is None else f"{row['int8']['int8_ms']:.3f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def decision_table(result: dict[str, Any], *, single_frame: bool) -> str:
    """Return the paper's four figures at even odds, of the variants that see one frame in colour or of the others."""
    lines = [f"| variant | {' | '.join(METRICS)} |", "|---" * (len(METRICS) + 1) + "|"]
    for name, row in result["variants"].items():
        if (row["planes"] == "rgb") == single_frame:
            cells = [_with_interval(row["all"][metric]) for metric in METRICS]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def fusion_table(result: dict[str, Any]) -> str:
    """Return recall at a false-positive rate of 1e-2 on test samples fused by charge and by maximum, as a table."""
    lines = ["| variant | tested on charge | tested on max |", "|---|---|---|"]
    for name, row in result["variants"].items():
        lines.append(f"| {name} | {_recall(row['charge'], 1e-2)} | {_recall(row['max'], 1e-2)} |")
    return "\n".join(lines)


def _recall(part: dict[str, Any] | None, rate: float) -> str:
    """Return a recall with its interval; only the interval where there are too few negatives to state the rate."""
    if part is None:
        return "–"
    point = next(point for point in part["at_false_positive_rate"] if point["target"] == rate)
    interval = f"({point['recall_low']:.4f}–{point['recall_high']:.4f})"
    return f"{point['recall']:.4f} {interval}" if point["supported"] else interval


def _with_interval(figure: dict[str, float | None]) -> str:
    """Return a figure with its interval; "–" where it does not exist, as the precision of a network without calls."""
    if figure["value"] is None:
        return "–"
    return f"{figure['value']:.4f} ({figure['low']:.4f}–{figure['high']:.4f})"
