"""Options of `gammabox-edge simulate-alarms`, apart so that --help loads no heavy package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer


@dataclass(frozen=True, slots=True)
class BackgroundOptions:
    """The hits without a source."""

    panel: ClassVar[str] = "Background"
    background_hz: Annotated[
        float, typer.Option(metavar="HZ", min=1e-4, max=100, help="Mean hits per live second.")
    ] = 0.05
    dispersion: Annotated[
        float,
        typer.Option(min=1, max=50, help="Variance over mean of the counts; above 1 they are negative binomial."),
    ] = 1.0
    dispersion_seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Length of the cells in which counts vary.")
    ] = 10.0
    day_swing: Annotated[
        float, typer.Option(min=0, max=1, help="Amplitude of a swing of 24 hours, as a share of the mean.")
    ] = 0.0
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="EVENTS.jsonl",
            help="Replay the hits of a recording without a source (gammabox-edge analyze --events) in random blocks.",
        ),
    ] = None
    replay_seconds: Annotated[
        float | None, typer.Option(min=1, help="Length of that recording; without it the time of its last event.")
    ] = None
    block_seconds: Annotated[float, typer.Option(min=1, max=86400, help="Length of the blocks.")] = 60.0


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """The box."""

    panel: ClassVar[str] = "Box"
    config: Annotated[
        Path | None, typer.Option(help="Settings of a box, whose alarm section is taken; without it the defaults.")
    ] = None
    fps: Annotated[float, typer.Option(min=1, max=240, help="Frames a second.")] = 25.0
    exposure: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1e-5, max=1, help="Of a frame; by default all its time.")
    ] = None
    live: Annotated[
        float, typer.Option(min=0.01, max=1, help="Live fraction × sensitivity of the scene: docs/alarm.md.")
    ] = 1.0
    restart_hours: Annotated[float, typer.Option(min=0, help="Hours between restarts; 0 for none.")] = 168.0
    lost_state: Annotated[float, typer.Option(min=0, max=1, help="Share of the restarts that find no state file.")] = (
        0.25
    )
    calibrated: Annotated[bool, typer.Option("--calibrated", help="Its background was measured by calibrate.")] = False


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The passages of sources."""

    panel: ClassVar[str] = "Sources"
    passages: Annotated[int, typer.Option(min=0, max=1_000_000, help="Of each source; 0 for none.")] = 200
    seconds: Annotated[
        float, typer.Option(min=0.5, max=86400, help="How long a source stays, or gives more than half its rate.")
    ] = 60.0
    passing: Annotated[
        bool, typer.Option("--passing", help="It passes in a straight line, instead of standing there at once.")
    ] = False
    rates: Annotated[str, typer.Option(metavar="HZ,…", help="Extra hits per live second, with commas between.")] = (
        "0.1,0.15,0.2,0.3,0.5,0.7,1,1.5,2,3,5,10,20"
    )
    nuclides: Annotated[str, typer.Option(metavar="NAME,…", help="Nuclides, with commas between.")] = (
        "Tc-99m,Cs-137,Co-60,I-131,Am-241"
    )
    dose_rates: Annotated[
        str, typer.Option(metavar="µSv/h,…", help="Dose rates at the camera, with commas between.")
    ] = "1,2,3,5,7,10,15,20,30,50,100,200,500"
    found: Annotated[
        float | None,
        typer.Option(min=0.01, max=1, help="Share of a source's hits that the detector finds; by default as measured."),
    ] = None


@dataclass(frozen=True, slots=True)
class FootageOptions:
    """Real recordings without a source, whose alarms are another figure than those of the simulation."""

    panel: ClassVar[str] = "Real footage"
    footage_hours: Annotated[
        float | None, typer.Option(min=1e-3, help="Hours of recordings without a source that analyze has seen.")
    ] = None
    footage_alarms: Annotated[int, typer.Option(min=0, help="Alarms that it raised in them.")] = 0
