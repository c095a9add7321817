"""Validate exports of the archive by the published schemas: CAP 1.2 by capvalidator, N42.42 by NIST's XSD and lxml.

    python scripts/check_exports.py PYTHON [--n42-xsd n42.xsd]

PYTHON is an interpreter with capvalidator and lxml (`make check-exports` makes one). The alarms are of every kind: with
and without position, acknowledgement, weakness and advice, standing and over, with signs that XML has to escape.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge.control_room.export.cap import cap_document
from edge.control_room.export.n42 import n42_document
from edge.control_room.history_records import Acknowledged, AlarmRecord, BoxRecord
from edge.telemetry.messages import AlarmDetail

BEGAN = datetime(2026, 11, 30, 2, 0, tzinfo=timezone.utc)
TEXT = 'Tor <2> & "Süd" > \u2192'
CAP = """
import sys, capvalidator
wrong = 0
for path in sys.argv[1:]:
    result = capvalidator.check_schema(open(path, "rb").read())
    wrong += not result.passed
    result.passed or print(path, result.message)
sys.exit(wrong > 0)
"""
N42 = """
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
wrong = 0
for path in sys.argv[2:]:
    if not schema.validate(etree.parse(path)):
        wrong += 1
        print(path, schema.error_log.last_error)
sys.exit(wrong > 0)
"""


def alarms() -> list[AlarmRecord]:
    """Return alarms of every kind."""
    found = []
    kinds = itertools.product(("cleared", "stands", "changed", "left"), (False, True), (False, True), (False, True))
    for number, (end, placed, taken, weak) in enumerate(kinds):
        position = (52.5, -13.4) if placed else (None, None)
        box = BoxRecord("docks", f"gate-{number}", TEXT if placed else None, *position, "0.1.0", "alexnet_edge", "MJPG")
        detail = AlarmDetail(
            id=f"gate-{number}-b0-1",
            raised_utc=BEGAN,
            onset_utc=BEGAN - timedelta(seconds=2.5),
            significance_sigma=6.5,
            hits=13,
            live_s=1.25,
            rate_hz=1e-7 if weak else 1234.5,
            rate_interval_hz=(0.0, 2000.0),
            background_hz=0.03,
            background_interval_hz=(0.0, 0.75),
            false_alarms_per_1000_h=1.0,
            recent=(),
            maximum_hz=1500.0,
            duration_s=61.25,
            lower_limit=weak,
            overload=None,
            evidence=(),
            doubts=(),
            weakened_by=(TEXT, "bright ground") if weak else (),
        )
        who = (Acknowledged(TEXT, BEGAN, None, None),) if taken else ()
        found.append(AlarmRecord(box, detail, TEXT * taken, BEGAN, BEGAN, end, 3, 1500.0, 6.5, who, f"b0-{number}"))
    return found


def main() -> int:
    """Write the documents, let others validate them, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", type=Path)
    parser.add_argument("--n42-xsd", type=Path)
    given = parser.parse_args()
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        caps, n42s = [], []
        for number, alarm in enumerate(alarms()):
            caps.append(Path(folder) / f"{number}.cap.xml")
            caps[-1].write_text(cap_document(alarm), encoding="utf-8")
            n42s.append(Path(folder) / f"{number}.n42")
            n42s[-1].write_text(n42_document(alarm.box, [alarm] * (number % 3), BEGAN), encoding="utf-8")
        codes.append(subprocess.run([given.python, "-c", CAP, *caps], check=False).returncode)
        print(f"CAP 1.2, capvalidator: {len(caps)} documents, {'invalid' if codes[-1] else 'all valid'}")
        if given.n42_xsd is None:
            print("N42.42: not validated, as no schema is named; give --n42-xsd n42.xsd of NIST")
        else:
            codes.append(subprocess.run([given.python, "-c", N42, given.n42_xsd, *n42s], check=False).returncode)
            outcome = "invalid" if codes[-1] else "all valid"
            print(f"N42.42, NIST's XSD and lxml: {len(n42s)} documents, {outcome}")
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
