"""Commands of gammabox-trainer about training: fit, mine; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.commands.console import typed_command
from edge.detect.crops import Planes
from trainer.commands.options import DataOption, JsonOption, SeedOption, parse_options


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("fit")(fit_command)
    app.command("mine")(mine_command)


def fit_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder; one that was interrupted goes on.")],
    data: DataOption,
    mixture: Annotated[
        list[Path],
        typer.Option(
            help="Dataset fitted in full beside them, by its train and validation split: but for --min-added-dn no "
            "filter and no weight below concerns it; may be repeated."
        ),
    ] = [],  # noqa: B006 - typer makes a new list
    network: Annotated[str, typer.Option(help="alexnet_edge, alexnet_paper, screen, ...")] = "alexnet_edge",
    option: Annotated[
        list[str], typer.Option("--option", "-o", metavar="NAME=VALUE", help="Argument of the network, e.g. width=0.5.")
    ] = [],  # noqa: B006 - typer makes a new list
    crop_size: Annotated[int, typer.Option(min=9, max=512, help="Side of the crop, pixels.")] = 64,
    planes: Annotated[Planes, typer.Option(help="What the network's three channels are.")] = "temporal",
    epochs: Annotated[int, typer.Option(min=1)] = 12,
    steps: Annotated[int | None, typer.Option(min=1, help="Batches an epoch \\[default: all samples once].")] = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    learning_rate: Annotated[float, typer.Option(min=1e-9)] = 1e-3,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress before it stops.")] = 6,
    negative_weight: Annotated[
        float, typer.Option(min=1e-6, help="Weight of samples without a hit in the loss.")
    ] = 1.0,
    staged_weight: Annotated[
        float, typer.Option(min=1e-6, help="Factor on it for generated scenes and simulated disturbances.")
    ] = 1.0,
    min_added_dn: Annotated[
        float, typer.Option(min=0, help="Hits that add less, in grey levels, are left out of fitting.")
    ] = 0.0,
    max_spot_pixels: Annotated[
        int | None, typer.Option(min=1, help="Hits wider than this at half their height are left out of fitting.")
    ] = None,
    max_sensor_spot_pixels: Annotated[
        int | None,
        typer.Option(min=1, help="The same for hits through the simulated sensor \\[default: as the others]."),
    ] = None,
    proposed_only: Annotated[
        bool, typer.Option("--proposed-only", help="Only samples that the fast path would propose.")
    ] = False,
    speck_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of label 0 that gets a soft speck in the middle frame.")
    ] = 0.0,
    start_from: Annotated[
        Path | None, typer.Option(help="Run folder whose weights layers of like name and shape begin with.")
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, help="Devices that share each batch; more than one on the JAX backend only.")
    ] = 1,
    precision: Annotated[str, typer.Option(help="float32, mixed_float16 or mixed_bfloat16.")] = "float32",
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Train a network on datasets; run it again after an interruption and it goes on where it was."""
    from pydantic import ValidationError

    from edge.bundle import InputContract
    from edge.errors import GammaboxError
    from trainer.data.dataset import Dataset
    from trainer.training.fit import board_is_installed, fit, terminal_progress
    from trainer.training.run import FitSettings, NetworkChoice

    try:
        settings = FitSettings(
            epochs=epochs,
            steps_per_epoch=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            negative_weight=negative_weight,
            staged_weight=staged_weight,
            min_added_dn=min_added_dn,
            max_spot_pixels=max_spot_pixels,
            max_sensor_spot_pixels=max_sensor_spot_pixels,
            proposed_only=proposed_only,
            speck_share=speck_share,
            start_from=str(start_from) if start_from is not None else None,
            devices=devices,
            precision=precision,  # type: ignore[arg-type] # pydantic checks it
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise GammaboxError(f"--{first['loc'][0]}: {first['msg']}".replace("_", "-")) from error
    if not board_is_installed():
        print("no events for TensorBoard are written: it is not installed", file=sys.stderr)
    bar, progress = terminal_progress()
    with bar:
        done = fit(
            run,
            NetworkChoice(name=network, options=parse_options(option)),
            InputContract(crop_size=crop_size, planes=planes, dtype="float32"),
            [Dataset.open(folder) for folder in data],
            settings,
            mixtures=[Dataset.open(folder) for folder in mixture],
            seed=seed,
            command=typed_command("gammabox-trainer"),
            progress=progress,
        )
    log = done.log()
    best = min(log, key=lambda line: float(line["val_loss"]))
    if as_json:
        print(json.dumps({"run": str(run), "epochs": len(log), "best": best, "log": log}))
        return
    print(
        f"{run}: {len(log)} epochs, best is epoch {best['epoch']} with validation loss {best['val_loss']:.4f}, "
        f"accuracy {best['val_accuracy']:.4f}"
    )


def mine_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the dataset; one that was begun is continued.")],
    crops: Annotated[int, typer.Option(min=1, help="Candidates in all.")] = 60000,
    crop_size: Annotated[int, typer.Option(min=32, max=224, help="Side of the crops, pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    footage: Annotated[
        list[Path] | None, typer.Option(help="Video or folder of pictures without a source; may be repeated.")
    ] = None,
    footage_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots taken from footage.")] = 0.5,
    nuisance_share: Annotated[float, typer.Option(min=0, max=1, help="Share of shots with a disturbance.")] = 0.3,
    hits_a_shot: Annotated[
        float, typer.Option(min=0, help="Mean number of hits that fall into each picture; they are kept as label 1.")
    ] = 0.0,
    run: Annotated[
        Path | None, typer.Option(help="Keep only what the network of this run folder is deceived by.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="With --run: the score that deceives.")] = 0.02,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Collect what the fast path proposes in whole pictures: hard examples of label 0, and hits where they fall."""
    from trainer.commands.data import warn_without_validation
    from trainer.commands.recipe_options import recipe_from_options
    from trainer.data.mine import Deceived, mine
    from trainer.progress import shard_progress

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
    with shard_progress(crops) as on_shard:
        dataset = mine(
            out,
            recipe,
            hits_a_shot=hits_a_shot,
            deceived=deceived,
            command=typed_command("gammabox-trainer"),
            workers=workers,
            on_shard=on_shard,
        )
    warn_without_validation(dataset)
    splits = {split: dataset.count(split)[0] for split in ("train", "validation")}
    if as_json:
        print(json.dumps({"path": str(out), "sha256": dataset.sha256, "splits": splits}))
        return
    print(f"{out}: {splits['train']} candidates for training, {splits['validation']} for validation")
