"""Connections that fail are closed, and not left to the garbage collector, which warns of them."""

import gc
import socket
import threading
import warnings

import pytest

from edge.config.device import DeviceSettings, MqttSettings, TlsSettings
from edge.control_room import conversation, subscriber
from edge.doctor import broker as doctor
from edge.errors import BrokerError
from edge.telemetry.login import V5, Login


@pytest.fixture
def server():
    """Return a server that takes connections and is told what to do with each."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        yield listening


def settings_of(server, **more) -> MqttSettings:
    return MqttSettings(host="127.0.0.1", port=server.getsockname()[1], **more)


def hang_up(server) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(100)


def test_failed_handshake_closes_its_socket(server):
    client = Login(settings_of(server, tls=TlsSettings())).client("box", V5)
    thread = threading.Thread(target=hang_up, args=(server,))
    thread.start()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(OSError, match=r"reset|EOF"):
            client.connect("127.0.0.1", server.getsockname()[1])
        gc.collect()
    thread.join()
    assert [str(each.message) for each in warned] == []


def conversation_of(settings) -> None:
    with pytest.raises(BrokerError, match="refuses the login"):
        conversation.Conversation(settings)


def subscriber_of(settings) -> None:
    with pytest.raises(BrokerError, match="refuses the login"):
        subscriber.Subscriber(settings)


def doctor_of(settings) -> None:
    device = DeviceSettings.model_validate({"site": "s", "device": "d", "source": {"spec": "x.avi"}, "mqtt": settings})
    assert [finding.check for finding in doctor.login(device)] == ["login"]


@pytest.mark.parametrize(
    ("module", "connects"), [(conversation, conversation_of), (subscriber, subscriber_of), (doctor, doctor_of)]
)
def test_broker_without_an_answer_is_said_goodbye(server, monkeypatch, module, connects):
    monkeypatch.setattr(module, "ANSWER_S", 0.3)
    heard = []

    def listen() -> None:
        connection, _ = server.accept()
        with connection:
            heard.extend(iter(lambda: connection.recv(1000), b""))

    thread = threading.Thread(target=listen)
    thread.start()
    # With the garbage collector off, only a client that was closed has hung up.
    gc.disable()
    try:
        connects(settings_of(server, protocol="5"))
        thread.join(60)
    finally:
        gc.enable()
    assert not thread.is_alive()
    goodbye = b"\xe0\x00"
    assert b"".join(heard).endswith(goodbye)
