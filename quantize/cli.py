"""Command line gammabox-quantize: parses, calls, prints."""

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
    """Turn a trained network into an int8 bundle and prove that nothing was lost."""


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
