import json
import subprocess
import sys
import threading
from datetime import datetime, timezone

import jsonschema
import paho.mqtt.client as paho
import pytest
from link_rig import SITE, device_of, until

from edge.config.device import MqttSettings
from edge.control_room.subscriber import Subscriber
from edge.telemetry.contract import json_schemas
from edge.telemetry.messages import Stamp, Status


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
        jsonschema.validate(json.loads(payload), json_schemas()[f"{topic.rpartition('/')[2]}.json"])


def test_status_names_its_boot():
    status = Stamp(SITE, "gate", "b1").make(Status, datetime.now(timezone.utc), state="online", reason="connected")
    assert (status.boot_id, status.event_id, status.seq) == ("b1", "b1-0", 0)
