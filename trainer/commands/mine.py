"""The command `gammabox-trainer mine`; parses, calls, prints."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edge.commands.console import typed_command
from trainer.commands.options import SeedOption
from trainer.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the command to gammabox-trainer."""
    app.command("mine")(mine_command)


def mine_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the dataset; an interrupted one is continued.")],
    crops: Annotated[int, typer.Option(min=1, help="Candidates in all.")] = 60000,
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Side of the crops, pixels.")] = 64,
    seed: SeedOption = 1,
    footage: Annotated[
        list[Path] | None,
        typer.Option(help="Video or folder of pictures without a source; repeatable."),
    ] = None,
    footage_share: Annotated[float, typer.Option(min=0, max=1, help="Share of pictures taken from footage.")] = 0.5,
    nuisance_share: Annotated[float, typer.Option(min=0, max=1, help="Share of pictures with a disturbance.")] = 0.3,
    hits_a_shot: Annotated[
        float, typer.Option(min=0, help="Mean number of hits that fall into each picture; they are kept as label 1.")
    ] = 0.0,
    run: Annotated[
        Path | None, typer.Option(help="Keep only candidates that the network of this run folder takes for hits.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="With --run: keep from this score on.")] = 0.02,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Collect what the fast path proposes in whole pictures: hard examples of label 0, and hits where they fall."""
    from trainer.commands.data import announce
    from trainer.commands.recipe_options import recipe_from_options
    from trainer.data.mine import Deceived, mine

    recipe = recipe_from_options(
        kind="training",
        crops=crops,
        crop_size=crop_size,
        seed=seed,
        fusion="charge",
        footage=footage or [],
        footage_share=footage_share,
        nuisances=None,
        nuisance_share=nuisance_share,
        radiations=None,
    )
    deceived = None
    if run is not None:
        from trainer.training.run import Run
        from trainer.training.scores import RunScores

        deceived = Deceived(RunScores(str(run)), min_score, Run.open(run).manifest.data.sha256)
    with progress_bar(crops) as on_shard:
        dataset = mine(
            out,
            recipe,
            hits_a_shot=hits_a_shot,
            deceived=deceived,
            command=typed_command("gammabox-trainer"),
            workers=workers,
            on_begin=partial(announce, out, recipe),
            on_shard=on_shard,
        )
    splits = {split: dataset.count(split)[0] for split in ("train", "validation")}
    if as_json:
        print(json.dumps({"path": str(out), "sha256": dataset.sha256, "splits": splits}))
        return
    print(f"{out}: {splits['train']} candidates for training, {splits['validation']} for validation")
