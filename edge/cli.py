"""Command line gammabox-edge: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge import console

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch a camera for ionising radiation: analyse recordings, run the agent, look at a box."""


@app.command()
def analyze(
    clip: Annotated[str, typer.Argument(help="A recording: Motion JPEG AVI, or a folder of pictures.")],
    events: Annotated[
        Path | None, typer.Option(help="Write one JSON object a line for every hit and alarm, as they are found.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a model bundle, instead of the shipped one.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Processor threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Look for hits in a recording, as fast as it goes."""
    from edge import analyze_command

    analyze_command.run(clip, events=events, model=model, threads=threads, as_json=as_json)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
