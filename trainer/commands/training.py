"""The commands `gammabox-trainer fit` and `ensemble`; parse, call, print."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from edge.commands.console import typed_command
from edge.commands.options import with_option_groups
from edge.detect.crops import Planes
from trainer.commands.fit_bar import fit_bar
from trainer.commands.options import DataOption, JsonOption, SeedOption, parse_options
from trainer.data.dataset import Dataset
from trainer.training.request import FitRequest, input_contract
from trainer.training.run import FitSettings, NetworkChoice, Precision, Run
from trainer.values import check_network_options


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("fit")(fit_command)
    app.command("ensemble")(ensemble_command)


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """The network to train and its input."""

    panel = "Network and its input"
    network: Annotated[str, typer.Option(help="alexnet_edge, alexnet_paper, screen, ...")] = "alexnet_edge"
    option: Annotated[
        list[str], typer.Option("--option", "-o", metavar="NAME=VALUE", help="Argument of the network, e.g. width=0.5.")
    ] = field(default_factory=list)
    crop_size: Annotated[int, typer.Option(min=9, max=512, help="Side of the crop, pixels.")] = 64
    planes: Annotated[Planes, typer.Option(help="What the planes of the network's input are.")] = "temporal"
    start_from: Annotated[
        Path | None, typer.Option(help="Run folder whose weights layers of the same name and shape begin with.")
    ] = None


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """How long it is trained, and how fast."""

    panel = "Schedule"
    epochs: Annotated[int, typer.Option(min=1)] = 12
    steps: Annotated[int | None, typer.Option(min=1, help="Batches an epoch \\[default: all samples once].")] = None
    batch_size: Annotated[int, typer.Option(min=1)] = 64
    learning_rate: Annotated[float, typer.Option(min=1e-9)] = 1e-3
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress before it stops.")] = 6


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Which samples of the datasets are fitted."""

    panel = "Samples"
    mixture: Annotated[
        list[Path],
        typer.Option(
            help="Dataset of which all samples of the train and validation split are fitted, too: only --min-added-dn "
            "leaves some of them out, and the weights below are not for them; may be given several times."
        ),
    ] = field(default_factory=list)
    min_added_dn: Annotated[float, typer.Option(min=0, help="Leave out hits that add less, in grey levels.")] = 0.0
    max_spot_pixels: Annotated[
        int | None, typer.Option(min=1, help="Leave out hits of more pixels at half their height.")
    ] = None
    max_sensor_spot_pixels: Annotated[
        int | None,
        typer.Option(min=1, help="The same for hits of the simulated sensor \\[default: as the others]."),
    ] = None
    proposed_only: Annotated[
        bool, typer.Option("--proposed-only", help="Only samples that the fast path would propose.")
    ] = False


@dataclass(frozen=True, slots=True)
class WeightOptions:
    """How samples count, and what is painted on those without a hit."""

    panel = "Weights of samples"
    light_power: Annotated[
        float, typer.Option(min=0, max=4, help="Power of what a hit adds by which it weighs \\[0: all alike].")
    ] = 0.0
    negative_weight: Annotated[float, typer.Option(min=1e-6, help="Weight of samples without a hit.")] = 1.0
    staged_weight: Annotated[
        float, typer.Option(min=1e-6, help="Factor on it for generated scenes and simulated disturbances.")
    ] = 1.0
    speck_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of those without a hit that gets a soft speck in the middle frame."),
    ] = 0.0


@dataclass(frozen=True, slots=True)
class HardwareOptions:
    """The hardware that trains."""

    panel = "Hardware"
    devices: Annotated[
        int, typer.Option(min=1, help="Devices that share each batch; more than one on the JAX backend only.")
    ] = 1
    precision: Annotated[Precision, typer.Option(help="Precision of the arithmetic in training.")] = "float32"


@with_option_groups
def fit_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder; an interrupted run is continued.")],
    data: DataOption,
    network: NetworkOptions,
    schedule: ScheduleOptions,
    samples: SampleOptions,
    weights: WeightOptions,
    hardware: HardwareOptions,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Train a network on datasets. After an interruption, run the same command again: it continues.

    A run folder that holds another training is refused.
    """
    options = parse_options(network.option)
    check_network_options(network.network, options)
    contract = input_contract(network.crop_size, network.planes, f"--crop-size {network.crop_size}")
    datasets, mixtures = ([Dataset.open(folder) for folder in folders] for folders in (data, samples.mixture))
    settings = FitSettings(
        epochs=schedule.epochs,
        steps_per_epoch=schedule.steps,
        batch_size=schedule.batch_size,
        learning_rate=schedule.learning_rate,
        patience=schedule.patience,
        min_added_dn=samples.min_added_dn,
        max_spot_pixels=samples.max_spot_pixels,
        max_sensor_spot_pixels=samples.max_sensor_spot_pixels,
        proposed_only=samples.proposed_only,
        start_from=None if network.start_from is None else str(network.start_from),
        **asdict(weights),
        **asdict(hardware),
    )
    choice = NetworkChoice(name=network.network, options=options)
    request = FitRequest(run, choice, contract, datasets, settings, mixtures, seed)
    request.check()
    _train(request, as_json=as_json)


def _train(request: FitRequest, *, as_json: bool) -> None:
    with fit_bar() as progress:
        from trainer.training.fit import fit

        done = fit(
            request.path,
            request.network,
            request.contract,
            request.datasets,
            request.settings,
            mixtures=request.mixtures,
            seed=request.seed,
            command=typed_command("gammabox-trainer"),
            progress=progress,
        )
    log = done.log()
    best = min(log, key=lambda line: float(line["val_loss"]))
    if as_json:
        print(json.dumps({"run": str(done.path), "epochs": len(log), "best": best, "log": log}))
        return
    print(
        f"{done.path}: {len(log)} epochs, best is epoch {best['epoch']} with validation loss {best['val_loss']:.4f}, "
        f"accuracy {best['val_accuracy']:.4f}"
    )


def ensemble_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New run folder.")],
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Two to four runs of the same network.")],
    as_json: JsonOption = False,
) -> None:
    """Write a run whose network holds those of several runs side by side and averages their logits."""
    opened = [Run.open(run) for run in runs]
    from trainer.training.ensemble import ensemble

    done = ensemble(out, opened, command=typed_command("gammabox-trainer"))
    if as_json:
        print(json.dumps({"run": str(done.path), "members": done.manifest.members}))
        return
    print(f"{done.path}: the networks of {len(runs)} runs, their logits averaged")
