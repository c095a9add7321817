import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone

import pytest

from edge.config.device import MqttSettings, TlsSettings
from edge.control_room.arrivals import Received, Unreadable
from edge.control_room.subscriber import Subscriber
from edge.errors import BrokerError
from edge.telemetry.commands import Command, Response
from edge.telemetry.messages import Stamp, Status, encode
from edge.telemetry.topics import CommandTopic, Topic

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)


def test_subscriber_yields_models_and_unreadable_messages(broker):
    site, device = f"watch-{secrets.token_hex(4)}", "gate-1"
    stamp = Stamp(site, device, "b")
    status = stamp.make(Status, NOW, state="online", reason="connected")
    broker.publish(
        [
            (f"gammabox/{site}/{device}/status", encode(status)),
            (f"gammabox/{site}/{device}/alarm", b"{}"),
            (f"gammabox/{site}/{device}/other", b"not ours"),
            (f"gammabox/{site}/x/y/z", b"not ours"),
        ],
    )
    arrived = []
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), site) as subscriber:
        while len(arrived) < 2:
            arrived += subscriber.poll(5)
        arrived += subscriber.poll(0.3)
    assert Received(Topic(site, device, "status"), status, retained=True) in arrived
    assert {type(each) for each in arrived} == {Received, Unreadable}
    assert len({str(each.topic) for each in arrived}) == 2


def test_subscriber_reconnects(new_broker):
    restarting = new_broker()
    restarting.start()
    stamp = Stamp("back", "gate", "b")
    with Subscriber(MqttSettings(host="127.0.0.1", port=restarting.port), "back") as subscriber:
        restarting.stop()
        while subscriber.connected:
            subscriber.poll(0.1)
        restarting.start()
        while not subscriber.connected:
            subscriber.poll(0.1)
        message = stamp.make(Status, NOW, state="online", reason="connected")
        restarting.publish([("gammabox/back/gate/status", encode(message))])
        (arrived,) = subscriber.poll(30)
    assert arrived.message == message


@pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)  # iotcore hangs up without a word
def test_subscriber_says_that_the_login_is_refused_on_its_return(new_broker, tmp_path):
    guarded = new_broker(login=("room", "first"))
    guarded.start()
    settings = MqttSettings(host="127.0.0.1", port=guarded.port, username="room", password_file=tmp_path / "word")
    (tmp_path / "word").write_text("first\n")
    with Subscriber(settings, "back") as subscriber:
        assert subscriber.refusal is None
        for password, refuses in (("second", True), ("first", False)):
            guarded.stop()
            while subscriber.connected:
                subscriber.poll(0.1)
            guarded._login = ("room", password)
            guarded.start()
            until = time.monotonic() + 30
            while (subscriber.refusal is None if refuses else not subscriber.connected) and time.monotonic() < until:
                subscriber.poll(0.1)
            assert subscriber.connected is not refuses
            assert ("refuses the login, check user and password" in (subscriber.refusal or "")) is refuses


def test_subscriber_sends_commands_and_hears_answers(broker):
    site = f"watch-{secrets.token_hex(4)}"
    stamp = Stamp(site, "gate-1", "b")
    settings = MqttSettings(host="127.0.0.1", port=broker.port)
    answer = stamp.make(Response, NOW, transaction_id="t", ok=True, error=None)
    topic, given = CommandTopic(site, "gate-1", "cmd", "acknowledge"), Command(transaction_id="t", utc=NOW, by="Ann")
    broker.publish(
        [
            (f"gammabox/{site}/gate-1/rsp/acknowledge", encode(answer)),
            (f"gammabox/{site}/gate-1/rsp/silence", b"no answer"),
            (f"gammabox/{site}/gate-1/hit", b"{}"),
        ]
    )
    heard, answers = [], []
    with Subscriber(settings, site, kinds=["alarm"]) as console, Subscriber(settings, site) as all_kinds:
        all_kinds._client.message_callback_add(str(topic), lambda *message: heard.append(message[-1]))
        console.command(topic, given)
        until = time.monotonic() + 20
        while not (heard and answers) and time.monotonic() < until:
            assert console.poll(0.2) == []  # no hits, as they were not asked for
            answers += console.answers()
            all_kinds.poll(0.2)
    assert answers == [answer]
    assert (Command.model_validate_json(heard[0].payload), heard[0].retain) == (given, False)


def test_subscriber_names_a_broker_that_is_away():
    with pytest.raises(BrokerError, match="cannot be reached"):
        Subscriber(MqttSettings(host="127.0.0.1", port=1))


def test_subscriber_tells_missing_tls_from_a_missing_broker():
    def answer(server):
        connection, _ = server.accept()
        with connection, suppress(ConnectionResetError):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answering = threading.Thread(target=answer, args=(server,))
        answering.start()
        said = f"^broker 127.0.0.1:{port}: no trusted TLS connection .wrong version number.; check the port"
        with pytest.raises(BrokerError, match=said):
            Subscriber(MqttSettings(host="127.0.0.1", port=port, tls=TlsSettings()))
        answering.join()


def test_subscriber_names_a_missing_password_file(tmp_path):
    settings = MqttSettings(host="a", username="me", password_file=tmp_path / "no")
    with pytest.raises(BrokerError, match=r"password_file names a file that is not there"):
        Subscriber(settings)


class OddTopic(threading.Thread):
    """A broker that accepts a subscription and sends a topic that is no UTF-8, then a good one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(bytes([0x20, 2, 0, 0]))
            number = connection.recv(4096)[2:4]
            connection.sendall(bytes([0x90, 3]) + number + bytes([1]))
            for topic in (b"gammabox/\x92docks/gate/status", b"gammabox/docks/gate-1/status"):
                body = len(topic).to_bytes(2, "big") + topic + b"no JSON"
                connection.sendall(bytes([0x30, len(body)]) + body)
            connection.recv(4096)


def test_subscriber_passes_over_a_topic_that_is_no_utf_8():
    broker = OddTopic()
    broker.start()
    settings = MqttSettings(host="127.0.0.1", port=broker.port, protocol="3.1.1")
    with Subscriber(settings) as subscriber:
        arrived = []
        until = time.monotonic() + 20
        while not arrived and time.monotonic() < until:
            arrived = subscriber.poll(0.5)
    assert [str(each.topic) for each in arrived] == ["gammabox/docks/gate-1/status"]
    broker.listener.close()
