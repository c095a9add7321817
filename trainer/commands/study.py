"""Commands `gammabox-trainer study …` of whole detectors: rates, nuisances, quiet, grid; parses, calls, prints."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.commands import study_light, study_minimum, study_networks, study_paper, study_sensor
from trainer.commands.options import (
    CameraOption,
    JsonOption,
    ModelOption,
    NuclideOption,
    SeedOption,
    SetOption,
    SizeOption,
    bundle_or_shipped,
    camera_of_size,
    count_progress,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

study = typer.Typer(no_args_is_help=True, add_completion=False)


def register(app: typer.Typer) -> None:
    """Add the group of commands to gammabox-trainer."""
    study.command("rates")(rates_command)
    study.command("nuisances")(nuisances_command)
    study.command("quiet")(quiet_command)
    study.command("grid")(grid_command)
    study_networks.register(study)
    study_sensor.register(study)
    study_minimum.register(study)
    study_paper.register(study)
    study_light.register(study)
    app.add_typer(study, name="study")


@study.callback()
def study_group() -> None:
    """Answer questions about networks and detectors that the daily work does not ask; see docs/engineer.md."""


def rates_command(
    scene: Annotated[
        str, typer.Argument(metavar="SCENE", help="'generated', or a video with something moving in it.")
    ] = "generated",
    model: ModelOption = None,
    nuclide: NuclideOption = "Tc-99m",
    dose_rate: Annotated[float, typer.Option(min=0, help="At the camera, µSv/h.")] = 20000.0,
    camera_name: CameraOption = "ov2710",
    set_: SetOption = None,
    size: SizeOption = "960x540",
    frames: Annotated[int, typer.Option(min=3, help="Frames of each scene.")] = 300,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Film the same hits over a still, a busy and a bright scene and compare the hits per live second.

    The ratios count only the source's own hits on live ground; false hits have a column of their own. Exit 1 where the
    corrected rate of a scene differs from that of the still scene by more than 15 %.
    """
    from edge.commands.console import EXIT_CHECK_FAILED
    from trainer.sensor.radiation import nuclide_field
    from trainer.studies.rates import compare_scenes

    bundle, camera = bundle_or_shipped(model), camera_of_size(camera_name, size, set_)
    field = nuclide_field(nuclide, dose_rate=dose_rate)
    with count_progress("scenes", 4) as progress:
        rows = compare_scenes(bundle, camera, field, scene, frames=frames, seed=seed, progress=progress)
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print(
            "| scene | median grey | live | sensitivity | live hits | of the source "
            "| per live second, plain | ratio | by brightness | ratio | false a live second |\n" + "|---" * 11 + "|"
        )
        for row in rows:
            print(
                f"| {row.scene} | {row.median_dn:.0f} | {row.live_fraction:.2f} | {row.sensitivity:.2f} "
                f"| {row.live_hits} | {row.live_true_hits} | {row.plain_hz:.1f} | {row.plain_ratio:.2f} "
                f"| {row.corrected_hz:.1f} | {row.corrected_ratio:.2f} ± {row.ratio_error:.2f} | {row.false_hz:.1f} |"
            )
    if any(abs(row.corrected_ratio - 1) > 0.15 for row in rows):
        raise typer.Exit(EXIT_CHECK_FAILED)


