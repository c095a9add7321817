"""What a broker, a network or a setting may refuse: each is named, and no message is lost."""

import shutil
import socket
import subprocess
import threading
import time

import paho.mqtt.client as paho
import pytest
from link_rig import SITE, until

from edge.config.device import MqttSettings, TlsSettings
from edge.control_room.subscriber import Subscriber
from edge.errors import BrokerError
from edge.telemetry.link import Link
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

OPENSSL = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
    "-addext subjectAltName=IP:127.0.0.1"
)


mosquitto_only = pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_link_names_a_broker_that_cannot_be_trusted(rig, new_broker):
    plain = new_broker()
    plain.start()
    box = rig(plain.port, tls=TlsSettings())
    box.link.start()
    until(lambda: box.link.state.state in {"refused", "away"})
    assert str(plain.port) in box.link.state.text


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


@pytest.fixture
def small_packets(new_broker):
    broker = new_broker(mosquitto_lines=("max_packet_size 900",))
    broker.start()
    return broker


@mosquitto_only
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


@pytest.mark.parametrize(("farewell", "aside"), [("Session taken over", 0), ("connection closed", 1)])
def test_link_sets_no_message_aside_that_was_on_its_way_as_another_client_took_over(rig, farewell, aside):
    box = rig(1)
    box.hit(1)
    (waiting,) = box.outbox.next(1)
    box.link._greeted, box.link._sent, box.link._farewell = True, {1: waiting.id}, farewell
    for _ in range(3):
        told = box.link._cause_of_loss()
    box.link.start()
    assert ("another client connects as" in told) == (aside == 0)
    assert box.outbox.aside == aside
