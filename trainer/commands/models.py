"""Commands of gammabox-trainer about networks: fit, mine, cascade, compare; parses, calls, prints."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.detect.crops import Planes

DataOption = Annotated[
    list[Path], typer.Option("--data", help="Dataset folder written by `build`; may be given several times.")
]
WEIGHT_HELP = (
    "How much something counts; may be repeated. The usual ones: classifier=0.75, screen=0.25, motion=0.6 (under the "
    "spot), scene=0.6 (what it proposes in vain), border=4.0 (what may enter there); where something moved lately "
    "extent=1.7 and drift=0.7 (of the light), against them colour=1.3."
)


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("fit")(fit_command)
    app.command("mine")(mine_command)
    app.command("cascade")(cascade_command)
    app.command("compare")(compare_command)


def parse_options(pairs: list[str], example: str = "width=0.5") -> dict[str, Any]:
    """Read NAME=VALUE pairs: numbers and true/false as such, everything else as text; `example` is for the error."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r}: write NAME=VALUE, for instance {example}")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


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
    seed: Annotated[int, typer.Option(min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
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
            command=command_line(),
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
    deceived = Deceived(run, min_score) if run is not None else None
    with shard_progress(crops) as on_shard:
        dataset = mine(
            out,
            recipe,
            hits_a_shot=hits_a_shot,
            deceived=deceived,
            command=command_line(),
            workers=workers,
            on_shard=on_shard,
        )
    warn_without_validation(dataset)
    splits = {split: dataset.count(split)[0] for split in ("train", "validation")}
    if as_json:
        print(json.dumps({"path": str(out), "sha256": dataset.sha256, "splits": splits}))
        return
    print(f"{out}: {splits['train']} candidates for training, {splits['validation']} for validation")


def cascade_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of the classifier.")],
    screen: Annotated[Path, typer.Option(help="Run folder of the screen.")],
    data: DataOption,
    keep_recall: Annotated[float, typer.Option(min=0.5, max=1, help="Share of visible hits the screen passes.")] = 0.97,
    false_positive_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Of candidates of recordings, after both.")
    ] = 3e-3,
    weight: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help=WEIGHT_HELP),
    ] = [],  # noqa: B006 - typer makes a new list
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score of a hit, found on clips \\[default: by the rate].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decisions as JSON.")] = False,
) -> None:
    """Choose how screen and classifier decide together, on the validation split, into both run.json."""
    from dataclasses import asdict

    from trainer.data.dataset import Dataset
    from trainer.judging.cascade import Weights, choose
    from trainer.training.run import Run

    weights = Weights.named(parse_options(weight, example="motion=1"))
    opened, first = Run.open(run), Run.open(screen)
    chosen = choose(
        first,
        opened,
        [Dataset.open(folder) for folder in data],
        keep_recall=keep_recall,
        false_positive_rate=false_positive_rate,
        weights=weights,
        threshold=threshold,
    )
    opened.with_manifest(decision=chosen.classifier, decided_with=first.path.name)
    first.with_manifest(decision=chosen.screen, decided_with=opened.path.name)
    if as_json:
        decisions = {"screen": chosen.screen.model_dump(), "classifier": chosen.classifier.model_dump()}
        print(json.dumps({**asdict(chosen), **decisions}))
        return
    rate = "–" if chosen.false_positive_rate is None else f"{chosen.false_positive_rate:.2g}"
    print(
        f"screen passes from {chosen.screen.threshold:.4g}, a hit is from {chosen.classifier.threshold:.4g}: "
        f"recall {chosen.recall:.3f} of {chosen.hits} visible hits, "
        f"false-positive rate {rate} of {chosen.negatives} candidates of recordings"
    )


def compare_command(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the runs and compare.json; run again, it goes on.")
    ],
    data: DataOption,
    test: Annotated[list[Path], typer.Option(help="Dataset with a test split; may be given several times.")],
    samples: Annotated[
        int | None, typer.Option(min=1, help="Samples that each network sees \\[default: 12000, or the paper's size].")
    ] = None,
    paper_size: Annotated[
        bool, typer.Option("--paper-size", help="150,000 crops, twelve times over; meant for a GPU.")
    ] = False,
    crop_size: Annotated[
        int, typer.Option(min=64, max=224, help="Side of the crops, pixels; the paper's is 224.")
    ] = 224,
    planes: Annotated[Planes, typer.Option(help="The paper's input is rgb.")] = "rgb",
    network: Annotated[list[str] | None, typer.Option(help="Compare these only; may be given several times.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train the paper's networks and ours on the same data and print the paper's Table 5 beside ours."""
    from dataclasses import replace

    from trainer.data.dataset import Dataset
    from trainer.judging.table5 import PAPER_RESNET_F1, PAPER_SIZE, SMALL, compare, table

    setting = PAPER_SIZE if paper_size else SMALL
    setting = replace(setting, crop_size=crop_size, planes=planes)
    if samples is not None:
        setting = replace(setting, samples_seen=samples)
    if network:
        setting = replace(setting, networks=tuple(network))
    result = compare(
        out,
        [Dataset.open(folder) for folder in data],
        [Dataset.open(folder) for folder in test],
        setting,
        seed=seed,
        on_network=lambda name: print(f"training {name}", file=sys.stderr),
    )
    if as_json:
        print(json.dumps(result))
        return
    print(table(result))
    print(
        "\nHits that add at least 25 grey levels against everything else; ours on simulated hits, the paper's on "
        f"its own recordings of Tc-99m.\nThe paper's F1 of ResNet does not follow from its precision and "
        f"recall, which give {PAPER_RESNET_F1}."
    )


def command_line() -> str:
    """Give the command as typed, without the folders of this machine."""
    words = [Path(word).name if word.startswith("/") else word for word in sys.argv[1:]]
    return shlex.join(["gammabox-trainer", *words])
