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

from firmware_config.device import OUTBOX_FILE, PASSWORD_FILE
from firmware_config.render import render_site
from firmware_config.site import CONTROL_ROOM_USER, Box, Broker, Site

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PASSWD, LISTEN = shutil.which("mosquitto_passwd"), shutil.which("mosquitto_sub")
pytestmark = pytest.mark.skipif(
    not (MOSQUITTO and PASSWD and LISTEN), reason="mosquitto and its clients are not installed"
)

FRAMES, WITH_HIT = 40, 20
CAMERA = "/dev/v4l/by-path/pci-0-video-index0"
WAIT_S = 60
EDGE = [sys.executable, "-c", "from edge.commands.cli import main; main()"]
LOGIN = ["-h", "127.0.0.1", "-u", CONTROL_ROOM_USER, "-P", f"{CONTROL_ROOM_USER}-password"]


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
        broker=Broker(host="127.0.0.1", port=port, tls=False),
        boxes=(Box(device="gate", board="rpi4", camera=CAMERA, settings={"model": str(tiny_bundle)}),),
    )
    rendered = render_site(site)
    (tmp_path / "acl").write_text(rendered["mosquitto/acl"], encoding="utf-8")
    (tmp_path / "acl").chmod(0o600)
    for create, user in ((["-c"], CONTROL_ROOM_USER), ([], "gate")):
        command = [str(PASSWD), "-b", *create, str(tmp_path / "passwords"), user, f"{user}-password"]
        subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "password").write_text("gate-password\n", encoding="utf-8")
    conf = rendered["mosquitto/mosquitto.conf"].replace("/etc/mosquitto/gammabox", str(tmp_path))
    conf = conf.replace("/var/lib/mosquitto/", f"{tmp_path}/") + ("user root\n" if os.geteuid() == 0 else "")
    (tmp_path / "mosquitto.conf").write_text(conf, encoding="utf-8")
    device = rendered["boxes/gate/device.yaml"]
    # No camera and no systemd here: the film instead of the one, files of ours instead of the other's.
    for old, new in ((CAMERA, "film"), (PASSWORD_FILE, "password"), (OUTBOX_FILE, "outbox.sqlite")):
        assert old in device
        device = device.replace(old, new)
    (tmp_path / "device.yaml").write_text(device, encoding="utf-8")

    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        broker = subprocess.Popen([str(MOSQUITTO), "-c", str(tmp_path / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            agent = subprocess.run(
                [*EDGE, "run", "--config", str(tmp_path / "device.yaml"), "--json"],
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
        heard = subprocess.run(
            [
                str(LISTEN),
                "-p",
                str(port),
                *LOGIN,
                "-t",
                "gammabox/campus/#",
                "-F",
                "%t %p",
                "--retained-only",
                "-W",
                "3",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        retained = dict(line.split(" ", 1) for line in heard.stdout.splitlines())
        assert "offline" in retained["gammabox/campus/gate/status"]
        assert {"info", "health"} <= {topic.rpartition("/")[2] for topic in retained}
    finally:
        broker.terminate()
        broker.wait(WAIT_S)
