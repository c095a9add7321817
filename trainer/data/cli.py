"""Commands of datasets: build."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the dataset commands to gammabox-trainer."""
    app.command("build")(build_command)


def build_command(
    out: Annotated[Path, typer.Argument(help="Folder of the dataset; one that was begun is continued.")],
    kind: Annotated[str, typer.Option(help="training (75 % train, 25 % validation, by scene) or test.")] = "training",
    crops: Annotated[int, typer.Option(min=1, help="Samples in all, half of them with a hit.")] = 60000,
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Edge of the square crops, pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    fusion: Annotated[str, typer.Option(help="charge (added in linear light), max (the paper's) or both.")] = "both",
    footage: Annotated[
        list[Path] | None,
        typer.Option(help="Video, folder of pictures, or folder of either, without a source; may be repeated."),
    ] = None,
    footage_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots taken from footage.")] = 0.5,
    nuisance: Annotated[
        list[str] | None, typer.Option(help="Disturbance to include; may be repeated. Default all; 'none' for none.")
    ] = None,
    nuisance_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots with a disturbance.")] = 0.3,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Build a dataset of crops with and without hits; interrupt it at any time and run it again to go on."""
    from trainer.data.build import build
    from trainer.data.options import recipe_from_options
    from trainer.data.progress import shard_progress

    recipe = recipe_from_options(
        kind=kind,
        crops=crops,
        crop_size=crop_size,
        seed=seed,
        fusion=fusion,
        footage=footage or [],
        footage_share=footage_share,
        nuisances=nuisance,
        nuisance_share=nuisance_share,
    )
    with shard_progress(crops) as on_shard:
        dataset = build(out, recipe, command=_command_line(), workers=workers, on_shard=on_shard)
    counts = {split: dataset.count(split) for split in ("train", "validation", "test")}
    summary = {
        "path": str(out),
        "sha256": dataset.sha256,
        "crop_size": dataset.crop_size,
        "complete": dataset.index.complete,
        "splits": {split: {"samples": n, "hits": hits} for split, (n, hits) in counts.items() if n},
    }
    if as_json:
        print(json.dumps(summary))
        return
    for split, (n, hits) in counts.items():
        if n:
            print(f"{split:<11}{n:>8} crops, {hits} with a hit")
    print(f"{out}: {dataset.crop_size} pixels, SHA-256 {dataset.sha256}")


def _command_line() -> str:
    """Give the command as typed, without the folders of this machine: they would make equal datasets differ."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return shlex.join(["gammabox-trainer", *words])
