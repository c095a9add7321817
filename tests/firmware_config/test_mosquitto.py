"""A real Mosquitto with the rendered configuration allows everyone what the site allows, and nothing else."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from firmware_config.broker import broker_files
from firmware_config.site import ADMINISTRATOR_USER, CONTROL_ROOM_USER, Broker, Site

# Debian installs the broker where only root's PATH looks.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PASSWD = shutil.which("mosquitto_passwd")
pytestmark = pytest.mark.skipif(MOSQUITTO is None or PASSWD is None, reason="mosquitto is not installed")

BOXES = ("gate-north", "gate-south")
WAIT_S = 30.0


@dataclass(frozen=True)
class Running:
    """A broker that runs with the rendered configuration, its files in `folder` instead of /etc and /var."""

    folder: Path
    port: int
    process: "subprocess.Popen[str]"


def prepare(site: Site, folder: Path) -> Path:
    """Do by hand what the rendered README tells the administrator, in a folder of our own."""
    folder.mkdir(exist_ok=True)
    for name, content in broker_files(site).items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "acl").chmod(0o600)
    for number, user in enumerate((CONTROL_ROOM_USER, *BOXES)):
        create = ["-c"] if number == 0 else []
        command = [str(PASSWD), "-b", *create, str(folder / "passwords"), user, f"{user}-password"]
        subprocess.run(command, check=True, capture_output=True)
    (folder / "data").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        with (folder / "mosquitto.conf").open("a", encoding="utf-8") as conf:
            conf.write("user root\n")
    return folder / "mosquitto.conf"


@contextmanager
def running(site: Site, folder: Path, port: int) -> Iterator[Running]:
    site = site.model_copy(update={"broker": site.broker.model_copy(update={"port": port})})
    conf = prepare(site, folder)
    with (folder / "log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], cwd=folder, stdout=log, stderr=log, text=True)
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", site.broker.port), timeout=1).close()
                break
            except OSError:
                said = (folder / "log").read_text(encoding="utf-8")
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.02)
        yield Running(folder, site.broker.port, process)
    finally:
        process.terminate()
        process.wait(WAIT_S)


@pytest.fixture(scope="module")
def plain_site() -> Site:
    boxes = [{"device": device, "board": "rpi4", "camera": "csi"} for device in BOXES]
    broker = Broker(host="127.0.0.1", port=1883, tls=False)
    return Site.model_validate({"site": "campus", "broker": broker, "boxes": boxes})


@pytest.fixture(scope="module")
def broker(
    plain_site: Site, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Running]:
    with running(plain_site, tmp_path_factory.mktemp("broker"), free_port()) as started:
        yield started


class Client:
    """A paho client of MQTT 5, where the broker says why it refuses."""

    def __init__(self, broker: Running, user: str | None, password: str | None = None) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.received: list[tuple[str, str]] = []
        self._answers: dict[str, ReasonCode] = {}
        self._news = threading.Condition()
        if user is not None:
            self.client.username_pw_set(user, password or f"{user}-password")
        self.client.on_connect = lambda _c, _u, _f, code, _p: self._answer("connect", code)
        self.client.on_publish = lambda _c, _u, mid, code, _p: self._answer(f"publish {mid}", code)
        self.client.on_subscribe = lambda _c, _u, mid, codes, _p: self._answer(f"subscribe {mid}", codes[0])
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.connected = self._wait("connect")

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> ReasonCode:
        return self._wait(f"publish {self.client.publish(topic, payload, qos=1, retain=retain).mid}")

    def subscribe(self, topic: str) -> ReasonCode:
        _, mid = self.client.subscribe(topic, qos=1)
        return self._wait(f"subscribe {mid}")

    def wait_for(self, payload: str) -> list[tuple[str, str]]:
        """Wait until a message arrives, and return it with all that arrived before."""
        with self._news:
            assert self._news.wait_for(lambda: any(said == payload for _, said in self.received), WAIT_S), self.received
            return list(self.received)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self.received.append((message.topic, message.payload.decode()))
            self._news.notify_all()

    def _answer(self, to: str, code: ReasonCode) -> None:
        with self._news:
            self._answers[to] = code
            self._news.notify_all()

    def _wait(self, to: str) -> ReasonCode:
        with self._news:
            assert self._news.wait_for(lambda: to in self._answers, WAIT_S), f"no answer to {to}"
            return self._answers[to]


@contextmanager
def client(broker: Running, user: str | None, password: str | None = None) -> Iterator[Client]:
    opened = Client(broker, user, password)
    try:
        yield opened
    finally:
        opened.close()


def test_mosquitto_logs_no_complaint(broker: Running) -> None:
    log = (broker.folder / "log").read_text(encoding="utf-8")
    # This test's own doing: it runs as root, and knocks at the port until it answers.
    log = re.sub(".*(should not be run as root|Client <unknown>).*", "", log)
    assert not re.search("warning|error|deprecated|unknown", log, re.IGNORECASE), log


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), ("gate-north", "wrong"), ("gate-west", None), (CONTROL_ROOM_USER, "wrong"), ("", "x")],
)
def test_broker_refuses_strangers(broker: Running, user: str | None, password: str | None) -> None:
    with client(broker, user, password) as stranger:
        assert stranger.connected.is_failure
        assert "Not authorized" in str(stranger.connected) or "Bad user" in str(stranger.connected)


@pytest.mark.parametrize("below", ["status", "info", "health", "alarm", "hit", "evidence/1", "rsp/ping"])
def test_box_writes_its_topics_for_the_control_room(broker: Running, below: str) -> None:
    with client(broker, CONTROL_ROOM_USER) as room, client(broker, "gate-north") as box:
        assert not room.subscribe("gammabox/campus/#").is_failure
        assert not box.publish(f"gammabox/campus/gate-north/{below}", f"own {below}").is_failure
        assert (f"gammabox/campus/gate-north/{below}", f"own {below}") in room.wait_for(f"own {below}")


@pytest.mark.parametrize(
    "topic",
    [
        "gammabox/campus/gate-south/status",
        "gammabox/campus/gate-south/cmd/restart",
        "gammabox/campus/gate-south",
        "gammabox/campus/gate-north-2/status",
        "gammabox/campus/status",
        "gammabox/other/gate-north/status",
        "homeassistant/device/x/config",
        "$SYS/broker/uptime",
        "anything",
    ],
)
def test_box_cannot_write_elsewhere(broker: Running, topic: str) -> None:
    with client(broker, CONTROL_ROOM_USER) as room, client(broker, "gate-north") as box:
        room.subscribe("gammabox/campus/#")
        assert box.publish(topic, "forged", retain=True).is_failure
        box.publish("gammabox/campus/gate-north/hit", f"after {topic}")
        assert all(payload != "forged" for _, payload in room.wait_for(f"after {topic}"))


def test_box_reads_its_own_commands_only(broker: Running) -> None:
    with (
        client(broker, CONTROL_ROOM_USER) as room,
        client(broker, "gate-north") as box,
        client(broker, "gate-south") as other,
    ):
        # Mosquitto grants subscriptions and filters what it delivers: only what arrives counts.
        for topic in ("#", "gammabox/#", "gammabox/campus/+/cmd/#", "gammabox/campus/gate-south/#", "$SYS/#"):
            box.subscribe(topic)
        box.subscribe("gammabox/campus/gate-north/cmd/#")
        other.publish("gammabox/campus/gate-south/hit", "not for you")
        other.publish("gammabox/campus/gate-south/status", "nor this", retain=True)
        room.publish("gammabox/campus/gate-south/cmd/ping", "for the other")
        room.publish("gammabox/campus/gate-north/cmd/ping", "for you")
        got = set(box.wait_for("for you"))
        assert got == {("gammabox/campus/gate-north/cmd/ping", "for you")}


@pytest.mark.parametrize("topic", ["status", "alarm", "hit", "rsp/ping"])
def test_control_room_cannot_write_for_a_box(broker: Running, topic: str) -> None:
    with client(broker, CONTROL_ROOM_USER) as room:
        assert room.publish(f"gammabox/campus/gate-north/{topic}", "forged").is_failure


def test_last_will_is_passed_on_and_a_forged_one_is_not(broker: Running) -> None:
    with client(broker, CONTROL_ROOM_USER) as room:
        room.subscribe("gammabox/campus/#")
        for victim, will in (("gate-south", "forged will"), ("gate-north", "true will")):
            box = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
            box.username_pw_set("gate-north", "gate-north-password")
            box.will_set(f"gammabox/campus/{victim}/status", will, qos=1)
            up = threading.Event()
            box.on_connect = lambda *_, up=up: up.set()
            box.connect("127.0.0.1", broker.port)
            box.loop_start()
            assert up.wait(WAIT_S)
            sock = box.socket()
            assert isinstance(sock, socket.socket)
            sock.shutdown(socket.SHUT_RDWR)  # cut off, as by a pulled plug
            box.loop_stop()
        assert ("gammabox/campus/gate-south/status", "forged will") not in room.wait_for("true will")


def test_retained_states_survive_a_restart(plain_site: Site, tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with running(plain_site, tmp_path, port) as first, client(first, "gate-north") as box:
        assert not box.publish("gammabox/campus/gate-north/alarm", "standing", retain=True).is_failure
    (tmp_path / "passwords").unlink()
    with running(plain_site, tmp_path, port) as second, client(second, CONTROL_ROOM_USER) as room:
        room.subscribe("gammabox/campus/+/alarm")
        assert room.wait_for("standing") == [("gammabox/campus/gate-north/alarm", "standing")]


def test_rights_for_home_assistant_and_administrator(
    plain_site: Site, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    settings = {"telemetry": {"home_assistant": "homeassistant"}}
    boxes = tuple(box.model_copy(update={"settings": settings}) for box in plain_site.boxes)
    site = plain_site.model_copy(update={"boxes": boxes})
    own = "homeassistant/device/gammabox_campus_gate-north/config"
    with running(site, tmp_path, free_port()) as started:
        subprocess.run([str(PASSWD), "-b", "passwords", ADMINISTRATOR_USER, "x"], cwd=tmp_path, check=True)
        started.process.send_signal(signal.SIGHUP)
        with client(started, "gate-north") as box, client(started, CONTROL_ROOM_USER) as room:
            assert not box.publish(own, "announced", retain=True).is_failure
            assert box.publish(own.replace("north", "south"), "forged", retain=True).is_failure
            box.subscribe("homeassistant/status")
            assert not room.publish("homeassistant/status", "online").is_failure
            box.wait_for("online")
            assert room.publish("gammabox/campus/gate-north/alarm", "", retain=True).is_failure
        with client(started, ADMINISTRATOR_USER, "x") as administrator:
            for topic in ("gammabox/campus/gate-north/alarm", own):
                assert not administrator.publish(topic, "", retain=True).is_failure
