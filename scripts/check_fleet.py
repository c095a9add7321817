"""Send what 1,000 boxes send through one Mosquitto, and measure whether the control room keeps up.

    python scripts/check_fleet.py [--boxes 1000] [--seconds 60] [--burst 200] [--write docs/delivery.md]

Every box sends health once in 10 s; every 10 s a burst of boxes raises an alarm in the same moment. The product's
subscriber and board, and `gammabox-edge archive`, listen. No message may be lost, and the median from the making of a
message to the board has to be below 100 ms. Sensors, cameras and the outbox of the boxes are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from delivery_site import Broker

from firmware_config.site import CONTROL_ROOM_USER

BEGIN, END = "<!-- check-fleet -->", "<!-- end -->"
MAX_MEDIAN_MS = 100.0
WORKERS = 4
PATIENCE_S = 120.0
BURST_EVERY_S = 10


def usage(pid: int) -> tuple[float, float]:
    """Return the processor time in seconds and the peak memory in MiB of a process."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), int(peak[1]) / 1024 if peak else 0.0


def started(*words: str, stdin: bool = False) -> subprocess.Popen[str]:
    """Start a Python program that says `ready` when it is."""
    pipe = subprocess.PIPE if stdin else subprocess.DEVNULL
    return subprocess.Popen([sys.executable, *words], stdin=pipe, stdout=subprocess.PIPE, text=True)


def run(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the fleet and return what was measured."""
    broker = Broker(folder, [f"box-{number}" for number in range(given.boxes)], tls=False)
    broker.start()
    login = {"user": CONTROL_ROOM_USER, "password_file": str(folder / f"{CONTROL_ROOM_USER}.password")}
    scripts = Path(__file__).parent
    watch = started(str(scripts / "fleet_watch.py"), json.dumps({"port": broker.port, **login}))
    database = folder / "archive.sqlite"
    entry = "from edge.commands.cli import main; main()"
    options = ["--username", login["user"], "--password-file", login["password_file"], "--file", str(database)]
    archive = started("-c", entry, "archive", "--broker", f"127.0.0.1:{broker.port}", *options)
    processes = [watch, archive]
    try:
        require_ready(watch)
        share = given.boxes // WORKERS
        workers = []
        for number in range(WORKERS):
            plan = {"first": number * share, "count": share, "port": broker.port, "seconds": given.seconds}
            plan |= {"burst": given.burst // WORKERS, "burst_every_s": BURST_EVERY_S}
            workers.append(started(str(scripts / "fleet_boxes.py"), json.dumps(plan), stdin=True))
            processes.append(workers[-1])
        for worker in workers:
            require_ready(worker)
        pids = {"Mosquitto": broker.pid, "archive": archive.pid, "board of `watch`": watch.pid}
        before = {name: usage(pid)[0] for name, pid in pids.items()}
        began_s = time.monotonic()
        for worker in workers:
            worker.stdin.write("go\n")  # type: ignore[union-attr]
            worker.stdin.flush()  # type: ignore[union-attr]
        sent = [json.loads(worker.stdout.readline()) for worker in workers]  # type: ignore[union-attr]
        seconds = time.monotonic() - began_s
        alarms = {event_id for each in sent for event_id in each["alarms"]}
        caught_up_s = archive_caught_up_s(database, alarms)
        costs = {name: (usage(pid)[0] - before[name], usage(pid)[1]) for name, pid in pids.items()}
        watch.send_signal(signal.SIGTERM)
        heard = json.loads(watch.communicate(timeout=PATIENCE_S)[0].splitlines()[-1])
        return {
            "boxes": given.boxes,
            "seconds": seconds,
            "sent": sum(each["sent"] for each in sent) - given.boxes,
            "unconfirmed": sum(each["sent"] - each["confirmed"] for each in sent),
            "late_ms": max(each["late_s"] for each in sent) * 1e3,
            "burst": given.burst,
            "alarms": len(alarms),
            "lost_on_board": len(alarms - set(heard["alarms"])),
            "lost_in_archive": len(alarms - archived(database)),
            "caught_up_s": caught_up_s,
            "costs": costs,
            "heard": heard,
        }
    finally:
        for process in processes:
            process.kill()
            process.wait()
        broker.kill()


def require_ready(process: subprocess.Popen[str]) -> None:
    """Wait until a program says that it is ready."""
    if process.stdout is None or process.stdout.readline().strip() != "ready":
        raise SystemExit("a part of the fleet does not come up")


def archived(database: Path) -> set[str]:
    """Return the event ids of alarms in the archive."""
    with closing(sqlite3.connect(database)) as opened:
        return {row[0] for row in opened.execute("SELECT event_id FROM alarm")}


def archive_caught_up_s(database: Path, alarms: set[str]) -> float:
    """Return how long the archive took to have all alarms after the last one was sent."""
    began_s = time.monotonic()
    while not alarms <= archived(database) and time.monotonic() - began_s < PATIENCE_S:
        time.sleep(0.05)
    return time.monotonic() - began_s


def passed(found: dict[str, Any]) -> bool:
    """Return whether nothing was lost and all was in time."""
    lost = found["lost_on_board"] + found["lost_in_archive"] + found["unconfirmed"]
    medians = [found["heard"][kind]["median_ms"] for kind in ("alarm", "health")]
    return not lost and max(medians) < MAX_MEDIAN_MS and found["heard"]["boxes"] == found["boxes"]


def table(found: dict[str, Any]) -> str:
    """Return the findings as a table in Markdown."""
    heard, seconds = found["heard"], found["seconds"]
    rows = [
        ("boxes, time", f"{found['boxes']:,}, {seconds:.0f} s"),
        ("messages sent, a second", f"{found['sent']:,}, {found['sent'] / seconds:.0f}"),
        ("alarms, in bursts of", f"{found['alarms']:,}, {found['burst']}"),
        (
            "lost: unconfirmed, on the board, in the archive",
            f"{found['unconfirmed']}, {found['lost_on_board']}, {found['lost_in_archive']}",
        ),
    ]
    rows += [
        (
            f"{kind} until the board: median, 99 %, highest",
            f"{heard[kind]['median_ms']:.0f}, {heard[kind]['p99_ms']:.0f}, {heard[kind]['max_ms']:.0f} ms",
        )
        for kind in ("alarm", "health")
    ]
    rows += [
        ("all boxes in order on the board", f"{heard['view_ms']:.0f} ms"),
        ("archive has all alarms after the last one", f"{found['caught_up_s']:.2f} s"),
    ]
    rows += [
        (f"{name}: processor, peak memory", f"{100 * spent_s / seconds:.0f} % of a core, {peak:.0f} MiB")
        for name, (spent_s, peak) in found["costs"].items()
    ]
    rows.append(("verdict", "passed" if passed(found) else "FAILED"))
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in rows)])


def main() -> int:
    """Run the check, print and write the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--burst", type=int, default=200)
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    given = parser.parse_args()
    if given.boxes < WORKERS or given.boxes % WORKERS or given.burst % WORKERS:
        parser.error(f"--boxes and --burst are shared by {WORKERS} programs: give multiples of {WORKERS}")
    with tempfile.TemporaryDirectory() as folder:
        found = run(given, Path(folder))
    print(table(found))
    if given.write is not None:
        text = given.write.read_text(encoding="utf-8")
        part = f"{BEGIN}\n{table(found)}\n{END}"
        given.write.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: part, text, flags=re.DOTALL), encoding="utf-8")
    return int(not passed(found))


if __name__ == "__main__":
    sys.exit(main())