def nuisances_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the clips; only missing clips are filmed.")],
    model: ModelOption = None,
    nuisance: Annotated[
        list[str] | None,
        typer.Option(
            help="Nuisance to film; may be given several times. 'none' is the scene without any \\[default: all]."
        ),
    ] = None,
    size: SizeOption = "320x240",
    seconds: Annotated[float, typer.Option(min=1, help="Length of a clip, s.")] = 120.0,
    fps: Annotated[float, typer.Option(min=1, help="Frames a second.")] = 25.0,
    clips: Annotated[
        int, typer.Option(min=1, help="Clips of each nuisance, all with different scenes and strengths.")
    ] = 2,
    minutes: Annotated[
        float,
        typer.Option(
            min=0,
            help="Also film a source, and count alarms in so many minutes put together from the films; 0 does not.",
        ),
    ] = 0.0,
    runs: Annotated[int, typer.Option(min=1, help="With --minutes: runs of each clip, each with its own chance.")] = 2,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Film every nuisance and count the false hits, with their dispersion; with --minutes, the alarms, too."""
    from trainer.studies.nuisances import KINDS, Recipe, analyse_nuisances, film_nuisances
    from trainer.studies.quiet import as_markdown, pool
    from trainer.studies.weather import as_markdown as weather_as_markdown
    from trainer.studies.weather import judge_weather

    bundle, (width, height) = bundle_or_shipped(model), size_of(size)
    recipe = Recipe(width, height, fps, seconds, clips, seed)
    kinds = tuple(nuisance) if nuisance else KINDS
    total = len(kinds) * clips
    analysed = {}
    for source in (False, True) if minutes else (False,):
        with count_progress("filming", total * recipe.frames) as progress:
            clips_of = film_nuisances(out, recipe, kinds, source=source, progress=_frames_of_all(progress))
        with count_progress("analysing", total * recipe.frames) as progress:
            analysed[source] = analyse_nuisances(clips_of, bundle, recipe, _frames_of_all(progress))
    rows = [pool(kind, quiet) for kind, quiet in analysed[False].items()]
    weather = [
        judge_weather(
            kind,
            [clip.observations for clip in quiet],
            [clip.observations for clip in analysed[True][kind]],
            fps=fps,
            minutes=minutes,
            runs=runs,
            seed=seed,
        )
        for kind, quiet in analysed[False].items()
        if minutes
    ]
    if as_json:
        print(json.dumps([*map(asdict, rows), *map(asdict, weather)]))
    else:
        print(as_markdown(rows), *([weather_as_markdown(weather)] if weather else []), sep="\n\n")


def _frames_of_all(progress: Callable[[int], None]) -> Callable[[str, int], None]:
    """Return a function that is called with a clip's name and frames and reports the frames of all clips."""
    frames_of: dict[str, int] = {}

    def count_frames(name: str, frames: int) -> None:
        frames_of[name] = frames
        progress(sum(frames_of.values()))

    return count_frames


def quiet_command(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Recordings without a source.")],
    model: ModelOption = None,
    exposure: Annotated[float | None, typer.Option(min=1e-6, max=10, help="Exposure of each frame, s.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Count the false hits on recordings without a source, clip by clip and pooled."""
    from trainer.studies.quiet import as_markdown, count_false_hits, pool

    bundle = bundle_or_shipped(model)
    counted = []
    with count_progress("clips", len(clips)) as progress:
        for done, clip in enumerate(clips, start=1):
            counted.append(count_false_hits(clip, bundle, exposure_s=exposure))
            progress(done)
    rows = [*(pool(clip.name, [clip]) for clip in counted), pool("all", counted)]
    print(json.dumps([asdict(row) for row in rows]) if as_json else as_markdown(rows))


def grid_command(
    model: ModelOption = None,
    size: SizeOption = "1920x1080",
    quality: Annotated[list[int] | None, typer.Option(help="JPEG quality; repeatable \\[default: 85, 95].")] = None,
    pitch: Annotated[int, typer.Option(min=4, help="Blocks from hit to hit in one picture.")] = 12,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Put 3×3 hits of +30 grey levels into every JPEG block of a noisy still scene; count what is found."""
    from trainer.studies.grid import find_grid

    bundle = bundle_or_shipped(model)
    qualities = tuple(quality) if quality else (85, 95)
    with count_progress("pictures", len(qualities) * pitch**2) as progress:
        rows = find_grid(bundle, size_of(size), qualities, pitch=pitch, seed=seed, progress=progress)
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print(
        "| quality | hits | proposed | past the screen | found [95 %] | false hits | unclassified |\n"
        + "|---" * 7
        + "|"
    )
    for row in rows:
        low, high = row.share_interval
        print(
            f"| {row.quality} | {row.hits} | {row.proposed / row.hits:.4f} | {row.screened / row.hits:.4f} "
            f"| {row.share:.4f} [{low:.4f}, {high:.4f}] | {row.false_hits} | {row.unclassified} |"
        )
