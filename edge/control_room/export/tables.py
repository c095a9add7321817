"""Exports to CSV and Parquet: one row a record, times in UTC, rates in hits per live second."""

from __future__ import annotations

import csv
import itertools
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge.control_room.history_records import AlarmRecord, FaultRecord, RateRecord, StatusRecord
from edge.errors import RuntimeMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Record = AlarmRecord | FaultRecord | StatusRecord | RateRecord
Row = dict[str, Any]
CHUNK = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be computed by a spreadsheet."""


def row_of(record: Record) -> Row:
    """Return a record as a row; the box comes first."""
    box = record.box
    head: Row = {"site": box.site, "device": box.device, "place": box.place}
    if isinstance(record, AlarmRecord):
        return {**head, **_alarm(record)}
    return head | {field.name: getattr(record, field.name) for field in fields(record) if field.name != "box"}


def _alarm(alarm: AlarmRecord) -> Row:
    detail = alarm.detail
    low_hz, high_hz = detail.rate_interval_hz
    taken = alarm.acknowledged[-1] if alarm.acknowledged else None
    return {
        "alarm_id": detail.id,
        "raised_utc": alarm.raised_utc,
        "last_utc": alarm.last_utc,
        "end": alarm.end,
        "duration_s": alarm.duration_s,
        "messages": alarm.messages,
        "hits": detail.hits,
        "live_s": detail.live_s,
        "rate_hz": detail.rate_hz,
        "rate_low_hz": low_hz,
        "rate_high_hz": high_hz,
        "maximum_hz": alarm.maximum_hz,
        "background_hz": detail.background_hz,
        "significance_sigma": alarm.significance_sigma,
        "lower_limit": detail.lower_limit,
        "weakened_by": "; ".join(detail.weakened_by),
        "acknowledged_by": None if taken is None else taken.person,
        "acknowledged_utc": None if taken is None else taken.utc,
        "acknowledged_reason": None if taken is None else taken.reason,
        "latitude": alarm.box.latitude,
        "longitude": alarm.box.longitude,
        "event_id": alarm.event_id,
    }


def write_csv(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as CSV in UTF-8 and return their number. A text that a spreadsheet would compute begins with '.

    Examples
    --------
    >>> from pathlib import Path
    >>> write_csv(Path("out.csv"), [{"device": "gate-1", "rate_hz": 0.5, "place": "=1+1"}])
    1
    >>> print(Path("out.csv").read_text(encoding="utf-8"))
    device,rate_hz,place
    gate-1,0.5,'=1+1
    <BLANKLINE>

    """
    given = iter(rows)
    first = next(given, None)
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if first is not None:
            writer.writerow(first)
            for row in itertools.chain([first], given):
                writer.writerow([_cell(value) for value in row.values()])
                number += 1
    return number


def write_parquet(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as Parquet and return their number. They are read and written in parts.

    Raises
    ------
    RuntimeMissingError
        PyArrow is not installed.

    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeMissingError(
            "Parquet needs pyarrow, which is not installed; run: pip install 'gammabox[control-room]'"
        ) from error
    given = iter(rows)
    number = 0
    writer = schema = None
    try:
        while chunk := list(itertools.islice(given, CHUNK)):
            schema = schema or pa.schema([(name, _arrow_type(pa, name)) for name in chunk[0]])
            writer = writer or pq.ParquetWriter(path, schema)
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            number += len(chunk)
    finally:
        if writer is not None:
            writer.close()
    if schema is None:
        pq.write_table(pa.table({}), path)
    return number


def _arrow_type(pa: Any, name: str) -> Any:  # noqa: ANN401 - PyArrow ships no types
    if name.endswith("_utc") or name == "utc":
        return pa.timestamp("us", tz="UTC")
    if name in {"hits", "messages"}:
        return pa.int64()
    if name == "lower_limit":
        return pa.bool_()
    numbers = ("_hz", "_s", "_sigma", "_fraction", "itude", "fps")
    return pa.float64() if name.endswith(numbers) else pa.string()


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def rows_of(records: Iterable[Record]) -> Iterator[Row]:
    """Yield records as rows."""
    return map(row_of, records)
