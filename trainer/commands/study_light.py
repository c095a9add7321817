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
    clips: Annotated[int, typer.Option(min=1, help="Clips in clear weather.")] = 30,
    weather_clips: Annotated[int, typer.Option(min=1, help="Clips in nuisances of all kinds.")] = 20,
    hard_clips: Annotated[int, typer.Option(min=0, help="More clips in snow, rain and glints.")] = 18,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a clip, s.")] = 6.0,
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="More clips, each with its truth beside it; repeatable."),
    ] = None,
    seed: SeedOption = 1,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the network of hits, as edge/detect/light.json holds it.")
    ] = None,
    write_faint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the networks of faint hits, as edge/detect/faint.json holds them."),
    ] = None,
) -> None:
    """Fit the networks that tell light from ionisation, and print what of the hits in nuisances passes them.

    The network of hits is fitted to all clips, those of faint hits to the clips in nuisances.
    """
    from edge.files import replace_file
    from trainer.training.light import as_json, faint_as_json, fit_faint, fit_light, gather_hits, passing_shares
    from trainer.training.light_films import EXPOSURE_S, film_light_clips

    bundle = bundle_or_shipped(model)
    counts = (clips, weather_clips, hard_clips)
    with count_progress("filming", sum(counts)) as progress:
        filmed = film_light_clips(out, counts, seconds, progress=progress)
    more = [clip for folder in also or () for clip in sorted(folder.glob("*.avi"))]
    with count_progress("analysing", len(filmed) + len(more)) as progress:
        hits = gather_hits([*filmed, *more], bundle, exposure_s=EXPOSURE_S, progress=progress)
    in_nuisances = hits.from_clip(clips)
    light, faint = fit_light(hits.only_found(), seed), fit_faint(in_nuisances, seed)
    print("| what passes | log odds at least | of true ones | of false ones |\n|---|---|---|---|")
    for name, odds, true, false in passing_shares(light, faint, in_nuisances):
        print(f"| {name} | {odds:g} | {true:.3f} | {false:.4f} |")
    command = f"gammabox-trainer study light --clips {clips} --weather-clips {weather_clips}"
    command += f" --hard-clips {hard_clips} --seconds {seconds:g}"
    command += "".join(f" --also {folder.name}" for folder in also or ()) + (f" --seed {seed}" if seed != 1 else "")
    if write is not None:
        replace_file(write, as_json(light, command))
    if write_faint is not None:
        replace_file(write_faint, faint_as_json(faint, command))
