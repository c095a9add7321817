"""Write the table of hits of the simulated camera that the page of `analyze --report` compares with.

Films each source over a still scene, looks for hits with the bundle that ships, and counts their added light and sizes.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from edge.detect.hit import event_counts
from edge.review.sensor_model import ADDED_EDGES_DN, PIXEL_EDGES, TABLE, counts

SOURCES = {"Am-241": 4000.0, "Tc-99m": 16000.0, "Cs-137": 8000.0, "Co-60": 8000.0}
"""µSv/h by nuclide."""
SIZE = "960x540"


def run(program: str, *words: str) -> None:
    """Run a command of Gammabox."""
    subprocess.run([sys.executable, "-c", f"from {program}.commands.cli import main; main()", *words], check=True)


def main() -> None:
    """Make the films, count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the films")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for nuclide, dose_rate in SOURCES.items():
        clip, events = given.folder / f"{nuclide}.avi", given.folder / f"{nuclide}.jsonl.hits"
        source = ("--nuclide", nuclide, "--dose-rate", f"{dose_rate:g}", "--seconds", f"{given.seconds:g}")
        run("trainer", "film", str(clip), "--size", SIZE, "--exposure", "0.033", "--fps", "25", "--seed", "7", *source)
        run("edge", "analyze", str(clip), "--exposure", "0.033", "--events", str(events), "--json")
        found = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
        hits = [event for event in found if event["type"] == "hit" and event_counts(event)]
        sources.append(
            {
                "name": nuclide,
                "hits": len(hits),
                "added": counts((hit["added_dn"] for hit in hits), ADDED_EDGES_DN),
                "pixels": counts((hit["pixels"] for hit in hits), PIXEL_EDGES),
            }
        )
        print(f"{nuclide}: {len(hits)} hits", flush=True)
    table = {
        "camera": f"OV2710, {SIZE}, exposure 33 ms, gain 2, 35 °C, generated scene",
        "command": shlex.join(["python", "scripts/sensor_model_table.py", "FOLDER", f"--seconds={given.seconds:g}"]),
        "sources": sources,
    }
    TABLE.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
