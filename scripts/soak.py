"""Runs the agent at full speed on a recording in a loop, and checks that nothing grows and no frame is lost.

`scripts/soak.py --seconds 3600` films a short recording with hits and damaged pictures, starts a broker and
`gammabox-edge run`, and reads memory, threads, open files and files on disk while it runs. The exit code is 1 where one
of them grows after the first fifth of the time, or where the account of frames is not exact: the recording is known, so
it is known how many of its frames can be analysed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from iotcore import Broker
from watch_memory import steady_growth

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands.broker import broker_settings
from edge.commands.console import EXIT_CHECK_FAILED
from edge.control_room.arrivals import Received
from edge.control_room.subscriber import Subscriber
from edge.telemetry.messages import Health
from edge.text import counted

FRAMES = 250
DAMAGED = (60, 61, 180)
SIZE = (320, 240)
FPS = 25
READINGS = 60
LARGEST_MESSAGE_BYTES = 256_000
STOP_S = 3.0
START_S = 120.0
"""A loaded machine takes long to start the agent; the time of the soak begins with its first health message."""

DEVICE_YAML = """\
site: soak
device: box
source: {{spec: film.avi, loop: true, pace: fast}}
mqtt: {{host: 127.0.0.1, port: {port}}}
telemetry: {{health_interval_s: 1}}
detection: {{threads: {threads}}}
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process holds at a time: memory in MB, threads, open files, and bytes in its folder."""

    resident_mb: float
    threads: int
    descriptors: int
    folder_files: int
    folder_mb: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How the agent came to its end: by itself after some seconds, or by the signal that it was sent; `code` is then 0.

    `stop_s` is the time from the signal to the end.
    """

    ran_s: float
    by_itself: bool
    code: int
    stop_s: float

    @property
    def faults(self) -> list[str]:
        """What is wrong with it."""
        if self.by_itself:
            return [f"the agent ended by itself after {self.ran_s:.0f} s, with code {self.code}"]
        wrong = [f"the agent ended with code {self.code}"] if self.code else []
        return [*wrong, f"the stop took {self.stop_s:.1f} s"] if self.stop_s > STOP_S else wrong


