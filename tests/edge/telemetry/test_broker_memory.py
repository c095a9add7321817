"""A box asks its broker what it remembers, and sends what it has forgotten once more."""

import signal
import time
from datetime import datetime, timezone

import paho.mqtt.client as paho
import pytest
from link_rig import SITE, until

from edge.control_room.subscriber import Subscriber
from edge.telemetry import broker_memory
from edge.telemetry.broker_memory import BrokerMemory
from edge.telemetry.messages import AlarmMessage, Stamp, encode
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

mosquitto_only = pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)


def alarm(box):
    message = box.stamp.make(AlarmMessage, datetime.now(timezone.utc), state="cleared", alarm=None)
    topic = str(Topic(SITE, box.device, "alarm"))
    box.outbox.put(Outgoing(topic, encode(message), retain=True, keep="always", boot_id="boot"))
    return message.event_id


def reconnect(box, broker):
    """Kill the broker, start it again, and wait until the box has no more to say."""
    sessions = box.link.sessions
    broker.stop()
    broker.start()
    until(lambda: box.link.sessions > sessions)
    until(lambda: box.link._recalled)
    assert box.link.flush(30, 30)


@pytest.fixture
def lasting(new_broker, tmp_path):
    """Return a broker that writes its file at SIGUSR1."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    broker = new_broker(mosquitto_lines=("persistence true", f"persistence_location {data}/", "autosave_interval 1800"))
    broker.save = lambda: (broker._running.send_signal(signal.SIGUSR1), time.sleep(0.5))
    broker.start()
    return broker


@pytest.fixture
def away(lasting):
    """Return a subscriber's session at the broker: called, it is there for a moment and yields all that has waited."""

    def come():
        found = []
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, "away", protocol=paho.MQTTv311, clean_session=False)
        client.on_message = lambda _client, _data, message: message.retain or found.append(message)
        client.connect("127.0.0.1", lasting.port)
        client.subscribe([(f"gammabox/{SITE}/+/{kind}", 1) for kind in ("alarm", "hit")])
        until_s = time.monotonic() + 1.0
        while time.monotonic() < until_s:
            client.loop(0.05)
        client.disconnect()
        client.loop(0.05)
        return found

    return come


@mosquitto_only
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_link_repeats_what_a_broker_forgot_that_died(rig, lasting, away, protocol):
    box = rig(lasting.port, protocol=protocol)
    box.link.start()
    away()
    ids = [alarm(box)]
    assert box.link.flush(30, 30)
    lasting.save()
    box.hit(1)
    ids.append(alarm(box))
    assert box.link.flush(30, 30)
    reconnect(box, lasting)  # and forgets the hit and the second alarm
    payloads = [message.payload for message in away()]
    assert len(payloads) == 3
    assert [ids[0].encode() in payloads[0], ids[1].encode() in payloads[1]] == [True, True]
    assert [b'"historical":true' in payload for payload in payloads] == [False, True, True]


@mosquitto_only
def test_link_repeats_nothing_after_a_network_was_away(rig, lasting, away):
    box = rig(lasting.port)
    box.link.start()
    away()
    box.hit(1)
    assert box.link.flush(30, 30)
    alarm(box)  # retained: the last of its kind tells what the broker has
    assert box.link.flush(30, 30)
    lasting.save()
    reconnect(box, lasting)  # as a network does: nothing is forgotten
    assert len(away()) == 2


@mosquitto_only
def test_link_sends_without_the_right_to_read_its_own_messages(rig, new_broker, tmp_path, monkeypatch):
    monkeypatch.setattr(broker_memory, "PATIENCE_S", 0.5)
    rights = tmp_path / "rights"
    rights.write_text("topic write gammabox/#\n")
    rights.chmod(0o644)
    strict = new_broker(mosquitto_lines=(f"acl_file {rights}",))
    strict.start()
    box = rig(strict.port)
    alarm(box)
    box.link.start()
    assert box.link.flush(30, 30)
    reconnect(box, strict)
    with box.outbox._lock:
        assert box.outbox._file._database.execute("SELECT repeated FROM sent").fetchall() == [(1,)]


def test_link_stops_to_listen_to_itself(rig, broker):
    box = rig(broker.port)
    heard, listen = [], box.link._memory._on_message
    box.link._memory._on_message = lambda client, data, message: (
        heard.append(message.topic),
        listen(client, data, message),
    )
    with Subscriber(box.settings, SITE) as subscriber:
        box.link.start()
        until(lambda: box.link._memory.messages is not None)
        alarm(box)
        assert box.link.flush(30, 30)
        box.collect(subscriber, 2)
    assert [topic.rpartition("/")[2] for topic in heard] == ["status"]


class HangsUpAtTheQuestion:
    """A client whose connection ends at each question."""

    def __init__(self):
        self.asked = 0

    def message_callback_add(self, *_arguments):
        pass

    def subscribe(self, _filters):
        self.asked += 1


def test_memory_leaves_a_broker_alone_that_hangs_up_at_the_question():
    memory = BrokerMemory(Stamp(SITE, "gate", "boot"))
    client = HangsUpAtTheQuestion()
    asked = []
    for _ in range(6):
        before = client.asked
        memory.forget()
        memory.ask(client, b'{"event_id":"b-1"}')
        asked.append(client.asked > before)
        memory.hung_up()
    assert asked == [True, True, False, True, False, True]
