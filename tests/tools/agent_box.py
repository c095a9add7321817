"""A box for tests: an agent in a process of its own, with settings, films and a control room."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

from edge.agent import Agent
from edge.alarm.background import Rate
from edge.alarm.state import Identity, state_of, write_state
from edge.alarm.tracker import AlarmTracker
from edge.bundle import load_bundle
from edge.capture.base import Mode
from edge.capture.camera_fault import CameraFault
from edge.capture.live import LiveSource, LostError, RawPicture
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.config.device import AlarmSettings
from edge.errors import SourceError

SITE = "agent"
SIZE = (160, 120)
FPS = 25
PATIENCE_S = 60  # with an agent on a busy machine
COMMAND = "from edge.commands.cli import main; main()"


def hits_from(first, frames, every, seed=1):
    """Return the places of hits by frame, one in every so many frames, at random places."""
    rng = np.random.default_rng(seed)
    return {frame: (int(rng.integers(10, 140)), int(rng.integers(10, 100))) for frame in range(first, frames, every)}


SPOT = np.zeros((3, 3, 3))
"""What a hit adds, blue first: sharp and coloured, as charge in single pixels of the colour mosaic is."""
SPOT[1, 1], SPOT[1, 2], SPOT[0, 1] = (60, 140, 20), (10, 60, 50), (40, 30, 0)


def write_film(path, frames, hits, seed=1):
    """Film a still grey scene with noise, and a spot of a few pixels for each hit."""
    rng = np.random.default_rng(seed)
    noise = [rng.normal(0, 2, (SIZE[1], SIZE[0], 3)) for _ in range(min(frames, 97))]
    with MotionJpegWriter(path, FPS, SIZE) as writer:
        for frame in range(frames):
            picture = 70 + noise[frame % len(noise)]
            if frame in hits:
                x, y = hits[frame]
                picture[y : y + 3, x : x + 3] += SPOT
            picture = np.clip(picture, 0, 255).astype(np.uint8)
            writer.write(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
    return path


def write_background(path, spec, bundle, utc=None, hits=360.0):
    """Write a state file of a box that knows its background."""
    identity = Identity(
        camera=str(spec),
        width=SIZE[0],
        height=SIZE[1],
        exposure_s=None,
        gain=None,
        model_sha256=load_bundle(Path(bundle)).manifest.sha256,
    )
    tracker = AlarmTracker(AlarmSettings(), "known", Rate(hits, 7200.0))
    state = state_of(tracker, identity, utc or datetime.now(timezone.utc))
    write_state(path, state)


class Box:
    """An agent in a process of its own, with settings of its own."""

    def __init__(self, folder, film, bundle, port):
        self.device = f"box-{secrets.token_hex(4)}"
        self.folder = folder
        self.config = folder / "device.yaml"
        self.state_file = folder / "alarm.json"
        self.processes = []
        self.settings = {
            "site": SITE,
            "device": self.device,
            "source": {"spec": str(film), "pace": "fast"},
            "model": str(bundle),
            "mqtt": {"host": "127.0.0.1", "port": port},
            "telemetry": {"health_interval_s": 0.5},
            "logging": {"level": "warning"},
        }

    def know(self):
        """Let the box know its background, as if a calibration and an earlier run had measured it."""
        source = self.settings["source"]
        write_background(self.state_file, source["spec"], self.settings["model"])

    def start(self, prefix=(), **environment):
        # JSON is YAML; what the settings file may look like is tested elsewhere.
        self.config.write_text(json.dumps(self.settings))
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", COMMAND, "run", "--config", self.config, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.processes.append(process)
        return process

    def run(self, **environment):
        process = self.start(**environment)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, json.loads(out) if out else None, err

    def mine(self, arrived):
        return [each for each in arrived if each.topic.device == self.device]

    def hear(self, subscriber, enough, patience_s=PATIENCE_S):
        got = []
        deadline = time.monotonic() + patience_s
        while not enough(got):
            assert time.monotonic() < deadline, [(each.topic.kind, each.message) for each in got]
            got += self.mine(subscriber.poll(0.1))
        return got

    def end(self):
        for process in self.processes:
            process.kill()
            process.communicate()


def messages(got, kind):
    """Return the messages of a kind among those that arrived."""
    return [each.message for each in got if each.topic.kind == kind]


def is_goodbye(each):
    """Return whether a message is the goodbye of an agent that was stopped or ended."""
    return each.topic.kind == "status" and each.message.reason == "stopped"


class Camera(LiveSource):
    """A camera whose faults a test chooses while it runs: set `fault` to what the driver shall do next.

    fault: None, or "missing" (cannot be opened), "lost" (pictures end), "bug" (the driver raises), "hangs" (a picture
    never comes), "frozen" (the same picture comes again and again). `hits_hz` is the rate of hits.
    """

    fault = None
    hits_hz = 0.0
    size = SIZE
    release = threading.Event()  # lets hanging drivers end, at the end of a test
    hang_on_close = False
    told = ()  # states that the watch over its pictures shall name

    def __init__(self, *_given, **_named):
        super().__init__("/dev/video7", first_pause_s=0.1)
        self._number = 0
        self._next_s = time.monotonic()
        width, height = self.size
        rng = np.random.default_rng(1)
        self._pictures = [np.clip(70 + rng.normal(0, 2, (height, width)), 0, 255).astype(np.uint8) for _ in range(32)]
        self._rng = np.random.default_rng(time.monotonic_ns())
        self._start()

    def _connect(self):
        if self.fault == "missing":
            raise SourceError("/dev/video7", "no such device", "plug the camera in")
        self._mode = Mode(*self.size, float(FPS), "grey")

    def _take(self):
        if self.fault in {"missing", "lost"}:
            raise LostError("the camera delivers no picture any more")
        if self.fault == "bug":
            raise RuntimeError("a bug of the driver")
        if self.fault == "hangs":
            self.release.wait()
            raise LostError("released")
        self._next_s += 1 / FPS
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        self._number += self.fault != "frozen"
        picture = self._pictures[self._number % len(self._pictures)].copy()
        if self.fault != "frozen" and self._rng.random() < self.hits_hz / FPS:
            x, y = self._rng.integers(10, 140), self._rng.integers(10, 100)
            picture[y : y + 3, x : x + 3] += 90
        return RawPicture(pixels=picture)

    @property
    def faults(self):
        now = datetime.now(timezone.utc)
        return (*super().faults, *(CameraFault(name, "seen", "do it", 0.0, now) for name in self.told))

    def _disconnect(self):
        if self.hang_on_close:
            self.release.wait()


class Run:
    """An agent in a thread of this process, and what its control room has heard."""

    def __init__(self, settings, subscriber, clock=None):
        self.stop = threading.Event()
        self.agent = Agent(settings, self.stop, clock)
        self.device = settings.device
        self.subscriber = subscriber
        self.heard = []
        self.outcome = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self.outcome = self.agent.run()

    def until(self, condition, patience_s=PATIENCE_S):
        """Listen until the condition holds; return the seconds that took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < patience_s, [
                (each.topic.kind, getattr(each.message, "state", ""), getattr(each.message, "faults", ""))
                for each in self.heard[-10:]
            ]
            self.listen(0.05)
        return time.monotonic() - began

    def listen(self, seconds):
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            arrived = self.subscriber.poll(left_s)
            self.heard += [each for each in arrived if each.topic.device == self.device]

    def messages(self, kind):
        return messages(self.heard, kind)

    def told_since_start(self, kind):
        """Return the messages of a kind that this agent made, and not one before it."""
        return [message for message in self.messages(kind) if message.boot_id == self.agent._stamp.boot_id]

    def faults(self):
        """Return the faults of the latest health message, as one text."""
        healths = self.messages("health")
        return "; ".join(healths[-1].faults) if healths else ""

    def camera(self):
        """Return the states of the camera in the latest health message."""
        healths = self.messages("health")
        return set(healths[-1].camera) if healths else set()

    def end(self):
        """Stop the agent; return the seconds that took."""
        began = time.monotonic()
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return time.monotonic() - began
