"""Commands of datasets: build, import, inspect, leakage."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from edge.commands import console
from edge.commands.console import typed_command
from edge.commands.options import with_option_groups
from edge.output import is_page, require_free
from trainer.commands.options import ForceOption, warn
from trainer.data.dataset import Dataset
from trainer.scenes.splits import SPLITS

if TYPE_CHECKING:
    from trainer.data.build import Recipe
    from trainer.data.cost import BuildCost
    from trainer.data.quota import MixtureShares


BINDING_CROPS = 40_000
"""Of a test mixture: by default `gammabox-quantize check` wants 20,000 crops without a hit, which are one in two."""
_USES = {"train": "training", "validation": "validation", "test": "testing"}


def register(app: typer.Typer) -> None:
    """Add the dataset commands to gammabox-trainer."""
    app.command("build")(build_command)
    app.command("import")(import_command)
    app.command("inspect")(inspect_command)
    app.command("leakage")(leakage_command)


@dataclass(frozen=True, slots=True)
class ShotOptions:
    """The options for making the samples of a dataset."""

    panel: ClassVar[str] = "What samples are made of"

    fusion: Annotated[str, typer.Option(help="charge (added in linear light), max (the paper's) or both.")] = "both"
    footage: Annotated[
        list[Path] | None,
        typer.Option(help="Video, folder of pictures, or folder of either, without a source; may be repeated."),
    ] = None
    footage_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots taken from footage.")] = 0.5
    nuisance: Annotated[
        list[str] | None, typer.Option(help="Disturbance to include; may be repeated. Default all; 'none' for none.")
    ] = None
    nuisance_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots with a disturbance.")] = 0.3
    nuclide: Annotated[
        list[str] | None, typer.Option(help="Radiation whose hits to use; may be repeated. Default all.")
    ] = None


@with_option_groups
def build_command(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder of the dataset; one that was begun is continued, or grows."),
    ],
    shots: ShotOptions,
    kind: Annotated[str, typer.Option(help="training (75 % train, 25 % validation, by scene) or test.")] = "training",
    crops: Annotated[
        int, typer.Option(min=1, help="Samples in all, half with a hit; more of them make a dataset grow.")
    ] = (60000),
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Edge of the square crops, pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Build a dataset of crops with and without hits; interrupt it at any time and run it again to go on.

    Run it again with more --crops to make the dataset grow: what is there is kept.
    Exit 1 where a test mixture lacks what it promises: blotches, strong motion, hits of 25 to 40 grey levels.
    """
    from trainer.commands.recipe_options import recipe_from_options
    from trainer.data.build import build
    from trainer.data.cost import BuildCost
    from trainer.data.quota import count_shares
    from trainer.progress import progress_bar

    recipe = recipe_from_options(
        kind=kind,
        crops=crops,
        crop_size=crop_size,
        seed=seed,
        fusion=shots.fusion,
        footage=shots.footage or [],
        footage_share=shots.footage_share,
        nuisances=shots.nuisance,
        nuisance_share=shots.nuisance_share,
        radiations=shots.nuclide,
    )
    cost, command = BuildCost(), typed_command("gammabox-trainer")
    with progress_bar(crops) as on_shard:
        dataset = build(
            out,
            recipe,
            command=command,
            workers=workers,
            on_begin=partial(announce, out, recipe),
            on_shard=on_shard,
            cost=cost,
        )
    shares = count_shares(dataset) if recipe.kind == "test" else None
    _print_summary(out, dataset, as_json=as_json, cost=cost, shares=shares)
    if shares is not None and shares.missed:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def import_command(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with A (noise), B (scenes), C (radiation, lens covered).")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the dataset.")],
    crops: Annotated[int, typer.Option(min=8, help="Samples in all, half of them from C.")] = 20000,
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Edge of the square crops, pixels.")] = 224,
    fusion: Annotated[str, typer.Option(help="max (the paper's) or charge (added in linear light).")] = "max",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON; the report goes to stderr.")
    ] = False,
) -> None:
    """Fuse your own recordings A, B and C into a dataset; say what was used and what not, and why."""
    from trainer.commands.recipe_options import one_of
    from trainer.data.imported import ImportOptions, build_imported
    from trainer.data.recordings import import_recordings
    from trainer.progress import progress_bar

    options = ImportOptions(crops, crop_size, one_of("--fusion", fusion, ("charge", "max")), seed)
    imported = import_recordings(folder)
    print(imported.report(), file=sys.stderr if as_json else sys.stdout)
    with progress_bar(crops) as on_shard:
        dataset = build_imported(out, imported, options, command=typed_command("gammabox-trainer"), on_shard=on_shard)
    _print_summary(out, dataset, as_json=as_json)


