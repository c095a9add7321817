"""What a broker refuses is asked for again on the same connection: a corrected right is used without a restart."""

import paho.mqtt.client as paho
import pytest
import rights
from link_rig import SITE, device_of, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge.config.device import MqttSettings
from edge.telemetry import subscription as subscription_module
from edge.telemetry.inbox import Inbox
from edge.telemetry.link import Link
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox
from edge.telemetry.subscription import Subscription

GRANTED, REFUSED = (ReasonCode(PacketTypes.SUBACK, identifier=code) for code in (1, 0x87))


class Client:
    """Notes what is subscribed to; requests are numbered from 1."""

    def __init__(self):
        self.requests = []

    def subscribe(self, filters):
        self.requests.append(filters)
        return paho.MQTT_ERR_SUCCESS, len(self.requests)


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(subscription_module.time, "monotonic", lambda: now[0])
    return now


def test_only_what_is_refused_is_asked_for_again_and_not_too_often(clock):
    client, subscription = Client(), Subscription([("a", 1), ("b", 0)])
    subscription.begin(client)
    assert subscription.answered(1, [GRANTED, REFUSED])
    for age_s, requests in ((0, 1), (29.9, 1), (30, 2), (60, 2)):
        clock[0] = 100.0 + age_s
        subscription.tend(client)
        assert len(client.requests) == requests
    assert client.requests[1] == [("b", 0)]
    assert subscription.refused == {"b": "Not authorized"}  # until the broker has answered
    assert subscription.answered(2, [GRANTED])
    assert subscription.refused == {}
    clock[0] += 1000
    subscription.tend(client)
    assert len(client.requests) == 2


def test_an_answer_to_an_earlier_request_counts_for_nothing():
    client, subscription = Client(), Subscription([("a", 1)])
    subscription.begin(client)
    subscription.answered(1, [REFUSED])
    subscription.begin(client)
    assert subscription.refused == {}
    assert not subscription.answered(1, [REFUSED])
    assert subscription.refused == {}


def test_no_filters_ask_for_nothing():
    client, subscription = Client(), Subscription([])
    subscription.begin(client)
    subscription.tend(client)
    assert client.requests == []


@rights.needed
def test_box_hears_commands_once_they_are_granted(new_broker, tmp_path, monkeypatch):
    monkeypatch.setattr(subscription_module, "ASK_AGAIN_S", 0.2)
    strict = rights.strict(new_broker, tmp_path)
    device = device_of("granted")
    settings = MqttSettings(host="127.0.0.1", port=strict.port, keepalive_s=5)
    inbox, outbox = Inbox((f"gammabox/{SITE}/{device}/cmd/#",)), Outbox(tmp_path / "outbox.sqlite", 10)
    link = Link(settings, Stamp(SITE, device, "boot"), outbox, inbox=inbox)
    link.start()
    try:
        until(lambda: "check its access rights" in inbox.faults.get("rights to commands", ""))
        rights.allow_to_subscribe(strict.port, allowed=True)
        until(lambda: not inbox.faults)
        assert link.sessions == 1  # on the connection that it had
        strict.publish([(f"gammabox/{SITE}/{device}/cmd/silence", b"{}")])
        until(lambda: inbox.take()[0])
    finally:
        link.stop()
        outbox.close()
