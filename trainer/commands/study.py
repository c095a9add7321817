"""Commands `gammabox-trainer measure …`: the figures of docs/performance.md; parses, calls, prints."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.bundle import Bundle
from trainer.sensor.camera import Camera

measure = typer.Typer(no_args_is_help=True, add_completion=False)

Model = Annotated[
    Path | None, typer.Option(metavar="BUNDLE", help="Folder of a model bundle, instead of the shipped one.")
]
Size = Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the picture.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures.")]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.add_typer(measure, name="measure")


@measure.callback()
def measure_group() -> None:
    """Measure a bundle's whole detector: on the simulated camera, whose truth is known, and on quiet clips."""


@measure.command("sensitivity")
def sensitivity_command(
    model: Model = None,
    nuclide: Annotated[str, typer.Option(help="Source, e.g. Tc-99m, Cs-137.")] = "Tc-99m",
    camera_name: Annotated[str, typer.Option("--camera", help="Preset: ov2710 or webcam_xray.")] = "ov2710",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any camera parameter, NAME=VALUE; repeatable.")
    ] = None,
    size: Size = "480x360",
    frames: Annotated[int, typer.Option(min=3, help="Of each of the 14 scenes.")] = 150,
    seed: Seed = 1,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the bundle's manifest.")] = False,
    as_json: Json = False,
) -> None:
    """Tabulate which share of a source's hits is found on ground from black to white.

    With the table in its bundle, an agent counts live time by it: the same source then gives the same rate over dark
    and bright ground.
    """
    from edge.bundle import save_bundle
    from trainer.judging.sensitivity import MEDIANS_DN, as_table, measure_sensitivity
    from trainer.sensor.nuclides import load_nuclide
    from trainer.sensor.photons import source_spectrum

    bundle, camera = _bundle(model), _camera(camera_name, size, set_ or [])
    load_nuclide(nuclide)
    with _progress("scenes", len(MEDIANS_DN)) as told:
        rows = measure_sensitivity(
            bundle, camera, source_spectrum(nuclide, ()), frames=frames, seed=seed, progress=told
        )
    changed = [f"{name}={getattr(camera, name)}" for name in ("gain", "tone_gamma", "jpeg_quality")]
    table = as_table(rows, {"camera": camera.name, "set": changed, "source": nuclide, "command": _command_line()})
    if write:
        manifest = bundle.manifest.model_copy(update={"sensitivity": table})
        save_bundle(bundle.path, manifest, bundle.model, bundle.screen)
    if as_json:
        print(json.dumps({"grounds": [asdict(row) for row in rows], "table": table.model_dump()}))
        return
    print("| ground, grey | hits | found | share [95 %] | relative |\n|---|---|---|---|---|")
    for row, relative in zip(rows, table.relative, strict=True):
        low, high = row.share_interval
        print(
            f"| {row.ground_dn:.0f} | {row.hits} | {row.found} | {row.share:.3f} [{low:.3f}, {high:.3f}] "
            f"| {relative:.2f} |"
        )
    if write:
        print(f"\nwritten into {bundle.path}")


