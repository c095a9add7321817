"""Kill agents, broker, network, disks and archive at random, and count what arrives: nothing lost, nothing twice.

    python scripts/check_delivery.py [--kills 200] [--messages 2000] [--boxes 4] [--seed 1] [--write docs/delivery.md]

Boxes (delivery_box.py) send through the product's outbox and link, and a proxy, to Mosquitto with the certificates and
rights that firmware_config makes. `gammabox-edge archive` listens through another proxy, a witness beside it. Full and
read-only disks need the right to mount; without it they are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_proxy import ChaosProxy
from delivery_site import Broker
from delivery_table import Findings, publish, table
from delivery_witness import Witness

from firmware_config.site import CONTROL_ROOM_USER

if TYPE_CHECKING:
    from collections.abc import Callable

SHARES = {"agent": 62, "broker": 50, "cut": 24, "stall": 18, "swallow": 14, "refuse": 8, "archive": 10}
DISK_SHARES = {"full disk": 8, "read-only disk": 4, "archive disk full": 2}
PAUSE_S = (0.3, 1.6)
PATIENCE_S = 180.0
DISK_KIB = 12_288
MOUNTED = "GAMMABOX_MOUNTS"
STORY_S = (30.0, 60.0)
"""Seconds before and after the steps of a lost message of which its story tells."""


class Place:
    """Everything that runs: broker, proxies, boxes, archive, witness."""

    def __init__(self, folder: Path, boxes: int, messages: int, every_s: float, *, mounts: bool) -> None:
        self.folder, self.mounts = folder, mounts
        self.devices = [f"box-{number}" for number in range(boxes)]
        self.broker = Broker(folder, self.devices)
        self.broker.start()
        self.near, self.far = ChaosProxy(self.broker.port), ChaosProxy(self.broker.port)
        self._each, self._every_s = messages // boxes, every_s
        for name in (*self.devices, "archive"):
            (folder / name).mkdir()
            if mounts:
                size = f"size={DISK_KIB}k"
                subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder / name], check=True)
        self.witness = Witness(self.broker)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.events: list[tuple[float, str]] = []
        self.start("archive")
        wait_for(lambda: b"connected" in (folder / "archive.log").read_bytes())
        self.broker.save()
        for device in self.devices:
            (folder / f"{device}.ledger").touch()
            self.start(device)
        wait_for(lambda: all(self.ledgers().values()))

    def start(self, name: str) -> None:
        """Start a box or the archive."""
        given = {
            "device": name,
            "folder": str(self.folder / name),
            "ledger": str(self.folder / f"{name}.ledger"),
            "port": self.near.port,
            "login": {} if name == "archive" else self.broker.login(name),
            "messages": self._each,
            "every_s": self._every_s,
        }
        command = [sys.executable, str(Path(__file__).with_name("delivery_box.py")), json.dumps(given)]
        if name == "archive":
            words = ["archive", "--broker", f"127.0.0.1:{self.far.port}", "--file", str(self.database)]
            for option, path in self.broker.login(CONTROL_ROOM_USER).items():
                words += [f"--{option.replace('_', '-')}", path]
            command = [sys.executable, "-c", "from edge.commands.cli import main; main()", *words]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def database(self) -> Path:
        """The archive's file."""
        return self.folder / "archive" / "archive.sqlite"

    def end(self, name: str, number: signal.Signals) -> None:
        """End a process by a signal and wait for it."""
        self.processes[name].send_signal(number)
        self.processes[name].wait(PATIENCE_S)

    def remount(self, name: str, how: str) -> None:
        """Mount the disk of a box read-only or writable."""
        subprocess.run(["mount", "-o", f"remount,{how}", self.folder / name], check=True)

    def fill(self, name: str, seconds: float) -> None:
        """Fill a disk for a while."""
        filler = self.folder / name / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        time.sleep(seconds)
        filler.unlink()
        time.sleep(1.0)

    def ledgers(self) -> dict[str, list[list[str]]]:
        """Return the lines of the boxes' ledgers as words."""
        found = {}
        for device in self.devices:
            path = self.folder / f"{device}.ledger"
            found[device] = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        return found

    def archived(self) -> list[str]:
        """Return the event ids of alarms in the archive."""
        with closing(sqlite3.connect(self.database)) as database:
            return [row[0] for row in database.execute("SELECT event_id FROM alarm ORDER BY id")]

    def happens(self, what: str) -> None:
        """Note what is done to the place, for the stories of lost messages."""
        self.events.append((time.time(), what))

    def story(self, event_id: str) -> list[str]:
        """Return what became of a message and what was done meanwhile, a line an event, in the order of time."""
        steps = []
        for device, lines in self.ledgers().items():
            steps += [(float(line[-1]), f"{device} {' '.join(line[:-1])}") for line in lines if line[1] == event_id]
        steps += [(each[3], "arrived at the witness") for each in self.witness.arrived if each[1] == event_id]
        began_s, ended_s = min(steps)[0] - STORY_S[0], max(steps)[0] + STORY_S[1]
        steps += [each for each in self.events if began_s < each[0] < ended_s]
        return [f"{at_s - began_s - STORY_S[0]:+8.2f} s  {what}" for at_s, what in sorted(steps)]


