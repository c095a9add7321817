"""Options of `gammabox-edge analyze`: which part of a recording is analysed, and what is made to look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, ClassVar

import typer


class SceneChoice(str, Enum):
    """How the scene is shown in pictures."""

    blurred = "blurred"
    sharp = "sharp"
    none = "none"


@dataclass(frozen=True, slots=True)
class PartOptions:
    """The part of a recording that is analysed."""

    panel: ClassVar[str] = "Part of the recording"

    start: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Begin at this time of the recording.")] = 0.0
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.001, help="Analyse so much of it, by default all."),
    ] = None


@dataclass(frozen=True, slots=True)
class LookOptions:
    """What is made to look at."""

    panel: ClassVar[str] = "To look at"

    report: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="Write a page: rate, alarms, places, pictures and spectra of the hits."),
    ] = None
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="OUT.avi", help="Write a film with the hits ringed, the state of the alarm and the rate."),
    ] = None
    scene: Annotated[
        SceneChoice,
        typer.Option(help="Scene on page and film. Blurred, nobody in it can be recognised; sharp may show people."),
    ] = SceneChoice.blurred
