"""Options of the commands that measure a site, apart so that --help loads no heavy package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """How a calibration is made."""

    covered_seconds: Annotated[float, typer.Option(min=1, max=86400, help="Time to measure with the lens covered.")] = (
        60.0
    )
    live_seconds: Annotated[
        float,
        typer.Option(min=1, max=86400, help="Time to measure the view; the background gets as sure as it is long."),
    ] = 600.0
    noise_rate: Annotated[
        float,
        typer.Option(min=0.001, max=100, metavar="HZ", help="Candidates a second that the dark camera may give."),
    ] = 1.0
    covered: Annotated[
        Path | None,
        typer.Option(metavar="CLIP", help="Take the covered part from a recording of this camera (set A)."),
    ] = None
    live: Annotated[
        Path | None,
        typer.Option(metavar="CLIP", help="Take the view from a recording of this camera without a source."),
    ] = None
    try_exposures: Annotated[
        bool, typer.Option(help="Try exposures and gains first, where the source is a camera.")
    ] = True
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of the calibration even where it is no calibration.")
    ] = False
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Ask nothing: you say that no source is near, and cover and uncover the lens within a minute.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What is recorded."""

    set: Annotated[
        str,
        typer.Option(metavar="A|B|C", help="A: lens covered, no source. B: scenes. C: lens covered, with a source."),
    ]
    seconds: Annotated[float, typer.Option(min=1, max=604800, help="How long to record.")]
    radiation: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The source of set C, such as 'Tc-99m, 700 MBq, 10 cm'."),
    ] = None
    remark: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the recording.")] = None
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Ask nothing: the lens is as the set needs it, and set B may show people."),
    ] = False
