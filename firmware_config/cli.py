"""Command line gammabox-firmware: parses, calls, prints."""

from __future__ import annotations

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
    """From one site file to a fleet of boxes that reports online."""


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
