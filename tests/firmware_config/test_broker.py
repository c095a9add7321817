"""The broker's folder starts a real Mosquitto with one command; certificates decide who may do what, and until when."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from site_broker import MOSQUITTO, WAIT_S, SiteBroker, is_open, wait_until

from edge.telemetry.link import Link
from edge.telemetry.login import trusting
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox
from firmware_config.broker import broker_files, write_broker
from firmware_config.credentials import create, promote, revoke, rotate
from firmware_config.ledger import load_ledger
from firmware_config.site import Box, Broker, Site

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


class Client:
    """A client that connects again and again, as a box does."""

    def __init__(self, broker: SiteBroker, name: str) -> None:
        role = broker.credentials / (name if name == "control-room" else f"boxes/{name}")
        stem = name if name == "control-room" else "box"
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        context = trusting(broker.credentials / "ca.crt")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(role / f"{stem}.crt", role / f"{stem}.key")
        self.client.tls_set_context(context)
        self.client.reconnect_delay_set(1, 2)
        self.received: list[tuple[str, str]] = []
        self.reasons: dict[int, bool] = {}
        self.client.on_message = lambda _c, _u, message: self.received.append((message.topic, message.payload.decode()))
        self.client.on_publish = lambda _c, _u, mid, code, _p: self.reasons.__setitem__(mid, not code.is_failure)
        self.client.connect_async("127.0.0.1", broker.site.broker.port)
        self.client.loop_start()

    def publish(self, topic: str, payload: str) -> bool:
        mid = self.client.publish(topic, payload, qos=1).mid
        assert wait_until(lambda: mid in self.reasons)
        return self.reasons[mid]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[SiteBroker]:
    running = SiteBroker(tmp_path, free_port())
    yield running
    running.close()


@pytest.fixture
def client(broker: SiteBroker) -> Iterator[Callable[[str], Client]]:
    opened: list[Client] = []

    def make(name: str) -> Client:
        opened.append(Client(broker, name))
        assert wait_until(opened[-1].client.is_connected), name
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_certificate_alone_opens_the_own_topics(client: Callable[[str], Client]) -> None:
    room, box, other = client("control-room"), client("gate-1"), client("gate-2")
    room.client.subscribe("gammabox/docks/#", qos=1)
    other.client.subscribe("#", qos=1)
    for topic in ("gate-2/status", "gate-2/cmd/ping", "control-room/x", "status"):
        assert not box.publish(f"gammabox/docks/{topic}", "forged"), topic
    for topic in ("gammabox/pier/gate-1/status", "homeassistant/x"):
        assert not box.publish(topic, "forged"), topic
    assert box.publish("gammabox/docks/gate-1/status", "own")
    assert room.publish("gammabox/docks/gate-2/cmd/ping", "for gate-2")
    assert not room.publish("gammabox/docks/gate-1/status", "forged")
    assert wait_until(lambda: ("gammabox/docks/gate-1/status", "own") in room.received)
    assert wait_until(lambda: other.received)
    assert other.received == [("gammabox/docks/gate-2/cmd/ping", "for gate-2")]
    assert all(payload != "forged" for _, payload in room.received)


def test_broker_refuses_clear_text_and_no_certificate(broker: SiteBroker) -> None:
    address = ("127.0.0.1", broker.site.broker.port)
    context = ssl.create_default_context(cafile=str(broker.credentials / "ca.crt"))
    with (
        socket.create_connection(address, WAIT_S) as plain,
        pytest.raises(OSError, match=r"certificate required|reset"),
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.recv(1)
    with socket.create_connection(address, WAIT_S) as raw:
        raw.sendall(bytes.fromhex("100d00044d51545404020000000161"))  # MQTT CONNECT in the clear
        try:
            answer = raw.recv(1)
        except ConnectionResetError:
            answer = b""
        assert answer in {b"", b"\x15"}  # closed, or a TLS alert; 0x20 would accept


def test_revoke_refuses_the_box_and_has_others_back(broker: SiteBroker, client: Callable[[str], Client]) -> None:
    gone, stays = client("gate-1"), client("gate-2")
    lost = threading.Event()
    stays.client.on_disconnect = lambda *_: lost.set()
    revoke(broker.credentials, broker.site, "gate-1")
    broker.refresh()
    began_s = time.monotonic()
    assert wait_until(lambda: not gone.client.is_connected(), 10)
    assert lost.wait(10)
    assert wait_until(stays.client.is_connected, 60 - (time.monotonic() - began_s))
    time.sleep(3)  # the revoked box tries again and again
    assert not gone.client.is_connected()
    assert stays.publish("gammabox/docks/gate-2/status", "back")


def test_box_connects_with_its_next_certificate(broker: SiteBroker, tmp_path: Path) -> None:
    box, site, credentials = tmp_path / "box", broker.site, broker.credentials
    shutil.copytree(credentials / "boxes/gate-1", box)
    rotate(credentials, site, ["gate-1"])
    outbox = Outbox(tmp_path / "outbox.sqlite", 100)
    link = Link(broker.settings(box), Stamp("docks", "gate-1", "boot"), outbox)
    link.start()
    try:
        assert wait_until(lambda: link.state.state == "online")
        ledger = load_ledger(credentials)
        assert link.login.certificate_sha256 == ledger.of("gate-1", "current")[0].sha256
        assert promote(credentials, site, {"gate-1": str(link.login.certificate_sha256)}) == []
        for name in ("next.crt", "next.key"):
            shutil.copy(credentials / "boxes/gate-1" / name, box)
        broker.refresh()  # a new list: the broker starts again, and the box logs in with the next one
        awaited = ledger.of("gate-1", "next")[0].sha256
        assert wait_until(lambda: link.state.state == "online" and link.login.certificate_sha256 == awaited)
        assert promote(credentials, site, {"gate-1": awaited}) == ["gate-1"]
        broker.refresh()  # the old one is on the list now
        assert wait_until(lambda: link.sessions >= 3 and link.state.state == "online")
    finally:
        link.stop()
        outbox.close()


def test_box_falls_back_to_its_present_certificate(broker: SiteBroker, tmp_path: Path) -> None:
    box = tmp_path / "box"
    shutil.copytree(broker.credentials / "boxes/gate-1", box)
    rotate(broker.credentials, broker.site, ["gate-1"])
    (foreign,) = {create(tmp_path / "foreign", broker.site)[-1]}
    for name in ("crt", "key"):
        shutil.copy(tmp_path / f"foreign/boxes/{foreign}/box.{name}", box / f"next.{name}")
    outbox = Outbox(tmp_path / "outbox.sqlite", 100)
    link = Link(broker.settings(box), Stamp("docks", "gate-1", "boot"), outbox)
    link.start()
    try:
        assert wait_until(lambda: link.state.state == "online")
        assert "MQTT 5" in link.state.text
        assert link.login.certificate_sha256 == load_ledger(broker.credentials).of("gate-1", "current")[0].sha256
    finally:
        link.stop()
        outbox.close()


def test_run_sh_ends_with_its_broker(broker: SiteBroker) -> None:
    listed = ["pgrep", "-P", str(broker.process.pid), "mosquitto"]
    os.kill(int(subprocess.run(listed, capture_output=True, text=True, check=True).stdout), signal.SIGKILL)
    assert broker.process.wait(10) != 0
    broker.start()


@pytest.mark.parametrize("websockets", [None, 9443])
@pytest.mark.parametrize("tls", [True, False])
def test_configuration_is_taken_without_complaint(
    tmp_path: Path, free_port: Callable[[], int], *, tls: bool, websockets: int | None
) -> None:
    ports = {"port": free_port(), "websockets_port": websockets and free_port()}
    boxes = (Box(device="gate-1", board="pc", camera="/x.avi"),)
    site = Site(site="docks", broker=Broker(host="127.0.0.1", tls=tls, **ports), boxes=boxes)
    create(tmp_path / "credentials", site)
    write_broker(tmp_path / "broker", site, tmp_path / "credentials")
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(["sh", str(tmp_path / "broker/run.sh")], stdout=log, stderr=log)
    try:
        for port in filter(None, ports.values()):
            assert wait_until(lambda port=port: is_open(port))
    finally:
        process.terminate()
        assert process.wait(WAIT_S) == 0
    said = (tmp_path / "log").read_text(encoding="utf-8")
    # This test's own doing: it runs as root, and knocks at the ports.
    said = re.sub(".*(should not be run as root|Client <unknown>|unexpected eof).*", "", said)
    assert not re.search("warning|error|deprecated|unknown", said, re.IGNORECASE), said


def test_compose_file_opens_the_ports() -> None:
    boxes = (Box(device="gate-1", board="pc", camera="/x.avi"),)
    broker = Broker(host="broker.lan", websockets_port=9443)
    text = broker_files(Site(site="docks", broker=broker, boxes=boxes))["compose.yaml"]
    yaml = pytest.importorskip("yaml")
    service = yaml.safe_load(text)["services"]["broker"]
    assert service["ports"] == ["8883:8883", "9443:9443"]
    assert service["ulimits"]["nofile"] >= 65536
    assert service["entrypoint"][-1] == "/gammabox/run.sh"
