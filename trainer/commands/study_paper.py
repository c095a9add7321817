"""Commands `gammabox-trainer study …` of the paper's protocol: paper-conditions, paper-speed; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import JsonOption, SeedOption


def register(study: typer.Typer) -> None:
    """Add the commands to the group."""
    study.command("paper-conditions")(paper_conditions_command)
    study.command("paper-speed")(paper_speed_command)


def paper_conditions_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the results; what is there is not done again.")],
    cell: Annotated[
        list[str] | None, typer.Option(help="Beginning of the name of a point; repeatable \\[default: all].")
    ] = None,
    scenes: Annotated[list[Path] | None, typer.Option(help="Recordings with people; repeatable.")] = None,
    crops: Annotated[int, typer.Option(min=8, max=128, help="Crops on which a ceiling is measured.")] = 128,
    train: Annotated[int, typer.Option(min=0, help="Samples on which a network is trained at each point.")] = 0,
    network: Annotated[
        str, typer.Option(help="The network to train: alexnet_edge, alexnet_paper, ...")
    ] = "alexnet_edge",
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Count how many hits can be seen over gain, distance, silicon and selection; with --train, what is learnt."""
    from trainer.errors import OptionError
    from trainer.paper.places import places_of
    from trainer.paper.protocol import OTHER_SEED
    from trainer.studies.paper_conditions import Extent, as_markdown, cells, run_study
    from trainer.values import check_network_options

    known = cells()
    for beginning in cell or []:
        if not any(point.name.startswith(beginning) for point in known):
            raise OptionError("--cell", beginning, tuple(point.name for point in known))
    check_network_options(network, {})
    chosen = [point for point in known if not cell or point.name.startswith(tuple(cell))]
    others = places_of([], 12, "test", first_seed=OTHER_SEED)
    rows = run_study(
        out,
        chosen,
        lambda count: (places_of(scenes or [], count, "train"), others),
        Extent(crops=crops, train=train, network=network, seed=seed),
        lambda name: print(name, file=sys.stderr, flush=True),
    )
    print(json.dumps(rows) if as_json else as_markdown(rows))


def paper_speed_command(
    network: Annotated[
        list[str] | None, typer.Option(help="A network; repeatable \\[default: the paper's three].")
    ] = None,
    crop_size: Annotated[int, typer.Option(min=64, max=512, help="Side of the crop, pixels.")] = 224,
    as_json: JsonOption = False,
) -> None:
    """Time a batch of training: by arithmetic, local response normalisation and batch, and fusion beside it."""
    from trainer.errors import OptionError
    from trainer.studies.paper_speed import NETWORKS, as_markdown, time_training

    for name in network or []:
        if name not in NETWORKS:
            raise OptionError("--network", name, NETWORKS)
    rows = time_training(network or NETWORKS, crop_size, lambda line: print(line, file=sys.stderr, flush=True))
    print(json.dumps([asdict(row) for row in rows]) if as_json else as_markdown(rows))
