"""The site of check_delivery.py: Debian's Mosquitto as firmware_config renders it, with its certificates and rights."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from delivery_box import SITE

from firmware_config.broker import write_broker
from firmware_config.credentials import create
from firmware_config.site import CONTROL_ROOM_USER, Site

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 30.0


def program(name: str) -> str:
    """Return the path of a program that Debian may install where only root looks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed; run: apt-get install mosquitto")
    return found


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A Mosquitto that can be killed and started again; its sessions and retained messages lie on disk.

    With TLS all show certificates of the site's authority, else passwords.
    """

    def __init__(self, folder: Path, devices: list[str], *, tls: bool = True) -> None:
        self.port = free_port()
        self.credentials, self.folder = folder / "credentials", folder / "broker"
        self._process: subprocess.Popen[bytes] | None = None
        boxes = [{"device": device, "board": "pc", "camera": "/x.avi"} for device in devices]
        broker = {"host": "127.0.0.1", "port": self.port, "tls": tls}
        site = Site.model_validate({"site": SITE, "broker": broker, "boxes": boxes})
        if tls:
            create(self.credentials, site)
        write_broker(self.folder, site, self.credentials)
        (self.folder / "data").mkdir()
        if os.geteuid() == 0:
            with (self.folder / "mosquitto.conf").open("a", encoding="utf-8") as conf:
                conf.write("user root\n")
        if not tls:
            self._passwords([CONTROL_ROOM_USER, *devices])

    def login(self, name: str) -> dict[str, str]:
        """Return the files of a login by certificate: ca_file, cert_file, key_file."""
        own = self.credentials / (name if name == CONTROL_ROOM_USER else f"boxes/{name}")
        stem = own / (name if name == CONTROL_ROOM_USER else "box")
        return {
            "ca_file": str(self.credentials / "ca.crt"),
            "cert_file": f"{stem}.crt",
            "key_file": f"{stem}.key",
        }

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        with (self.folder / "broker.log").open("ab") as log:
            command = [program("mosquitto"), "-c", "mosquitto.conf"]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > deadline:
                raise SystemExit(f"mosquitto does not come up; see {self.folder / 'broker.log'}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill the broker as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def save(self) -> None:
        """Let the broker write its sessions, as it does every minute."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(0.5)

    @property
    def pid(self) -> int:
        """The process id of the broker."""
        return 0 if self._process is None else self._process.pid

    def _passwords(self, users: list[str]) -> None:
        lines = [f"{user}:{hashed(f'{user}-password')}\n" for user in users]
        (self.folder / "passwords").write_text("".join(lines), encoding="utf-8")
        for user in users:
            (self.folder.parent / f"{user}.password").write_text(f"{user}-password\n", encoding="utf-8")


def hashed(password: str) -> str:
    """Return a password as mosquitto_passwd stores it, which takes minutes for a thousand users.

    Examples
    --------
    >>> hashed("x").startswith("$7$101$")
    True

    """
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
