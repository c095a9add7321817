"""Command line gammabox-trainer: parses, calls, prints."""

from __future__ import annotations

from typing import Annotated

import typer

from edge import console
from trainer import judging_cli, models_cli
from trainer.data import cli as data_cli
from trainer.measure import cli as measure_cli
from trainer.sensor import cli as sensor_cli

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