def film(path: Path) -> None:
    """Write the recording: noise, a hit in every third frame, and damaged pictures."""
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, FPS, SIZE) as writer:
        for number in range(FRAMES):
            picture = np.clip(90 + rng.normal(0, 2, (SIZE[1], SIZE[0], 3)), 0, 255)
            x, y = rng.integers(10, SIZE[0] - 20), rng.integers(10, SIZE[1] - 20)
            picture[y : y + 3, x : x + 3] += 100 * (number % 3 == 0)
            jpeg = cv2.imencode(".jpg", np.rint(picture).clip(0, 255).astype(np.uint8))[1].tobytes()
            writer.write(jpeg[: len(jpeg) // 2] + jpeg[-2:] if number in DAMAGED else jpeg)


def analysable(frames: int) -> int:
    """Return how many of the first frames of the recording have whole neighbours on both sides."""
    whole = [number not in DAMAGED for number in range(frames)]
    return sum(all(whole[number - 1 : number + 2]) for number in range(1, frames - 1))


def expected_frames(delivered: int) -> int:
    """Return how many of so many frames of the recording in a loop can be analysed."""
    rounds, rest = divmod(delivered, FRAMES)
    return rounds * analysable(FRAMES) + analysable(rest)


def account_faults(health: Health) -> list[str]:
    """Return what is wrong with the account of frames."""
    rounds, rest = divmod(health.delivered, FRAMES)
    # The stop may come between reading the last frame and looking at it.
    frames = {expected_frames(health.delivered), expected_frames(health.delivered - 1)}
    expected = {
        "frames": health.frames if health.frames in frames else max(frames),
        "damaged": rounds * len(DAMAGED) + sum(number < rest for number in DAMAGED),
        "dropped": 0,
        "repeated": 0,
        "delivered": health.frames + health.not_analysed + health.repeated + health.damaged + health.dropped,
    }
    found = health.model_dump()
    return [f"{name}: {found[name]:,} instead of {value:,}" for name, value in expected.items() if found[name] != value]


def read(pid: int, folder: Path) -> Reading:
    """Read what a process holds."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    sizes = [file.stat().st_size for file in folder.iterdir()]
    return Reading(
        resident_mb=int(status["VmRSS"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        folder_files=len(sizes),
        folder_mb=sum(sizes) / 2**20,
    )


def growth_faults(readings: list[Reading], max_growth_mb: float) -> list[str]:
    """Return what grows after the first fifth of the readings."""
    late = readings[len(readings) // 5 :]
    faults = []
    for name, limit in (
        ("resident_mb", max_growth_mb),
        ("threads", 0.5),
        ("descriptors", 1.0),
        ("folder_files", 1.0),
        ("folder_mb", max_growth_mb),
    ):
        growth = steady_growth([getattr(reading, name) for reading in late])
        if growth > limit:
            faults.append(f"{name} grows by {growth:.1f}")
    return faults


def soak(folder: Path, seconds: float, threads: int) -> tuple[list[Reading], Health, Ended]:
    """Run the agent and return the readings, its last health message and its end; SystemExit where it says nothing."""
    film(folder / "film.avi")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "device.yaml").write_text(DEVICE_YAML.format(port=port, threads=threads), encoding="utf-8")
    command = [sys.executable, "-c", "from edge.commands.cli import main; main()", "run", "--config"]
    readings: list[Reading] = []
    healths: list[Health] = []
    with (
        Broker(port=port, listen="127.0.0.1", max_payload_size=LARGEST_MESSAGE_BYTES),
        Subscriber(broker_settings(f"127.0.0.1:{port}"), "soak") as control_room,
        (folder / "agent.log").open("w", encoding="utf-8") as log,
        subprocess.Popen([*command, folder / "device.yaml"], stdout=log, stderr=log) as agent,
    ):

        def listen() -> bool:
            arrived = [each.message for each in control_room.poll(0.2) if isinstance(each, Received)]
            healths.extend(message for message in arrived if isinstance(message, Health))
            del healths[:-1]
            return any(getattr(message, "reason", "") == "stopped" for message in arrived)

        began_s = time.monotonic()
        while agent.poll() is None and not healths and time.monotonic() - began_s < START_S:
            listen()
        began_s = time.monotonic()
        while agent.poll() is None and time.monotonic() - began_s < seconds:
            listen()
            if healths and time.monotonic() - began_s >= (len(readings) + 1) * seconds / READINGS:
                with contextlib.suppress(KeyError):  # it has just ended, and holds nothing any more
                    readings.append(read(agent.pid, folder))
        by_itself, ran_s = agent.poll() is not None, time.monotonic() - began_s
        began_s = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        ended = Ended(ran_s, by_itself, agent.wait(60), time.monotonic() - began_s)
        while not listen() and not by_itself and time.monotonic() - began_s < 30:
            pass
    if not readings or not healths:
        raise SystemExit(f"the agent tells nothing of itself: {(folder / 'agent.log').read_text('utf-8')[-2000:]}")
    return readings, healths[-1], ended


def main() -> int:
    """Run the agent and return 0 where nothing grows and every frame is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-growth-mb", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        readings, health, ended = soak(Path(folder), arguments.seconds, arguments.threads)
    faults = [*account_faults(health), *growth_faults(readings, arguments.max_growth_mb), *ended.faults]
    last = readings[-1]
    verdict = {
        "frames": health.frames,
        "delivered": health.delivered,
        "not_analysed": health.not_analysed,
        "damaged": health.damaged,
        "dropped": health.dropped,
        "fps": round(health.frames / health.uptime_s, 1),
        "resident_mb": [round(reading.resident_mb, 1) for reading in readings],
        "threads": last.threads,
        "descriptors": last.descriptors,
        "stop_s": round(ended.stop_s, 2),
        "faults": faults,
    }
    if arguments.json:
        print(json.dumps(verdict))
    else:
        for number, reading in enumerate(readings, start=1):
            print(
                f"{number * arguments.seconds / READINGS:7.0f} s  {reading.resident_mb:6.1f} MB  "
                f"{reading.threads} threads  {reading.descriptors} open files  {reading.folder_mb:.1f} MB on disk"
            )
        print(
            f"{counted(health.delivered, 'frame')}: {health.frames:,} analysed, {health.not_analysed:,} not analysed, "
            f"{health.damaged:,} damaged, {health.dropped:,} dropped; stopped in {ended.stop_s:.1f} s"
        )
        print("\n".join(f"FAULT {fault}" for fault in faults) or "nothing grows, every frame is accounted for")
    return EXIT_CHECK_FAILED if faults else 0


if __name__ == "__main__":
    sys.exit(main())
