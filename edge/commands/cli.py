"""Command line gammabox-edge: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Clip = Annotated[str, typer.Argument(metavar="CLIP", help="A recording: Motion JPEG AVI, or a folder of pictures.")]
Threads = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Processor threads.")]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch a camera for ionising radiation: analyse recordings, run the agent, look at a box."""


@app.command()
def analyze(
    clip: Clip,
    events: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.jsonl", help="Write one JSON object a line for every hit and alarm, as they are found."
        ),
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
            help="Exposure of each frame; left out, the time from frame to frame stands for it, and rates are low.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Look for hits in a recording, as fast as it goes."""
    from edge.commands import analyze as analyze_command

    analyze_command.run(clip, events=events, model=model, threads=threads, as_json=as_json, exposure_s=exposure)


@app.command()
def bench(
    clip: Clip,
    truth: Annotated[
        Path | None, typer.Option(metavar="T.jsonl", help="The hits that are in it, one JSON object a line.")
    ] = None,
    against: Annotated[
        str, typer.Option(help="Methods by comma: paper-float, paper-int8, difference, motion, lacosmic; or all.")
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
    every: Annotated[int, typer.Option(min=2, help="Slow methods look at one frame in so many.")] = 24,
    threads: Threads = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Compare with the methods a user would otherwise pick, on the same frames in one run."""
    from edge.commands import bench as bench_command

    bundles = {"gammabox": model, "paper-float": paper_float, "paper-int8": paper_int8}
    bench_command.run(
        clip, truth=truth, against=against, bundles=bundles, threads=threads, every=every, as_json=as_json
    )


@app.command()
def run(
    config: Annotated[Path, typer.Option(help="The device's settings, e.g. /etc/gammabox/device.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """Run the agent: watch a source and tell the broker, until the source ends or SIGTERM comes.

    Exit code 0 when done, 1 when a recording has ended and the broker could not be given every message, 2 when the
    settings, the source or the model cannot be used.
    """
    from edge.commands import run as run_command

    raise typer.Exit(run_command.run(config, as_json=as_json))


@app.command()
def watch(
    broker: Annotated[str, typer.Option(help="The broker as host:port.")] = "localhost:1883",
    site: Annotated[str | None, typer.Option(help="Show only this site.")] = None,
    username: Annotated[str | None, typer.Option(help="Login at the broker.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File whose first line is the password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the broker's authority; turns TLS on.")] = None,
    hits: Annotated[bool, typer.Option(help="Print single hits too, where lines are printed.")] = True,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after this time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each message as one JSON object a line.")] = False,
) -> None:
    """Show what boxes report: a live table, or a line a message where the output is no terminal."""
    from edge.commands import watch as watching

    settings = watching.broker_settings(broker, username=username, password_file=password_file, ca_file=ca_file)
    watching.watch(settings, site, as_json=as_json, seconds=seconds, hits=hits)


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON Schema instead, for editors.")] = False,
) -> None:
    """Explain every setting of device.yaml, with bounds and defaults."""
    from edge.config import reference as settings_text

    print(settings_text.as_schema() if as_json else settings_text.as_markdown())


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
