import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import jsonschema
import paho.mqtt.client as paho
import pytest

from edge.config.device import MqttSettings, TlsSettings
from edge.control_room.subscriber import Subscriber
from edge.errors import BrokerError
from edge.telemetry.link import Link
from edge.telemetry.messages import HitMessage, Stamp, Status, encode, schemas
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

SITE = "link"
OPENSSL = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
    "-addext subjectAltName=IP:127.0.0.1"
)


def until(condition, patience_s=30.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def device_of(name):
    return f"{re.sub('[^a-z0-9]+', '-', name.lower())[-40:].strip('-')}-{secrets.token_hex(3)}"


class Rig:
    """An outbox, a link and a subscriber on topics named after the test."""

    def __init__(self, name, folder, port, **settings):
        self.device = device_of(name)
        self.settings = MqttSettings(host="127.0.0.1", port=port, keepalive_s=5, **settings)
        self.stamp = Stamp(SITE, self.device, "boot")
        self.age_s = 0.0
        self.outbox = Outbox(folder / "outbox.sqlite", 1000, clock=lambda: time.monotonic() - self.age_s)
        self.link = Link(self.settings, self.stamp, self.outbox, max_in_flight=5)

    def hit(self, frame):
        message = self.stamp.make(
            HitMessage, datetime.now(timezone.utc), frame=frame, live_fraction=1.0, exposure_s=None, hits=()
        )
        topic = str(Topic(SITE, self.device, "hit"))
        self.outbox.put(Outgoing(topic, encode(message), retain=False, keep="until_full", boot_id="boot"))

    def collect(self, subscriber, count, patience_s=30.0):
        got = []
        until(lambda: got.extend(self.mine(subscriber.poll(0.05))) or len(got) >= count, patience_s)
        return got

    def mine(self, arrived):
        return [each for each in arrived if each.topic.device == self.device]


@pytest.fixture
def rig(request, tmp_path):
    made = []

    def make(port, **settings):
        made.append(Rig(request.node.name, tmp_path, port, **settings))
        return made[-1]

    yield make
    for box in made:
        box.link.stop()
        box.outbox.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1", "auto"])
def test_link_delivers_birth_messages_and_goodbye(rig, broker, protocol):
    port = broker.port_v3 if protocol == "3.1.1" else broker.port
    box = rig(port, protocol=protocol)
    with Subscriber(box.settings, SITE) as subscriber:
        box.link.start()
        for frame in range(30):
            box.hit(frame)
        got = box.collect(subscriber, 31)
        assert box.link.flush(30, 30)
        box.link.stop()
        got += box.collect(subscriber, 1)
    statuses = [each.message for each in got if each.topic.kind == "status"]
    assert [(each.state, each.reason) for each in statuses] == [("online", "connected"), ("offline", "stopped")]
    assert [each.message.frame for each in got if each.topic.kind == "hit"] == list(range(30))
    assert box.outbox.depth == 0


def test_link_falls_back_to_3_1_1_where_5_is_refused(rig, broker):
    box = rig(broker.port_v3)
    box.link.start()
    until(lambda: box.link.state.state == "online")
    assert box.link.state.text.endswith("3.1.1" if broker.kind == "iotcore" else "with MQTT 5")


def test_link_delivers_historical_messages_in_order(rig, new_broker, monkeypatch):
    away = new_broker()
    box = rig(away.port)
    subscribed, new_client = threading.Event(), box.link._client
    subscribed.set()
    monkeypatch.setattr(box.link, "_client", lambda: new_client() if subscribed.wait() else None)
    box.link.start()
    until(lambda: box.link.state.state == "away")
    subscribed.clear()  # the next attempt waits for the subscriber, who would miss what is sent before
    box.age_s = 60
    for frame in range(40):
        box.hit(frame)
    box.age_s = 0
    box.hit(40)
    assert box.outbox.depth == 41
    away.start()
    with Subscriber(box.settings, SITE) as subscriber:
        subscribed.set()
        until(lambda: box.link.state.state == "online")
        got = [each for each in box.collect(subscriber, 41) if each.topic.kind == "hit"]
        while len({each.message.frame for each in got}) < 41:
            got += [each for each in box.collect(subscriber, 1) if each.topic.kind == "hit"]
    first_times = list(dict.fromkeys(each.message.frame for each in got))
    assert first_times == list(range(41))
    assert all(each.message.historical == (each.message.frame < 40) for each in got)


def test_link_greets_a_broker_that_comes_back(rig, new_broker):
    restarting = new_broker()
    restarting.start()
    box = rig(restarting.port)
    box.link.start()
    until(lambda: box.link.state.state == "online")
    restarting.stop()
    until(lambda: box.link.state.state == "away")
    box.hit(1)
    restarting.start()
    until(lambda: box.link.sessions == 2)
    assert box.link.flush(30, 30)
    with Subscriber(box.settings, SITE) as subscriber:
        (status,) = box.collect(subscriber, 1)
    assert status.message.state == "online"
    assert status.retained


def test_link_reports_a_refused_login_and_keeps_messages(rig, new_broker, tmp_path):
    guarded = new_broker(login=("box", "right"))
    guarded.start()
    (tmp_path / "wrong").write_text("wrong\n")
    box = rig(guarded.port, username="box", password_file=tmp_path / "wrong", protocol="5")
    box.hit(1)
    box.link.start()
    until(lambda: box.link.state.state == "refused")
    assert "username" in box.link.state.text
    assert not box.link.flush(5, 5)
    assert box.outbox.depth == 1
    assert "127.0.0.1" in box.link.faults["broker"]
    assert "wrong" not in box.link.faults["broker"]
    with pytest.raises(BrokerError, match="refuses the login"):
        Subscriber(box.settings, SITE)


def test_link_connects_with_the_right_login(rig, new_broker, tmp_path):
    guarded = new_broker(login=("box", "right"))
    guarded.start()
    (tmp_path / "password").write_text("right\n")
    box = rig(guarded.port, username="box", password_file=tmp_path / "password", protocol="5")
    box.link.start()
    until(lambda: box.link.state.state == "online")


def test_link_last_will_reports_a_box_that_dies(broker, request, tmp_path):
    device = device_of(request.node.name)
    program = f"""
import pathlib, sys, time
from edge.config.device import MqttSettings
from edge.telemetry.link import Link
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox
outbox = Outbox(pathlib.Path(sys.argv[1]), 100)
link = Link(MqttSettings(host="127.0.0.1", port={broker.port}), Stamp("{SITE}", "{device}", "b"), outbox)
link.start()
while link.state.state != "online":
    time.sleep(0.02)
print("online", flush=True)
time.sleep(60)
"""
    words = [sys.executable, "-c", program, str(tmp_path / "outbox.sqlite")]
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), SITE) as subscriber:
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as box:
            assert box.stdout.readline() == "online\n"
            box.kill()
        states = []

        def lost():
            states.extend(
                (each.message.state, each.message.reason)
                for each in subscriber.poll(0.1)
                if each.topic.device == device
            )
            return ("offline", "lost") in states

        until(lost)
    assert states == [("online", "connected"), ("offline", "lost")]


