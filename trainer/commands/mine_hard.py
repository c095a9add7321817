"""The command `gammabox-trainer mine-hard`; parses, calls, prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from edge.commands.console import typed_command
from trainer.commands.options import SeedOption, warn
from trainer.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the command to gammabox-trainer."""
    app.command("mine-hard")(mine_hard_command)


def mine_hard_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the dataset; an interrupted one is continued.")],
    footage: Annotated[list[Path], typer.Option(help="Video or folder of pictures without a source; repeatable.")],
    model: Annotated[
        Path | None, typer.Option(help="Bundle whose detector is to be deceived \\[default: the shipped].")
    ] = None,
    pieces: Annotated[int, typer.Option(min=4, help="Pieces of recordings, of a second and a half each.")] = 400,
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Side of the crops, pixels.")] = 48,
    seed: SeedOption = 1,
    hits_a_frame: Annotated[
        float, typer.Option(min=0, max=20, help="Mean number of hits in a frame, in two pieces of three.")
    ] = 1.5,
    nuisance_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pieces with rain, insects or glints.")
    ] = 0.35,
    min_margin: Annotated[
        float, typer.Option(help="Keep candidates without a hit from this logit 1 − logit 0 on.")
    ] = -3.0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Let a bundle follow pieces of recordings like a box, and collect what comes near its decision, and hits."""
    from edge.bundle import shipped_bundle_path
    from trainer.data.hard import HardRecipe, mine_hard
    from trainer.scenes.footage import require_footage

    recipe = HardRecipe(
        bundle=model or shipped_bundle_path(),
        footage=tuple(require_footage(footage, warn)),
        pieces=pieces,
        crop_size=crop_size,
        seed=seed,
        hits_a_frame=hits_a_frame,
        nuisance_share=nuisance_share,
        min_margin=min_margin,
    )
    with progress_bar(pieces) as on_shard:
        dataset = mine_hard(out, recipe, command=typed_command("gammabox-trainer"), workers=workers, on_shard=on_shard)
    splits = {
        split: dict(zip(("samples", "hits"), dataset.count(split), strict=True)) for split in ("train", "validation")
    }
    if as_json:
        print(json.dumps({"path": str(out), "sha256": dataset.sha256, "splits": splits}))
        return
    train, validation = splits["train"], splits["validation"]
    print(
        f"{out}: {train['samples']} candidates for training, {train['hits']} of them hits; "
        f"{validation['samples']} for validation, {validation['hits']} hits"
    )
