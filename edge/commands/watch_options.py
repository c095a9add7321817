"""Options of `gammabox-edge watch`, apart so that --help loads no heavy package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What is shown, and how."""

    panel: ClassVar[str] = "View"

    on_alarm: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            help="Run this command for each new alarm and overload, without a shell: what it is stands in GAMMABOX_… "
            "variables and as JSON on stdin.",
        ),
    ] = None
    bell: Annotated[bool, typer.Option(help="Ring until alarms are acknowledged.")] = True
    hits: Annotated[bool, typer.Option(help="With --json: print single hits, too.")] = True
    seconds: Annotated[float | None, typer.Option(min=0, help="End after this time in seconds.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print each message as one JSON object a line.")] = False