def test_link_recovers_from_a_bug_in_a_callback(rig, broker, monkeypatch, caplog):
    box = rig(broker.port)
    calls = []

    def broken(*_arguments):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        original(*_arguments)

    original = box.link._on_publish
    monkeypatch.setattr(box.link, "_on_publish", broken)
    box.hit(1)
    box.link.start()
    until(lambda: box.outbox.depth == 0)
    assert "a bug" in caplog.text


def test_messages_on_the_wire_fit_their_json_schema(rig, broker):
    box = rig(broker.port)
    raw = []
    reader = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    reader.on_message = lambda _client, _data, message: raw.append((message.topic, message.payload))
    reader.on_connect = lambda client, *_others: client.subscribe(f"gammabox/{SITE}/{box.device}/#", 1)
    subscribed = threading.Event()
    reader.on_subscribe = lambda *_: subscribed.set()
    reader.connect("127.0.0.1", broker.port)
    reader.loop_start()
    assert subscribed.wait(30)  # a hit is not retained: who subscribes later misses it
    box.link.start()
    box.hit(7)
    until(lambda: len({topic for topic, _payload in raw}) == 2)
    reader.disconnect()
    reader.loop_stop()
    for topic, payload in raw:
        jsonschema.validate(json.loads(payload), schemas()[topic.rpartition("/")[2]])


# paho leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_link_names_a_broker_that_cannot_be_trusted(rig, new_broker):
    plain = new_broker()
    plain.start()
    box = rig(plain.port, tls=TlsSettings())
    box.link.start()
    until(lambda: box.link.state.state in {"refused", "away"})
    assert str(plain.port) in box.link.state.text


mosquitto_only = pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)


