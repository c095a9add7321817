"""The command `gammabox-edge history`: what the archive knows of a time, as a table, as JSON or as an export."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.commands.export import write_export
from edge.control_room.export.tables import row_of
from edge.control_room.history import History
from edge.control_room.period import period_of
from edge.control_room.watch.words import rate_text, time_text
from edge.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.commands.archive_options import HistoryOptions
    from edge.control_room.history_records import AlarmRecord, FaultRecord

PIPE_WIDTH = 160
ENDS = {
    "cleared": "over",
    "stands": "STILL ON",
    "changed": "STILL ON, background changed",
    "left": "end unknown; the box has spoken of other things since",
}


def history(options: HistoryOptions, *, as_json: bool) -> None:
    """Print or export what the archive knows of a time.

    Raises
    ------
    GammaboxError
        A word names no time, there is no archive, it knows no such box, or the output cannot be written.

    """
    now = datetime.now(timezone.utc)
    known = History(options.file, period_of(options.since, options.until, now), options.device)
    if options.export is not None or options.out is not None:
        written = write_export(known, options, now)
        for caveat in caveats(known):
            sys.stderr.write(f"{caveat}\n")
        print(json.dumps({"out": str(options.out), "written": written}) if as_json else f"{written} in {options.out}")
        return
    if as_json:
        print(json.dumps(as_object(known), default=_json_value, allow_nan=False))
        return
    _print(known)


def caveats(known: History) -> list[str]:
    """Return why alarms of the period may be missing, a sentence each."""
    since, until = known.period.since, known.period.until
    begun, heard = known.listening_since, known.heard_until
    if begun is None or heard is None:
        return ["the archive has never listened to a broker: nothing is known of this time"]
    found = []
    if begun > since:
        found.append(f"the archive listens only since {time_text(begun)}")
    if heard < until and (until - heard).total_seconds() > known.patience_s:
        found.append(f"the archive has not listened since {time_text(heard)}: start gammabox-edge archive")
    for gap in known.gaps():
        times = f"from {time_text(gap.began_utc)} to {time_text(gap.ended_utc)}"
        what = "alarms may be missing" if gap.lost else "the broker kept alarms for it; faults may be missing"
        found.append(f"the archive did not listen {times}: {what}")
    found += [
        f"{counted(each.messages, 'message')} of {each.box.site}/{each.box.device} could not be read, the last at"
        f" {time_text(each.last_utc)}: {one_line(each.problem)}"
        for each in known.unreadable()
    ]
    return found


def as_object(known: History) -> dict[str, Any]:
    """Return what is known as one object for JSON."""
    return {
        "since": known.period.since,
        "until": known.period.until,
        "caveats": caveats(known),
        "alarms": [
            {**row_of(alarm), "acknowledged": [asdict(taken) for taken in alarm.acknowledged]}
            for alarm in known.alarms()
        ],
        "faults": [row_of(fault) for fault in known.faults()],
        "states": [row_of(state) for state in known.states()],
        "gaps": [asdict(gap) for gap in known.gaps()],
    }


def _json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print(known: History) -> None:
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False)
    period = known.period
    console.print(f"from {time_text(period.since)} to {time_text(period.until)}")
    for caveat in caveats(known):
        console.print(Text(f"! {one_line(caveat)}", "bold yellow"))
    alarms, faults = known.alarms(), known.faults()
    if alarms:
        console.print(alarm_table(alarms))
    else:
        console.print("\nno alarm in the archive")
    if faults:
        console.print(fault_table(faults))
    else:
        console.print("no fault in the archive")
    lost = sum(state.reason == "lost" for state in known.states())
    if lost:
        console.print(f"boxes were lost {counted(lost, 'time')}; --json lists when")


def alarm_table(alarms: Iterable[AlarmRecord]) -> Table:
    """Return a table of alarms, the first first."""
    table = _table("alarms", "raised", "box", "state", "lasted", "maximum", "sigma", "acknowledged")
    for alarm in alarms:
        least = "≥ " * alarm.detail.lower_limit
        taken = "; ".join(
            f"{each.person}, {time_text(each.utc)}{f' ({each.reason})' if each.reason else ''}"
            for each in alarm.acknowledged
        )
        weak = "".join(f"\nweakened: {reason}" for reason in alarm.detail.weakened_by)
        cells = (
            time_text(alarm.raised_utc),
            _place(alarm.box.device, alarm.box.site, alarm.box.place),
            f"{ENDS[alarm.end]}{weak}",
            _span(alarm.duration_s),
            f"{least}{rate_text(alarm.maximum_hz)}/s",
            f"{alarm.significance_sigma:.1f}",
            taken or "nobody",
        )
        table.add_row(*map(_cell, cells), style="" if alarm.end == "cleared" else "bold red")
    return table


def fault_table(faults: Iterable[FaultRecord]) -> Table:
    """Return a table of faults, the first first."""
    table = _table("faults", "began", "box", "lasted", "fault")
    for fault in faults:
        ended = fault.ended_utc
        lasted = "stands" if ended is None else _span((ended - fault.began_utc).total_seconds())
        place = _place(fault.box.device, fault.box.site, fault.box.place)
        table.add_row(*map(_cell, (time_text(fault.began_utc), place, lasted, fault.text)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cell(text: str) -> Text:
    return Text("\n".join(one_line(line) for line in text.split("\n")))


def _place(device: str, site: str, place: str | None) -> str:
    return f"{site}/{device}" + (f"\n{one_line(place)}" if place else "")


def _span(seconds: float) -> str:
    """Return a length of time in its largest units."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours:,} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"
