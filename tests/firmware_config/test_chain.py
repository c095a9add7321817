"""The agent starts with its rendered settings, tells systemd, and is let through by the rendered broker."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from firmware_config.box import write_box
from firmware_config.broker import write_broker
from firmware_config.credentials import create
from firmware_config.device import OUTBOX_FILE
from firmware_config.ledger import load_ledger
from firmware_config.site import Box, Broker, Site

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
LISTEN = shutil.which("mosquitto_sub")
pytestmark = pytest.mark.skipif(not (MOSQUITTO and LISTEN), reason="mosquitto and its clients are not installed")

FRAMES, WITH_HIT = 40, 20
CAMERA = "/dev/v4l/by-path/pci-0-video-index0"
WAIT_S = 60
EDGE = [sys.executable, "-c", "from edge.commands.cli import main; main()"]


def film(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(FRAMES):
        picture = np.clip(70 + rng.normal(0, 2, (120, 160, 1)).repeat(3, axis=2), 0, 255)
        if number == WITH_HIT:
            picture[60:63, 80:83] += 90
        written = cv2.imwrite(str(folder / f"{number:03}.jpg"), np.rint(picture).astype(np.uint8))
        assert written


def test_rendered_box_reports_to_the_control_room(
    tmp_path: Path, tiny_bundle: Path, free_port: Callable[[], int]
) -> None:
    film(tmp_path / "film")
    port = free_port()
    site = Site(
        site="campus",
        broker=Broker(host="127.0.0.1", port=port),
        boxes=(Box(device="gate", board="rpi4", camera=CAMERA, settings={"model": str(tiny_bundle)}),),
    )
    create(tmp_path / "credentials", site)
    write_broker(tmp_path / "broker", site, tmp_path / "credentials")
    write_box(tmp_path / "gate", site, "gate", tmp_path / "credentials")
    device = (tmp_path / "gate" / "device.yaml").read_text(encoding="utf-8")
    # No camera and no systemd here: the film instead of the one, a file of ours instead of the other's.
    for old, new in ((CAMERA, "../film"), (OUTBOX_FILE, "outbox.sqlite")):
        assert old in device
        device = device.replace(old, new)
    (tmp_path / "gate" / "device.yaml").write_text(device, encoding="utf-8")

    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        broker = subprocess.Popen(["sh", str(tmp_path / "broker" / "run.sh")], stdout=log, stderr=log)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            agent = subprocess.run(
                [*EDGE, "run", "--config", str(tmp_path / "gate" / "device.yaml"), "--json"],
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"},
                capture_output=True,
                text=True,
                check=False,
                timeout=WAIT_S,
            )
            assert agent.returncode == 0, agent.stderr
            systemd.settimeout(WAIT_S)
            assert systemd.recv(1000).startswith(b"READY=1")
        assert json.loads(agent.stdout)["hits"] == 1, agent.stdout + agent.stderr
        login = tmp_path / "credentials"
        options = ["--cafile", login / "ca.crt", "--cert", login / "control-room/control-room.crt"]
        options += ["--key", login / "control-room/control-room.key", "-p", port, "-t", "gammabox/campus/#"]
        command = [LISTEN, *options, "-h", "127.0.0.1", "-F", "%t %p", "--retained-only", "-W", "3"]
        heard = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        retained = dict(line.split(" ", 1) for line in heard.stdout.splitlines())
        assert "offline" in retained["gammabox/campus/gate/status"]
        assert {"info", "health"} <= {topic.rpartition("/")[2] for topic in retained}
        ledger = load_ledger(tmp_path / "credentials")
        info = json.loads(retained["gammabox/campus/gate/info"])
        assert info["certificate_sha256"] == ledger.of("gate", "current")[0].sha256
    finally:
        broker.terminate()
        broker.wait(WAIT_S)
