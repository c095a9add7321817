"""Command line gammabox-trainer: parses, calls, prints."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.commands import console
from trainer.commands import data, export, film, judge, judging, mine, mine_hard, paper, study, training

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
for room in (data, mine, mine_hard, export, training, judging, judge, paper, film, study):
    room.register(app)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Film the simulated camera, build datasets, train and judge networks, study bundles."""


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