@mosquitto_only
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
def test_link_tls_connects_only_those_it_trusts(rig, new_broker, tmp_path):
    for name in ("broker", "stranger"):
        subprocess.run(
            ["openssl", *OPENSSL.split(), "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"],
            check=True,
            capture_output=True,
        )
    tls = new_broker(mosquitto_lines=(f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key"))
    tls.start()
    wrong = rig(tls.port, tls=TlsSettings(ca_file=tmp_path / "stranger.pem"))
    wrong.link.start()
    until(lambda: wrong.link.state.state == "refused")
    assert "check tls" in wrong.link.state.text
    wrong.link.stop()
    right = rig(tls.port, tls=TlsSettings(ca_file=tmp_path / "broker.pem"))
    right.link.start()
    until(lambda: right.link.state.state == "online")


@mosquitto_only
def test_link_keeps_a_refused_message_and_sends_others(rig, new_broker, tmp_path):
    rights = tmp_path / "rights"
    strict = new_broker(mosquitto_lines=(f"acl_file {rights}",))
    box = rig(strict.port, protocol="5")
    rights.write_text(f"topic readwrite gammabox/{SITE}/{box.device}/status\ntopic read gammabox/#\n")
    rights.chmod(0o644)
    strict.start()
    for frame in range(12):
        box.hit(frame)
    box.link.start()
    until(lambda: box.link.refused == 12)
    assert "refuses messages: check the access rights" in box.link.faults["rights at the broker"]
    assert box.outbox.depth == 12
    strict.stop()
    rights.write_text("topic readwrite gammabox/#\n")
    strict.start()
    assert box.link.flush(30, 30)


@pytest.mark.parametrize("content", [None, "", b"\xff"])
def test_link_names_an_unusable_password_file_at_once(tmp_path, content):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = MqttSettings(host="127.0.0.1", username="box", password_file=path)
    with pytest.raises(
        BrokerError,
        match="password_file names a file that is not there" if content is None else f"password file {path}",
    ):
        Link(settings, Stamp(SITE, "x", "b"), Outbox(tmp_path / "o.sqlite", 100))


def test_link_names_an_unusable_certificate(tmp_path):
    settings = MqttSettings(host="127.0.0.1", tls=TlsSettings(ca_file=tmp_path / "no.pem"))
    with pytest.raises(BrokerError, match=r"no\.pem"):
        Link(settings, Stamp(SITE, "x", "b"), Outbox(tmp_path / "o.sqlite", 100))


def test_status_names_its_boot():
    status = Stamp(SITE, "gate", "b1").make(Status, datetime.now(timezone.utc), state="online", reason="connected")
    assert (status.boot_id, status.event_id, status.seq) == ("b1", "b1-0", 0)


@pytest.fixture
def small_packets(request, new_broker):
    if request.node.callspec.params["new_broker"] != "mosquitto":
        pytest.skip("its packets are limited by a line of Mosquitto's settings")
    broker = new_broker(mosquitto_lines=("max_packet_size 900",))
    broker.start()
    return broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_link_sets_a_message_aside_that_is_too_large(rig, small_packets, protocol):
    box = rig(small_packets.port, protocol=protocol)
    box.hit(1)
    large = Outgoing(str(Topic(SITE, box.device, "info")), b"x" * 2000, retain=True, keep="latest", boot_id="boot")
    box.outbox.put(large)
    for frame in range(2, 12):
        box.hit(frame)
    box.link.start()
    until(lambda: box.outbox.aside == 1 and box.outbox.depth == 0, 60)
    assert any("set aside" in fault for fault in box.outbox.faults.values())
    assert box.link.sessions <= 5


class HangsUp(threading.Thread):
    """A broker that accepts every login and hangs up at the first message."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(1024)
                connection.sendall(bytes([0x20, 3, 0, 0, 0]))  # CONNACK of MQTT 5
                connection.recv(1024)


def test_link_backs_off_from_a_broker_that_hangs_up(rig):
    broker = HangsUp()
    broker.start()
    box = rig(broker.port, protocol="5")
    box.hit(1)
    box.link.start()
    time.sleep(6)
    box.link.stop()
    broker.listener.close()
    assert 2 <= broker.connections <= 5
    assert box.outbox.depth == 1


def test_link_names_another_client_of_its_id(rig, new_broker):
    broker = new_broker()
    broker.start()
    box = rig(broker.port, protocol="5")
    box.link.start()
    until(lambda: box.link.state.state == "online")
    name = f"gammabox-{SITE}-{box.device}"
    twin = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
    seen = []

    def taken_over():
        seen.append(box.link.state.text)
        if box.link.state.state == "online":
            twin.connect("127.0.0.1", broker.port)
            for _ in range(10):
                twin.loop(0.02)
        return any(f"another client connects as {name}" in text for text in seen)

    until(taken_over, 60)
    twin.disconnect()
