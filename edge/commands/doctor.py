"""The command `gammabox-edge doctor`: what is wrong with one box, and what to do."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.commands.console import EXIT_CHECK_FAILED
from edge.config.device import load_settings
from edge.doctor.aim import readings
from edge.doctor.examination import Examination
from edge.process import set_up_process
from edge.site.camera import open_camera

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.config.device import DeviceSettings
    from edge.doctor.aim import Aim
    from edge.doctor.finding import Finding

BAR = 40
STYLES = {"ok": "green", "fault": "bold red", "skipped": "dim"}


def run(config: Path, *, password_file: Path | None, as_json: bool) -> int:
    """Examine a box and print what was found. Return the exit code: 1 where something is wrong.

    Raises
    ------
    GammaboxError
        The settings cannot be used.

    """
    settings = load_settings(config)
    set_up_process()
    if password_file is not None:
        mqtt = settings.mqtt.model_copy(update={"password_file": password_file})
        settings = settings.model_copy(update={"mqtt": mqtt})
    console = Console(stderr=True)
    findings = []
    with console.status("examining") as status:
        for finding in Examination(settings).findings():
            findings.append(finding)
            status.update(f"examined: {finding.check}")
    well = all(finding.state != "fault" for finding in findings)
    if as_json:
        print(json.dumps({"well": well, "findings": [finding.as_dict() for finding in findings]}))
    else:
        Console().print(as_table(settings, findings))
    return 0 if well else EXIT_CHECK_FAILED


def as_table(settings: DeviceSettings, findings: Sequence[Finding]) -> Table:
    """Return the findings as a table, each fault with its remedy."""
    faults = sum(finding.state == "fault" for finding in findings)
    outcome = f"{faults} of {len(findings)} checks found a fault" if faults else "all is well"
    table = Table(title=f"{settings.site}/{settings.device}: {outcome}", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("check", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("found, and what to do", overflow="fold")
    for finding in findings:
        told = Text(finding.found)
        if finding.remedy:
            told.append(f"\n→ {finding.remedy}", style="bold")
        table.add_row(finding.check, Text(finding.state, STYLES[finding.state]), told)
    return table


def aim(config: Path, *, seconds: float | None, as_json: bool) -> int:
    """Show brightness and focus until interrupted, or for some seconds. Return the exit code.

    Raises
    ------
    GammaboxError
        The settings or the camera cannot be used.

    """
    settings = load_settings(config)
    deadline = None if seconds is None else time.monotonic() + seconds
    with open_camera(settings.source) as source:
        if as_json or not sys.stdout.isatty():
            for reading in readings(source):
                print(json.dumps(reading.as_dict()) if as_json else as_line(reading), flush=True)
                if deadline is not None and time.monotonic() > deadline:
                    break
            return 0
        with Live(auto_refresh=False) as live:
            for reading in readings(source):
                live.update(Text(as_line(reading)), refresh=True)
                if deadline is not None and time.monotonic() > deadline:
                    break
    return 0


def as_line(reading: Aim) -> str:
    """Return a reading as numbers and two bars."""
    light = "#" * round(BAR * reading.brightness_dn / 255)
    focus = "#" * round(BAR * reading.focus)
    return (
        f"grey {reading.brightness_dn:3.0f} [{light:<{BAR}}] white {reading.white:4.0%}  "
        f"focus {reading.sharpness:7.1f} [{focus:<{BAR}}] {reading.advice}"
    )