@measure.command("rates")
def rates_command(
    scene: Annotated[
        str, typer.Argument(metavar="SCENE", help="'generated', or a video with something moving in it.")
    ] = "generated",
    model: Model = None,
    nuclide: Annotated[str, typer.Option(help="Source, e.g. Tc-99m, Cs-137.")] = "Tc-99m",
    dose_rate: Annotated[float, typer.Option(min=0, help="At the camera, µSv/h.")] = 20000.0,
    camera_name: Annotated[str, typer.Option("--camera", help="Preset: ov2710 or webcam_xray.")] = "ov2710",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any camera parameter, NAME=VALUE; repeatable.")
    ] = None,
    size: Size = "960x540",
    frames: Annotated[int, typer.Option(min=3, help="Of each scene.")] = 300,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Film the same hits over a still, a busy and a bright scene and compare the hits per live second.

    The ratios are of the source's own hits on live ground; false hits are told beside them. Exit 1 where a scene's
    corrected rate differs from the still one's by more than 15 %.
    """
    from edge.commands.console import EXIT_CHECK_FAILED
    from trainer.sensor.radiation import nuclide_field
    from trainer.studies.rates import compare_scenes

    bundle, camera = _bundle(model), _camera(camera_name, size, set_ or [])
    field = nuclide_field(nuclide, dose_rate=dose_rate)
    with _progress("scenes", 4) as told:
        rows = compare_scenes(bundle, camera, field, scene, frames=frames, seed=seed, progress=told)
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


@measure.command("nuisances")
def nuisances_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the clips; what is there is not filmed again.")],
    model: Model = None,
    nuisance: Annotated[
        list[str] | None, typer.Option(help="Only this one; repeatable. 'none' is the scene without any.")
    ] = None,
    size: Size = "320x240",
    seconds: Annotated[float, typer.Option(min=1, help="Length of a clip, s.")] = 120.0,
    fps: Annotated[float, typer.Option(min=1, help="Frames a second.")] = 25.0,
    clips: Annotated[int, typer.Option(min=1, help="Of each nuisance, each with another scene and strength.")] = 2,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Film every nuisance without a source and count the false hits, with their dispersion."""
    from trainer.studies.nuisances import KINDS, Recipe, film_nuisances, judge_nuisances
    from trainer.studies.quiet import as_markdown

    bundle, (width, height) = _bundle(model), _size(size)
    recipe = Recipe(width, height, fps, seconds, clips, seed)
    kinds = tuple(nuisance) if nuisance else KINDS
    total = len(kinds) * clips
    with _progress("filming", total * recipe.frames) as told:
        whole: dict[str, int] = {}

        def filmed(name: str, frames: int) -> None:
            whole[name] = frames
            told(sum(whole.values()))

        made = film_nuisances(out, recipe, kinds, progress=filmed)
    with _progress("watching", total) as told:
        seen: list[str] = []

        def watched(name: str, _frames: int) -> None:
            seen.append(name)
            told(len(seen))

        rows = judge_nuisances(made, bundle, recipe, watched)
    print(json.dumps([asdict(row) for row in rows]) if as_json else as_markdown(rows))


@measure.command("quiet")
def quiet_command(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Recordings without a source.")],
    model: Model = None,
    exposure: Annotated[float | None, typer.Option(min=1e-6, max=10, help="Of each frame, s, where known.")] = None,
    as_json: Json = False,
) -> None:
    """Count the false hits on recordings without a source, clip by clip and pooled."""
    from trainer.studies.quiet import as_markdown, pooled, watch_quiet

    bundle = _bundle(model)
    watched = []
    with _progress("clips", len(clips)) as told:
        for done, clip in enumerate(clips, start=1):
            watched.append(watch_quiet(clip, bundle, exposure_s=exposure))
            told(done)
    rows = [*(pooled(one.name, [one]) for one in watched), pooled("all", watched)]
    print(json.dumps([asdict(row) for row in rows]) if as_json else as_markdown(rows))


@measure.command("grid")
def grid_command(
    model: Model = None,
    size: Size = "1920x1080",
    quality: Annotated[list[int] | None, typer.Option(help="JPEG quality; repeatable. \\[default: 85, 95]")] = None,
    pitch: Annotated[int, typer.Option(min=4, help="Blocks from hit to hit in one picture.")] = 12,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Put 3×3 hits of +30 grey levels into every JPEG block of a noisy still scene; count what is found."""
    from trainer.studies.grid import find_grid

    bundle = _bundle(model)
    qualities = tuple(quality) if quality else (85, 95)
    with _progress("pictures", len(qualities) * pitch**2) as told:
        rows = find_grid(bundle, _size(size), qualities, pitch=pitch, seed=seed, progress=told)
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


def _bundle(model: Path | None) -> Bundle:
    from edge.bundle import load_bundle, shipped_bundle_path

    return load_bundle(model if model is not None else shipped_bundle_path())


def _camera(name: str, size: str, pairs: list[str]) -> Camera:
    from trainer.commands.camera_options import camera_of

    return camera_of(name, size, pairs, {"fps": 25.0})


def _size(text: str) -> tuple[int, int]:
    camera = _camera("ov2710", text, [])
    return camera.width, camera.height


def _command_line() -> str:
    """Give the command as typed, without the folders of this machine."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return shlex.join(["gammabox-trainer", *words])


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from trainer.progress import shard_progress

    with shard_progress(total, what) as told:
        yield lambda done: told(done, total)
