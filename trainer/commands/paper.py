"""The command `gammabox-trainer paper`: from covered lens to Table 5; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console
from edge.commands.console import typed_command
from trainer.commands.options import JsonOption, SeedOption
from trainer.errors import OptionError
from trainer.paper.sizes import Size


def register(app: typer.Typer) -> None:
    """Add the command to gammabox-trainer."""
    app.command("paper")(paper_command)


def paper_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of all that is made; it goes on where it was.")],
    size: Annotated[str, typer.Option(help="small, cpu (two cores, a night) or full (a GPU).")] = "small",
    scenes: Annotated[
        list[Path] | None,
        typer.Option(help="Recordings with people, for set B; repeatable \\[default: generated places]."),
    ] = None,
    other_scenes: Annotated[
        list[Path] | None,
        typer.Option(help="Recordings of other places, for that test; repeatable \\[default: generated places]."),
    ] = None,
    network: Annotated[list[str] | None, typer.Option(help="Train these only; repeatable \\[default: all].")] = None,
    distance: Annotated[float, typer.Option(min=0.005, max=10, help="From the source to the sensor, m.")] = 0.02,
    uncovered_gain: Annotated[
        float, typer.Option(min=1, max=64, help="Gain of the uncovered camera; that of the covered one is 16.")
    ] = 16.0,
    blotch: Annotated[
        float, typer.Option(min=5, max=250, help="Grey levels by which a blotch of the covered camera rises, at least.")
    ] = 120.0,
    natural_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of set A with a hit of natural radiation, labelled 0.")
    ] = 0.0,
    devices: Annotated[int, typer.Option(min=1, help="Devices that share each batch, on the JAX backend.")] = 1,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Follow the paper's protocol: make its sets, train its networks and ours, and print Table 5 beside its own.

    OUT/paper.html shows tables and figures; it is written anew after each network. After an interruption run the same
    command again. Exit code 1 when N and P can be told apart without the hits.
    """
    from trainer.paper.conditions import Conditions

    chosen = _size_of(size, network or [])
    from trainer.paper.page import PAGE_FILE, table5, write_page
    from trainer.paper.protocol import Plan, run_protocol

    conditions = replace(Conditions(), distance_m=distance, blotch_dn=blotch, natural_share=natural_share)
    plan = Plan(
        out,
        chosen,
        conditions.with_gain(conditions.covered.gain, uncovered_gain),
        tuple(scenes or ()),
        tuple(other_scenes or ()),
        seed,
        typed_command("gammabox-trainer"),
    )
    results = run_protocol(plan, on_results=write_page, devices=devices)
    if as_json:
        print(json.dumps(results))
    else:
        print(table5(results))
        print(f"\n{out / PAGE_FILE}")
    leaking = [
        f"{name} (AUC {leak['auc']:.3f})" for name, leak in results["leakage"].items() if leak["passed"] is False
    ]
    if leaking:
        sys.stderr.write(f"N and P can be told apart without the hits: {', '.join(leaking)}\n")
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _size_of(name: str, networks: list[str]) -> Size:
    """Return the size of a name with the stages of some networks, or of all where none are named."""
    from trainer.paper.sizes import SIZES

    if name not in SIZES:
        raise OptionError("--size", name, tuple(SIZES))
    size = SIZES[name]
    known = tuple(dict.fromkeys(stage.network for stage in size.stages))
    for network in networks:
        if network not in known:
            raise OptionError("--network", network, known)
    return replace(size, stages=tuple(stage for stage in size.stages if not networks or stage.network in networks))
