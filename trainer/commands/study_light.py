"""Command `gammabox-trainer study light`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import ModelOption, SeedOption, bundle_or_shipped, count_progress


def register(study: typer.Typer) -> None:
    """Add the command to the group of studies."""
    study.command("light")(light_command)


def light_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the clips; only missing clips are filmed.")],
    model: ModelOption = None,
    clips: Annotated[int, typer.Option(min=1, help="Clips in clear weather, and as many in nuisances.")] = 30,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a clip, s.")] = 6.0,
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="More clips, each with its truth beside it; repeatable."),
    ] = None,
    seed: SeedOption = 1,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the network, as edge/detect/light.json holds it.")
    ] = None,
) -> None:
    """Fit the network that tells light from ionisation, and print what of true and of false hits passes it."""
    from edge.files import replace_file
    from trainer.training.light import as_json, fit_light, gather_hits, passing_shares
    from trainer.training.light_films import EXPOSURE_S, film_light_clips

    bundle = bundle_or_shipped(model)
    with count_progress("filming", 2 * clips) as progress:
        filmed = film_light_clips(out, clips, seconds, progress=progress)
    more = [clip for folder in also or () for clip in sorted(folder.glob("*.avi"))]
    with count_progress("analysing", len(filmed) + len(more)) as progress:
        hits = gather_hits([*filmed, *more], bundle, exposure_s=EXPOSURE_S, progress=progress)
    network = fit_light(hits, seed)
    print("| log odds at least | true hits | false hits |\n|---|---|---|")
    for odds, true, false in passing_shares(network, hits):
        print(f"| {odds:g} | {true:.3f} | {false:.3f} |")
    if write is not None:
        replace_file(write, as_json(network, f"gammabox-trainer study light --clips {clips} --seconds {seconds:g}"))
