"""Writes the exports of `gammabox-edge history`: CSV, Parquet, N42.42 and CAP."""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from edge.control_room.export.cap import cap_document
from edge.control_room.export.n42 import n42_document
from edge.control_room.export.tables import rows_of, write_csv, write_parquet
from edge.errors import OutputError
from edge.files import replace_file
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from edge.commands.archive_options import HistoryOptions
    from edge.control_room.export.tables import Record, Row
    from edge.control_room.history import History

TABLES = {"csv": write_csv, "parquet": write_parquet}
DOCUMENTS = ("n42", "cap")


def write_export(known: History, options: HistoryOptions, now: datetime) -> str:
    """Write an export and return what was written, in words.

    Raises
    ------
    OutputError
        The place is taken, or it cannot be written.
    RuntimeMissingError
        Parquet is asked for, and PyArrow is not installed.

    """
    export, out = options.export, options.out
    if export not in {*TABLES, *DOCUMENTS}:
        raise typer.BadParameter("expected csv, parquet, n42 or cap", param_hint="--export")
    if out is None:
        raise typer.BadParameter("name a file, or for n42 and cap a folder, with --out", param_hint="--out")
    if export in TABLES:
        return counted(_write_table(known, export, options.records, out), options.records.removesuffix("s"))
    documents = dict(_documents(known, export, now))
    _make_folder(out)
    for name, text in documents.items():
        _require_free(out / name)
        replace_file(out / name, text)
    return counted(len(documents), "file")


def _documents(known: History, export: str, now: datetime) -> Iterable[tuple[str, str]]:
    alarms = known.alarms()
    if export == "cap":
        for alarm in alarms:
            yield (
                f"{alarm.box.site}.{alarm.box.device}.{alarm.detail.id.replace(':', '_')}.cap.xml",
                cap_document(alarm),
            )
        return
    by_box = sorted(alarms, key=lambda alarm: (alarm.box.site, alarm.box.device))
    for box, of_box in groupby(by_box, key=lambda alarm: alarm.box):
        yield f"{box.site}.{box.device}.n42", n42_document(box, list(of_box), now)


def _write_table(known: History, export: str, records: str, out: Path) -> int:
    given: dict[str, Callable[[], Iterable[Record]]] = {
        "alarms": known.alarms,
        "faults": known.faults,
        "states": known.states,
        "rates": known.rates,
    }
    if records not in given:
        raise typer.BadParameter("expected alarms, faults, states or rates", param_hint="--records")
    _require_free(out)
    part = out.with_name(f"{out.name}.part")
    rows: Iterable[Row] = rows_of(given[records]())
    try:
        number = TABLES[export](part, rows)
        part.replace(out)
    except OSError as error:
        raise OutputError(out, f"cannot be written ({error.strerror})", "name another place") from error
    finally:
        part.unlink(missing_ok=True)
    return number


def _require_free(path: Path) -> None:
    if path.exists():
        raise OutputError(path, "is there already", "name another place, or remove it")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(path, f"is no folder ({error.strerror})", "name another place") from error
    if not os.access(path, os.W_OK):
        raise OutputError(path, "cannot be written", "check its rights")
