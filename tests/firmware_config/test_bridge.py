"""Two real Mosquittos: what a site passes upwards over the rendered bridge, and what it does not."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_config.broker import broker_files
from firmware_config.certificates import Role, issued, new_authority, new_key, now_utc, pem_of, pem_of_key
from firmware_config.render import render_site
from firmware_config.site import Broker, Site

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")

WAIT_S = 30.0
UPPER = """
per_listener_settings true
listener {port} 127.0.0.1
cafile ca.crt
certfile upper.crt
keyfile upper.key
require_certificate true
use_identity_as_username true
acl_file acl
listener {plain} 127.0.0.1
allow_anonymous true
"""


class Brokers:
    """A site's broker and the one above, each in a folder; the plain port of the upper one is for the test to read."""

    def __init__(self, folder: Path, free_port: Callable[[], int]) -> None:
        self.below, self.above, self.plain = free_port(), free_port(), free_port()
        self.site_folder, self.upper_folder = folder / "site", folder / "upper"
        site = Site.model_validate(
            {
                "site": "campus",
                "broker": Broker(host="127.0.0.1", port=self.below, tls=False),
                "bridge": {"host": "127.0.0.1", "port": self.above},
                "boxes": [{"device": name, "board": "rpi4", "camera": "csi"} for name in ("gate-north", "gate-south")],
            }
        )
        self._write(site)

    def _write(self, site: Site) -> None:
        for name, content in broker_files(site).items():
            path = self.site_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        (self.site_folder / "data").mkdir()
        (self.site_folder / "passwords").touch()
        self.upper_folder.mkdir()
        authority, now = new_authority("upper", now_utc()), now_utc()
        roles: list[tuple[Role, str, str]] = [
            ("broker", "127.0.0.1", "upper"),
            ("control-room", "site-campus", "bridge"),
        ]
        for role, subject, file in roles:
            key = new_key()
            folder = self.upper_folder if file == "upper" else self.site_folder / "bridge"
            (folder / f"{file}.key").write_text(pem_of_key(key), encoding="ascii")
            certificate = issued(authority, role, subject, key.public_key(), now)
            (folder / f"{file}.crt").write_text(pem_of(certificate), encoding="ascii")
            (folder / "ca.crt").write_text(pem_of(authority.certificate), encoding="ascii")
        rights = (self.site_folder / "bridge" / "upper-acl").read_text(encoding="utf-8")
        (self.upper_folder / "acl").write_text(rights, encoding="utf-8")
        (self.upper_folder / "mosquitto.conf").write_text(UPPER.format(port=self.above, plain=self.plain), "utf-8")
        # The test writes as it likes; the rights of boxes are tested elsewhere.
        conf = self.site_folder / "mosquitto.conf"
        text = conf.read_text(encoding="utf-8").replace("acl_file acl\n", "").replace("password_file passwords\n", "")
        conf.write_text(text.replace("allow_anonymous false", "allow_anonymous true"), encoding="utf-8")

    @contextmanager
    def running(self, folder: Path, port: int) -> Iterator[None]:
        conf = folder / "running.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        conf.write_text((folder / "mosquitto.conf").read_text(encoding="utf-8") + user, encoding="utf-8")
        with (folder / "log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], cwd=folder, stdout=log, stderr=log)
        try:
            wait_until(lambda: is_open(port), lambda: (folder / "log").read_text(encoding="utf-8"))
            yield
        finally:
            process.terminate()
            process.wait(WAIT_S)


def is_open(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def wait_until(condition: Callable[[], object], explain: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


@contextmanager
def client(port: int) -> Iterator[tuple[mqtt.Client, dict[str, str]]]:
    heard: dict[str, str] = {}
    opened = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    opened.on_message = lambda _client, _data, message: heard.__setitem__(message.topic, message.payload.decode())
    opened.on_connect = lambda connected, *_: connected.subscribe("gammabox/#", qos=1)
    opened.connect("127.0.0.1", port)
    opened.loop_start()
    try:
        yield opened, heard
    finally:
        opened.disconnect()
        opened.loop_stop()


def send(box: mqtt.Client, topic: str, payload: str) -> None:
    box.publish(f"gammabox/campus/{topic}", payload, qos=1, retain=True).wait_for_publish(WAIT_S)


def test_bridge_passes_states_upwards_and_catches_up(tmp_path: Path, free_port: Callable[[], int]) -> None:
    brokers = Brokers(tmp_path, free_port)
    with brokers.running(brokers.site_folder, brokers.below), client(brokers.below) as (box, below):
        with brokers.running(brokers.upper_folder, brokers.plain), client(brokers.plain) as (_, above):
            wait_until(lambda: above.get("gammabox/campus/bridge") == "1", lambda: logs(brokers))
            for topic in ("gate-north/alarm", "gate-north/status", "gate-north/info", "gate-south/health"):
                send(box, topic, f"first {topic}")
            send(box, "gate-north/hit", "no")
            send(box, "gate-north/health_minute", json.dumps({"fps": 25}))
            send(box, "gate-south/alarm", "last")
            wait_until(lambda: above.get("gammabox/campus/gate-south/alarm") == "last", lambda: logs(brokers))
            wait_until(lambda: "gammabox/campus/gate-north/health" in above, lambda: logs(brokers))
            assert {topic.removeprefix("gammabox/campus/") for topic in above} == {
                *("bridge", "gate-north/alarm", "gate-north/status", "gate-north/info", "gate-north/health"),
                "gate-south/alarm",
            }
        send(box, "gate-north/alarm", "while the upper broker was away")
        with brokers.running(brokers.upper_folder, brokers.plain), client(brokers.plain) as (upper, above):
            wait_until(
                lambda: above.get("gammabox/campus/gate-north/alarm") == "while the upper broker was away",
                lambda: logs(brokers),
            )
            upper.publish("gammabox/campus/gate-north/cmd/restart", "from above", qos=1).wait_for_publish(WAIT_S)
            send(box, "gate-north/alarm", "after the command")
            wait_until(lambda: above["gammabox/campus/gate-north/alarm"] == "after the command", lambda: logs(brokers))
            assert "gammabox/campus/gate-north/cmd/restart" not in below


def logs(brokers: Brokers) -> str:
    folders = (brokers.site_folder, brokers.upper_folder)
    return "\n".join((folder / "log").read_text(encoding="utf-8") for folder in folders)


def test_site_without_a_bridge_has_no_files_of_one(site: Site) -> None:
    files = render_site(site)
    assert not [name for name in files if "bridge/" in name]
    assert "include_dir" not in files["broker/mosquitto.conf"]
    assert "THE BRIDGE" not in files["README.txt"]