def wait_for(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Wait until something holds. Return whether it does."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


def strike(place: Place, kind: str, chance: random.Random) -> None:
    """Do one thing of a kind, and undo it."""
    pause_s = chance.uniform(*PAUSE_S)
    device = chance.choice(place.devices)
    if kind in {"agent", "archive"}:
        name = "archive" if kind == "archive" else device
        place.happens(f"{name} killed")
        place.end(name, signal.SIGKILL)
        time.sleep(pause_s)
        place.start(name)
        place.happens(f"{name} started")
    elif kind == "broker":
        place.happens("broker killed")
        place.broker.kill()
        time.sleep(pause_s)
        place.broker.start()
        place.happens("broker started")
    elif kind == "read-only disk":
        place.happens(f"disk of {device} read-only for 8 s")
        place.end(device, signal.SIGTERM)
        place.remount(device, "ro")
        place.start(device)
        time.sleep(8.0)
        place.end(device, signal.SIGTERM)
        place.remount(device, "rw")
        place.start(device)
    elif "full" in kind:
        name = "archive" if "archive" in kind else device
        place.happens(f"disk of {name} full for {3 * pause_s:.1f} s")
        place.fill(name, 3 * pause_s)
    else:
        proxies = chance.choice([(place.near,), (place.far,), (place.near, place.far)])
        sides = " and ".join("boxes" if proxy is place.near else "archive" for proxy in proxies)
        place.happens(f"network of {sides}: {kind} for {2 * pause_s:.1f} s")
        for proxy in proxies:
            threading.Thread(target=trouble, args=(proxy, kind, 2 * pause_s), daemon=True).start()
        time.sleep(2 * pause_s + 0.1)


def trouble(proxy: ChaosProxy, kind: str, seconds: float) -> None:
    """Disturb the connections of a proxy for a while."""
    if kind == "cut":
        proxy.cut()
        return
    proxy.mode = kind  # type: ignore[assignment]
    if kind == "refuse":
        proxy.cut()
    time.sleep(seconds)
    proxy.mode = "pass"
    if kind == "swallow":
        proxy.cut()


def run(given: argparse.Namespace, folder: Path, *, mounts: bool) -> Findings:
    """Run all kills and return what was found."""
    chance = random.Random(given.seed)
    shares = {**SHARES, **(DISK_SHARES if mounts else {})}
    kinds = list(shares) if given.kills >= 3 * len(shares) else []
    kinds += chance.choices(list(shares), list(shares.values()), k=given.kills - len(kinds))
    chance.shuffle(kinds)
    began_s = time.monotonic()
    place = Place(folder, given.boxes, given.messages, given.every_s, mounts=mounts)
    try:
        for number, kind in enumerate(kinds, start=1):
            time.sleep(chance.uniform(*PAUSE_S))
            strike(place, kind, chance)
            if number % 10 == 0 or number == len(kinds):
                put = sum(line[0] == "put" for lines in place.ledgers().values() for line in lines)
                sys.stderr.write(f"{time.monotonic() - began_s:.0f} s: {number} kills, {put} messages\n")
        finish(place, given.messages // given.boxes)
        found = findings(place, Counter(kinds), time.monotonic() - began_s)
        for event_id in (*found.lost_alarms, *found.lost_hits):
            sys.stderr.write("\n".join([f"lost: {event_id}", *place.story(event_id), ""]))
        return found
    finally:
        for process in place.processes.values():
            process.kill()
            process.wait()
        place.broker.kill()
        place.witness.client.loop_stop()


def finish(place: Place, each: int) -> None:
    """Wait until each box has put all its messages and the broker has them, and the archive has what it can get."""
    wait_for(lambda: all(sum(line[0] == "put" for line in lines) >= each for lines in place.ledgers().values()), 600.0)
    for device in place.devices:
        place.processes[device].send_signal(signal.SIGTERM)
    for device in place.devices:
        place.processes[device].wait(PATIENCE_S)
    needed = {line[1] for lines in place.ledgers().values() for line in lines if line[0] == "done"}
    alarms = {
        line[1] for lines in place.ledgers().values() for line in lines if line[0] == "put" and line[2] == "alarm"
    }
    wait_for(lambda: needed & alarms <= set(place.archived()), 30.0)


def findings(place: Place, kills: Counter[str], seconds: float) -> Findings:
    """Compare the ledgers with what arrived."""
    put: dict[str, tuple[str, str, int]] = {}
    done: set[str] = set()
    sent = 0
    for device, lines in place.ledgers().items():
        for line in lines:
            if line[0] == "put":
                put[line[1]] = (device, line[2], int(line[3]))
            elif line[0] == "done":
                done.add(line[1])
            sent += line[0] == "sent"
    archived = place.archived()
    arrived = Counter(event_id for _, event_id, *_ in place.witness.arrived)
    alarms = {event_id for event_id in done if put[event_id][1] == "alarm"}
    order: dict[tuple[str, str], int] = {}
    disordered = 0
    seen: set[str] = set()
    for device, event_id, historical, _ in place.witness.arrived:
        if event_id in seen or event_id not in put:
            continue
        seen.add(event_id)
        _, kind, number = put[event_id]
        disordered += number < order.get((device, kind), -1) and not historical
        order[device, kind] = max(number, order.get((device, kind), -1))
    return Findings(
        kills=dict(kills),
        seconds=seconds,
        boxes=len(place.devices),
        mounts=place.mounts,
        alarms=len(alarms),
        hits=len(done) - len(alarms),
        lost_alarms=sorted(alarms - set(archived)),
        lost_hits=sorted(done - alarms - set(arrived)),
        twice=len(archived) - len(set(archived)),
        strange=len(set(archived) - set(put)),
        disordered=disordered,
        sent=sent,
        put=len(put),
        again=sum(count - 1 for count in arrived.values()),
    )


def main() -> int:
    """Run the check in mounts of its own, print and write the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--boxes", type=int, default=4)
    parser.add_argument("--every-s", type=float, default=1.0, help="seconds between two messages of a box")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    parser.add_argument("--keep", type=Path, help="new folder for logs and ledgers")
    given = parser.parse_args()
    if MOUNTED not in os.environ:
        tried = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
        )
        prefix = ["unshare", "-m"] if tried.returncode == 0 else ["env"]
        return subprocess.run(
            [*prefix, sys.executable, *sys.argv], env={**os.environ, MOUNTED: str(prefix[0] == "unshare")}, check=False
        ).returncode
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        found = run(given, folder, mounts=os.environ[MOUNTED] == "True")
        print(table(found))
        if given.keep is not None:  # the disks vanish with their mounts
            subprocess.run(["tar", "-C", folder, "-cf", f"{folder}.tar", "."], check=False)
        if given.write is not None:
            publish(given.write, found)
        subprocess.run(["sync"], check=False)
    return int(not found.passed)


if __name__ == "__main__":
    sys.exit(main())