def inspect_command(
    dataset: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of the dataset.")],
    out: Annotated[Path | None, typer.Option(help="Page to write; inspect.html in the dataset by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Samples from which the pictures are chosen.")] = 4096,
    pictures: Annotated[Path | None, typer.Option(help="Folder for the contact sheets as JPEGs, too.")] = None,
    force: ForceOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statistics as JSON.")] = False,
) -> None:
    """Write a page with pictures and statistics of a dataset."""
    from edge.pages.page import write_page
    from trainer.data.inspection import sheet_pictures
    from trainer.data.inspection_page import page

    opened = Dataset.open(dataset)
    place = out or dataset / "inspect.html"
    require_free(place, is_page, force=force)
    made, counted = page(opened, limit)
    write_page(made, place)
    if pictures:
        sheet_pictures(opened, pictures, limit, force=force)
    if as_json:
        print(json.dumps({"page": str(place), **asdict(counted)}))
        return
    print(f"{counted.samples} crops, {counted.hits} with a hit, {counted.scenes} scenes")
    if any(counted.proposed):  # nothing is noted of it in imported data
        print(
            f"proposed by the fast path: {counted.proposed[1]:.1%} of the hits, {counted.proposed[0]:.1%} of the rest"
        )
    _print_shares(counted.negatives_with_blotch, counted.negatives_in_strong_motion, counted.hits_of_25_to_40_dn)
    print(place)


def leakage_command(
    dataset: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of the dataset.")],
    other: Annotated[Path | None, typer.Option(help="Dataset that must share no scene with it.")] = None,
    limit: Annotated[float, typer.Option(min=0.5, max=1, help="Greatest AUC that passes.")] = 0.55,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check that nothing but hits tells the labels apart, and that splits share no scene; exit 1 if not so."""
    from trainer.data.leakage import check_leakage

    report = check_leakage(Dataset.open(dataset), Dataset.open(other) if other else None, limit)
    if as_json:
        print(json.dumps({**asdict(report), "passed": report.passed}))
    else:
        print(
            f"N against P with hits and blotches inpainted: AUC {report.auc:.3f} ± {report.auc_error:.3f} "
            f"on {report.judged} samples of unseen scenes (limit {report.limit:g})"
        )
        for scene in report.shared_scenes:
            print(f"scene in more than one split: {scene}")
        print("passed" if report.passed else "FAILED")
    if not report.passed:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _print_summary(
    out: Path,
    dataset: Dataset,
    *,
    as_json: bool,
    cost: BuildCost | None = None,
    shares: MixtureShares | None = None,
) -> None:
    counts = {split: dataset.count(split) for split in SPLITS}
    summary: dict[str, Any] = {
        "path": str(out),
        "sha256": dataset.sha256,
        "crop_size": dataset.crop_size,
        "complete": dataset.index.complete,
        "splits": {split: {"samples": n, "hits": hits} for split, (n, hits) in counts.items() if n},
    }
    if cost is not None:
        summary["cost"] = cost.report
    if shares is not None:
        summary["mixture"] = {**asdict(shares), "missed": list(shares.missed)}
    if as_json:
        print(json.dumps(summary))
        return
    for split, (n, hits) in counts.items():
        if n:
            print(f"{split:<11}{n:>8} crops, {hits} with a hit")
    if shares is not None:
        _print_shares(
            shares.negatives_with_blotch, shares.negatives_in_strong_motion, shares.hits_of_25_to_40_dn, shares.missed
        )
    if cost is not None and cost.crops:
        report = cost.report
        print(
            f"{report['crops']} made in {report['wall_s']} s: {report['crops_per_s']} a second, "
            f"{report['crops_per_cpu_s']} a second of processor time; {report['peak_memory_mb']} MB in all processes"
        )
    print(f"{out}: {dataset.crop_size} pixels, SHA-256 {dataset.sha256}")


def announce(out: Path, recipe: Recipe, done: int) -> None:
    """Say on stderr what the splits get, before hours of work, and what it takes where they are too small."""
    shares = " and ".join(f"{samples:,} for {_USES[split]}" for split, samples in recipe.split_sizes().items())
    there = f"; {done:,} are there" if done else ""
    sys.stderr.write(f"{out}: {recipe.crops:,} crops, {shares}{there}\n")
    if recipe.kind == "training" and "validation" not in recipe.split_sizes():
        warn(
            f"no validation split, which `fit` needs: shards of {recipe.samples_a_shard} crops go to a split whole, "
            f"every fourth to validation; give --crops {recipe.min_crops}"
        )
    if recipe.kind == "test" and recipe.crops < BINDING_CROPS:
        sys.stderr.write(
            f"a binding verdict of `gammabox-quantize check` takes --crops {BINDING_CROPS}; a dataset can grow\n"
        )


def _print_shares(blotch: float, motion: float, visible: float, missed: tuple[str, ...] = ()) -> None:
    print(
        f"without a hit: {blotch:.1%} with a noise blotch, {motion:.1%} in strong motion; "
        f"hits that add 25 to 40 DN: {visible:.1%}"
    )
    for name in missed:
        print(f"FAILED: {name} is below what a test mixture promises, 30 %")
