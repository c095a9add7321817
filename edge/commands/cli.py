"""The command line gammabox-edge: parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console, messaging
from edge.commands.analysis_options import LookOptions, PartOptions
from edge.commands.archive_options import ArchiveOptions, HistoryOptions
from edge.commands.broker import BrokerOptions
from edge.commands.options import with_option_groups
from edge.commands.simulation_options import BackgroundOptions, BoxOptions, FootageOptions, SourceOptions
from edge.commands.site_options import CalibrateOptions, RecordOptions
from edge.commands.watch_options import WatchOptions
from edge.output import is_page, is_picture, require_free

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Clip = Annotated[str, typer.Argument(metavar="CLIP", help="A recording: Motion JPEG AVI, or a folder of pictures.")]
Config = Annotated[Path, typer.Option(help="Settings of the box, such as /etc/gammabox/device.yaml.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that Gammabox did not write, too.")]
Threads = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Processor threads.")]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch a camera for ionising radiation: analyse recordings, run the agent, look at a box."""


@app.command()
@with_option_groups
def analyze(
    clip: Clip,
    look: LookOptions,
    part: PartOptions,
    events: Annotated[
        Path | None,
        typer.Option(metavar="OUT.jsonl", help="Write each hit and alarm, when it is found, as a line of JSON."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Folder of a model bundle, instead of the shipped one."),
    ] = None,
    threads: Threads = 1,
    exposure: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1e-6,
            max=10,
            help="Exposure of each frame. Without it the time between frames counts, and rates are too low.",
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Calibration of the box that made the recording: its noise and background."),
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Look for hits in a recording, as fast as possible."""
    from edge.commands import analyze as analyze_command

    analyze_command.run(
        clip,
        events=events,
        look=look,
        part=part,
        model=model,
        threads=threads,
        as_json=as_json,
        exposure_s=exposure,
        calibration=calibration,
        force=force,
    )


@app.command()
def bench(
    clip: Clip,
    truth: Annotated[
        Path | None, typer.Option(metavar="T.jsonl", help="The true hits of the recording, one JSON object a line.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="Methods, separated by commas: paper-float, paper-int8, difference, motion, lacosmic; or all."
        ),
    ] = "difference,motion",
    model: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Folder of Gammabox's model, instead of the shipped one.")
    ] = None,
    paper_float: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Folder of the paper's network in float.")
    ] = None,
    paper_int8: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Folder of the paper's network in int8.")
    ] = None,
    every: Annotated[int, typer.Option(min=2, help="Slow methods judge every Nth frame.", metavar="N")] = 24,
    threads: Threads = 1,
    report: Annotated[Path | None, typer.Option(metavar="PAGE.html", help="Write the comparison as a page.")] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Compare the detector with other methods on the same frames in one run."""
    from edge.commands import bench as bench_command

    bundles = {"gammabox": model, "paper-float": paper_float, "paper-int8": paper_int8}
    bench_command.run(
        clip,
        truth=truth,
        against=against,
        bundles=bundles,
        threads=threads,
        every=every,
        report=report,
        force=force,
        as_json=as_json,
    )


@app.command("bench-threads")
def bench_threads(
    clip: Clip,
    threads: Annotated[str, typer.Option(metavar="N,N", help="Numbers of threads, compared with the first.")] = "1,2",
    rounds: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Rounds in which they take turns.")] = 5,
    model: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Folder of the model, instead of the shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Compare numbers of threads on one recording in one run: speed, processor time, and that they find the same.

    The exit code is 1 where they do not.
    """
    from edge.commands import bench_threads as bench_threads_command

    raise typer.Exit(bench_threads_command.run(clip, counts=threads, rounds=rounds, model=model, as_json=as_json))


@app.command()
def run(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """Run the agent: watch a source and report to the broker until the source ends or SIGTERM arrives.

    The exit code is 0 when done, 1 when a recording has ended and messages still wait for the broker, and 2 when the
    settings, the source or the model cannot be used.
    """
    from edge.commands import run as run_command

    raise typer.Exit(run_command.run(config, as_json=as_json))


@app.command()
@with_option_groups
def calibrate(
    config: Config,
    options: CalibrateOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Measure the noise of the camera and the background of its site: first with the lens covered, then live.

    Stop the agent before, as the camera serves one program. The exit code is 0 when the calibration is stored, 1 when
    what was measured cannot be used, and 2 when the settings, the source or the model cannot be used.
    """
    from edge.commands import calibrate as calibrate_command

    raise typer.Exit(calibrate_command.run(config, options, as_json=as_json))


@app.command()
def doctor(
    config: Config,
    aim: Annotated[
        bool, typer.Option("--aim", help="Show brightness and focus instead, to aim the camera by.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(min=0, help="With --aim: end after this time in seconds.")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="The broker's password, where the service alone may read the file of the settings."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --aim an object a line.")] = False,
) -> None:
    """Examine this box: camera, model, speed, clock, disk, heat, broker, certificates, calibration.

    Stop the agent before, as the camera serves one program. The exit code is 0 when all is well, 1 when something is
    wrong, and 2 when the settings cannot be used.
    """
    from edge.commands import doctor as doctor_command

    if aim:
        raise typer.Exit(doctor_command.aim(config, seconds=seconds, as_json=as_json))
    raise typer.Exit(doctor_command.run(config, password_file=password_file, as_json=as_json))


@app.command()
@with_option_groups
def record(
    config: Config,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder; each set has a subfolder in it.")],
    options: RecordOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and note as one JSON object.")] = False,
) -> None:
    """Record the box's camera for datasets, as Motion JPEG with a note beside it; `gammabox-trainer import` takes both.

    Stop the agent before, as the camera serves one program. The exit code is 0 when all was recorded, 1 when it ended
    early, and 2 when nothing can be recorded.
    """
    from edge.commands import record as record_command

    raise typer.Exit(record_command.run(config, out, options, as_json=as_json))


@app.command()
@with_option_groups
def watch(broker: BrokerOptions, options: WatchOptions) -> None:
    """Show what boxes report: a live view on a terminal; elsewhere a line for each alarm and fault."""
    from edge.commands import watch as watch_command

    watch_command.watch(broker, options)


@app.command()
def page(
    folder: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the files: new, empty, or of an earlier page.")
    ],
    broker: Annotated[str, typer.Option(help="The broker's websockets as browsers reach them: wss://host:port.")],
    site: Annotated[str | None, typer.Option(help="Show only this site.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds other files, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """Write the browser page of a control room: static files for any web server, and say what the broker needs."""
    from edge.commands import page as page_command

    page_command.run(folder, broker, site, force=force, as_json=as_json)


@app.command()
@with_option_groups
def archive(
    broker: BrokerOptions,
    options: ArchiveOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was kept as one JSON object.")] = False,
) -> None:
    """Keep what boxes report in a file, each message once: alarms, acknowledgements, faults, states and rates.

    It runs until SIGTERM arrives. A message is confirmed to the broker when it is on disk.
    """
    from edge.commands import archive as archive_command

    archive_command.archive(broker, options, as_json=as_json)


@app.command()
@with_option_groups
def history(
    options: HistoryOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what the archive knows of a time: alarms with duration, maximum and who acknowledged them, and faults."""
    from edge.commands import history as history_command

    history_command.history(options, as_json=as_json)


@app.command(name="simulate-alarms")
@with_option_groups
def simulate_alarms(
    background: BackgroundOptions,
    box: BoxOptions,
    source: SourceOptions,
    footage: FootageOptions,
    hours: Annotated[float, typer.Option(min=0, max=1e7, help="Hours without a source, of all boxes; 0 for none.")] = (
        10_000.0
    ),
    processes: Annotated[int | None, typer.Option(min=1, max=256, help="By default one a core.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 1,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.svg", help="Write the curves as a picture.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="PAGE.html", help="Write the findings as a page.")] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """Simulate months without a source and passages of sources through the alarm, in minutes.

    The exit code is 1 where more false alarms come than the settings state.
    """
    from edge.commands import simulate_alarms as simulation

    if plot is not None:
        require_free(plot, is_picture, force=force)
    if report is not None:
        require_free(report, is_page, force=force)
    plan = simulation.plan_of(background, box, source, hours=hours, seed=seed)
    raise typer.Exit(
        simulation.run(plan, footage=footage, processes=processes, plot_to=plot, report=report, as_json=as_json)
    )


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON Schema for editors instead.")] = False,
) -> None:
    """Explain all settings of device.yaml with their bounds and defaults."""
    from edge.config import reference as settings_text

    print(settings_text.as_schema() if as_json else settings_text.as_markdown())


messaging.add_to(app)


def main() -> None:
    """Run the console script."""
    console.run(app)
