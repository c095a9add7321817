"""An agent that is given commands over real brokers."""

import pytest
from agent_box import FPS, SITE, Box, hits_from, messages, write_film
from commands import CommandRoom

from edge.config.device import MqttSettings
from edge.control_room.subscriber import Subscriber
from edge.telemetry.inbox import MAX_BYTES


@pytest.fixture(scope="session")
def source_film(tmp_path_factory):
    frames = 60 * FPS
    return write_film(tmp_path_factory.mktemp("film") / "a.avi", frames, hits_from(2 * FPS, frames, 4))


@pytest.fixture
def box(tmp_path, source_film, tiny_bundle, broker):
    agent_box = Box(tmp_path, source_film, tiny_bundle, broker.port)
    agent_box.settings["source"]["pace"] = "camera"
    agent_box.know()
    yield agent_box
    agent_box.end()


def stands(got):
    return any(message.alarm is not None for message in messages(got, "alarm"))


def is_acknowledged(got):
    return any(message.acknowledged for message in messages(got, "alarm"))


def test_agent_carries_out_commands(box, broker):
    site = MqttSettings(host="127.0.0.1", port=broker.port)
    with Subscriber(site, SITE) as subscriber, CommandRoom(SITE, box.device, broker.port) as room:
        process = box.start()
        box.hear(subscriber, stands)
        assert not room.give("acknowledge", alarm_id="another")["ok"]
        assert room.give("acknowledge", alarm_id="standing")["ok"]
        box.hear(subscriber, is_acknowledged)
        assert room.give("health")["result"]["alarm_stands"]
        changed = room.give("set", values={"telemetry.health_interval_s": 7.5, "logging.level": "error"})
        assert changed["result"]["values"] == {"telemetry.health_interval_s": 7.5, "logging.level": "error"}
        assert "at least 0.5" in room.give("set", values={"telemetry.health_interval_s": 0.01})["error"]
        assert "cannot be set" in room.give("set", values={"mqtt.host": "evil"})["error"]
        assert "do not allow recalibrate" in room.give("recalibrate", no_source_is_near=True)["error"]
        room.send("restart", b"x" * (MAX_BYTES + 1))
        room.send("restart", b'{"transaction_id": "\x1b[2J"}')
        assert room.give("restart")["ok"]
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "\x1b" not in err + out
        box.start()
        got = box.hear(subscriber, is_acknowledged)
    assert {each.acknowledged.by for each in messages(got, "alarm") if each.acknowledged} == {"Ada"}
