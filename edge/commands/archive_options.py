"""Options of the archive and its history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_ARCHIVE = Path("gammabox-archive.sqlite")
ArchiveFileOption = Annotated[Path, typer.Option("--file", metavar="FILE", help="The archive's file.")]


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """What the archive keeps, and for how long."""

    file: ArchiveFileOption = DEFAULT_ARCHIVE
    client_id: Annotated[
        str,
        typer.Option(metavar="NAME", help="Name at the broker. Each archive needs one of its own, always the same."),
    ] = "gammabox-archive"
    keep_days: Annotated[
        float, typer.Option(min=1, max=36500, help="Days to keep alarms, acknowledgements, faults and states.")
    ] = 730.0
    keep_rates_days: Annotated[float, typer.Option(min=1, max=36500, help="Days to keep rates.")] = 30.0
    rates_every: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, max=86400, help="Keep one rate of a box in so many seconds.")
    ] = 60
    seconds: Annotated[float | None, typer.Option(min=0, help="End after this time in seconds.")] = None


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What is looked up, and how it is written."""

    since: Annotated[
        str, typer.Option(help="yesterday, today, 24h, 7d, 2026-11-30 or 2026-11-30T18:00 (your time zone).")
    ] = "yesterday"
    until: Annotated[str | None, typer.Option(help="The same words; without it, until now.")] = None
    device: Annotated[str | None, typer.Option(help="Only this box: its id, or site/id.")] = None
    file: ArchiveFileOption = DEFAULT_ARCHIVE
    export: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="Write csv, parquet, n42 or cap to OUT instead of a table.")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="A file; for n42 a folder with a file a box, for cap with a file an alarm."),
    ] = None
    records: Annotated[
        str, typer.Option(metavar="KIND", help="For csv and parquet: alarms, faults, states or rates.")
    ] = "alarms"
