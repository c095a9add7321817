"""Command line gammabox-trainer: parses, calls, prints."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.commands import console
from trainer.commands import data as data_cli
from trainer.commands import film as sensor_cli
from trainer.commands import judging as judging_cli
from trainer.commands import models as models_cli
from trainer.commands import study as measure_cli

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
data_cli.register(app)
models_cli.register(app)
judging_cli.register(app)
sensor_cli.register(app)
measure_cli.register(app)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Film the simulated camera, build datasets, train and judge networks, measure bundles."""


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
