"""A box for tests: an agent in a process of its own, with settings, films and a control room."""

import json
import os
import secrets
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

from edge.alarm.state import AlarmState, Identity, KeptRate, write_state
from edge.bundle import load_bundle
from edge.capture.mjpeg_writer import MotionJpegWriter

SITE = "agent"
SIZE = (160, 120)
FPS = 25
PATIENCE_S = 60  # with an agent on a busy machine
COMMAND = "from edge.commands.cli import main; main()"


def hits_from(first, frames, every):
    """Return hits by frame, never twice at one place in a row and seldom at one place at all."""
    return {frame: (20 + (37 * frame) % 120, 20 + (53 * frame) % 80) for frame in range(first, frames, every)}


def write_film(path, frames, hits, seed=1):
    """Film a still grey scene with noise, and a spot of 3×3 pixels for each hit."""
    rng = np.random.default_rng(seed)
    with MotionJpegWriter(path, FPS, SIZE) as writer:
        for frame in range(frames):
            picture = np.clip(70 + rng.normal(0, 2, (SIZE[1], SIZE[0], 3)), 0, 255)
            if frame in hits:
                x, y = hits[frame]
                picture[y : y + 3, x : x + 3] += 90
            writer.write(cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
    return path


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

    def know(self, hits=360.0, live_s=7200.0):
        """Let the box know its background, as if a calibration and an earlier run had measured it."""
        identity = Identity(
            camera=self.settings["source"]["spec"],
            width=SIZE[0],
            height=SIZE[1],
            exposure_s=self.settings["source"].get("exposure_s"),
            gain=None,
            model_sha256=load_bundle(Path(self.settings["model"])).manifest.sha256,
        )
        state = AlarmState(
            written_utc=datetime.now(timezone.utc),
            identity=identity,
            known=True,
            background=KeptRate(hits=hits, live_s=live_s),
            dispersion=[[0.0] * 3] * 3,
            usual_live=None,
            count=0,
            alarm=None,
        )
        write_state(self.state_file, state)

    def start(self, command=COMMAND, **environment):
        # JSON is YAML; what the settings file may look like is tested elsewhere.
        self.config.write_text(json.dumps(self.settings))
        process = subprocess.Popen(
            [sys.executable, "-c", command, "run", "--config", self.config, "--json"],
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
