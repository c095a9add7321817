"""Commands of gammabox-trainer about the simulated camera: film, camera; parses, calls, prints."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from edge.commands import console
from edge.commands.console import typed_command
from edge.commands.options import with_option_groups
from trainer.commands.camera_options import CameraOptions, SourceOptions
from trainer.commands.options import JsonOption, count_progress, warn
from trainer.filming.nuisances import NUISANCES

if TYPE_CHECKING:
    from trainer.filming.film import FilmSummary
    from trainer.sensor.radiation import Field


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """Length, background, disturbances and seed of a film."""

    panel: ClassVar[str] = "Film"

    seconds: Annotated[float, typer.Option(help="Length of the film, s.")] = 20.0
    background: Annotated[bool, typer.Option(help="Cosmic muons and natural gammas, as everywhere.")] = True
    nuisance: Annotated[list[str] | None, typer.Option(help=f"Disturbance: {', '.join(NUISANCES)}; repeatable.")] = None
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1
    threads: Annotated[int | None, typer.Option(min=1, help="Frames made at a time.")] = None


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("film")(film_command)
    app.command("camera")(camera_command)


def camera_command(
    name: Annotated[
        str, typer.Argument(metavar="PRESET", help="Preset: ov2710, webcam_xray, paper-covered or paper-open.")
    ] = "ov2710",
    as_json: Annotated[bool, typer.Option("--json", help="Print the values as JSON.")] = False,
) -> None:
    """Print every parameter of a simulated camera: value, unit, range, source."""
    from trainer.sensor.camera import parameter_table, preset

    camera = preset(name)
    print(camera.model_dump_json(indent=2) if as_json else parameter_table(camera), end="\n" if as_json else "")


@with_option_groups
def film_command(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT.avi", help="Clip to write (Motion JPEG .avi); its truth goes beside it as .jsonl."),
    ],
    source: SourceOptions,
    camera_options: CameraOptions,
    options: FilmOptions,
    scene: Annotated[
        str, typer.Option(help="What the camera sees: 'generated', a video, a picture, or a folder of pictures.")
    ] = "generated",
    as_json: JsonOption = False,
) -> None:
    """Film a scene with the simulated camera in a radiation field; writes a clip and the truth about its hits."""
    from trainer.filming.production import FilmSettings, prepare

    camera, field = camera_options.camera(), source.field()
    settings = FilmSettings(scene, options.seconds, options.background, options.nuisance or [], options.seed)
    _remark_on(scene)
    if sys.stderr.isatty():
        print(f"drawing the hits of {field.spectrum.name} (simulated once, then kept)", file=sys.stderr)
    production = prepare(out, field, camera, settings, command=typed_command("gammabox-trainer"))
    begun = time.monotonic()
    try:
        with count_progress("filming", production.frames) as on_frame:
            made = production.make(threads=options.threads, progress=on_frame)
    except KeyboardInterrupt:
        print(f"interrupted: {out} plays up to here; give the same command to go on", file=sys.stderr)
        raise typer.Exit(console.EXIT_INTERRUPTED) from None
    fps = (made.frames - made.kept) / (time.monotonic() - begun)
    _print_film(made, field, fps, as_json=as_json)


def _print_film(made: FilmSummary, field: Field, fps: float, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "clip": str(made.clip),
            "truth": str(made.truth),
            "frames": made.frames,
            "hits": made.hits,
            "visible": made.visible,
            "dose_rate_usv_h": field.dose_rate_usv_h,
            "source": field.spectrum.name,
            "start_s": field.start_s,
            "fps": round(fps, 2),
        }
        print(json.dumps(summary))
        return
    print(
        f"{made.clip}: {made.frames} frames, {made.hits} hits of which {made.visible} add at least 25 grey levels; "
        f"{field.spectrum.name} at {field.dose_rate_usv_h:.4g} µSv/h from {field.start_s:g} s on; "
        f"{fps:.1f} frames a second; truth in {made.truth}"
    )


def _remark_on(scene: str) -> None:
    """Warn of what is not read of a scene."""
    from trainer.scenes.film_scene import GENERATED
    from trainer.scenes.footage import remark_on

    if scene != GENERATED and (remark := remark_on(Path(scene))):
        warn(f"{scene}: {remark}")
