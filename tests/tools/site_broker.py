"""A broker of a site that run.sh has started, with the credentials that let boxes in."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from edge.config.device import MqttSettings, TlsSettings
from firmware_config.broker import write_broker
from firmware_config.credentials import create
from firmware_config.image.programs import found
from firmware_config.site import Box, Broker, Site

MOSQUITTO = found("mosquitto")
WAIT_S = 60.0


def wait_until(is_so: Callable[[], object], patience_s: float = WAIT_S) -> bool:
    """Return whether something becomes so within some seconds."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_open(port: int) -> bool:
    """Return whether a server listens."""
    with socket.socket() as knock:
        return not knock.connect_ex(("127.0.0.1", port))


class SiteBroker:
    """A broker that run.sh started, and the site and credentials it has them from."""

    def __init__(self, folder: Path, port: int, devices: tuple[str, ...] = ("gate-1", "gate-2")) -> None:
        boxes = tuple(Box(device=name, board="pc", camera="/x.avi") for name in devices)
        self.site = Site(site="docks", broker=Broker(host="127.0.0.1", port=port), boxes=boxes)
        self.credentials, self.folder = folder / "credentials", folder / "broker"
        create(self.credentials, self.site)
        self.refresh()
        self._log = folder / "log"
        self.start()

    def start(self) -> None:
        """Start run.sh and wait until the broker listens."""
        with self._log.open("a", encoding="utf-8") as log:
            command = ["sh", str(self.folder / "run.sh")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        assert wait_until(lambda: is_open(self.site.broker.port) or self.process.poll() is not None)
        assert self.process.poll() is None, self._log.read_text(encoding="utf-8")

    def refresh(self) -> None:
        """Write the folder of the broker anew, which run.sh takes up."""
        write_broker(self.folder, self.site, self.credentials)

    def close(self) -> None:
        """End run.sh, and the broker with it."""
        self.process.terminate()
        assert self.process.wait(WAIT_S) == 0

    def settings(self, folder: Path, stem: str = "box") -> MqttSettings:
        """Return the settings of a client whose certificate lies in a folder."""
        names = {"cert_file": folder / f"{stem}.crt", "key_file": folder / f"{stem}.key"}
        tls = TlsSettings(ca_file=self.credentials / "ca.crt", **names)
        return MqttSettings(host="127.0.0.1", port=self.site.broker.port, tls=tls)
