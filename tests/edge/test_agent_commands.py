"""An agent that is given commands over real brokers."""

import json
import secrets
import threading
from datetime import datetime, timezone

import paho.mqtt.client as paho
import pytest
from agent_box import FPS, SITE, Box, hits_from, messages, write_background, write_film
from commands import PATIENCE_S, CommandRoom
from link_rig import until
from typer.testing import CliRunner

from edge.agent import Agent
from edge.alarm.state import AlarmState, KeptAlarm, write_state
from edge.commands.cli import app
from edge.config.device import DeviceSettings, MqttSettings
from edge.control_room.subscriber import Subscriber
from edge.reporting import Reporter
from edge.telemetry.acknowledgements import Acknowledgement
from edge.telemetry.command_file import CommandFile
from edge.telemetry.inbox import MAX_BYTES


@pytest.fixture(scope="session")
def source_film(tmp_path_factory):
    frames = 40 * FPS
    return write_film(tmp_path_factory.mktemp("film") / "a.avi", frames, hits_from(5, frames, 2))


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
    settings = MqttSettings(host="127.0.0.1", port=broker.port)
    with Subscriber(settings, SITE) as subscriber, CommandRoom(SITE, box.device, broker.port) as room:
        process = box.start()
        box.hear(subscriber, stands)
        room.send("restart", b"x" * (MAX_BYTES + 1))
        room.send("restart", b'{"transaction_id": "\x1b[2J"}')
        assert room.give("acknowledge", alarm_id="standing")["ok"]
        box.hear(subscriber, is_acknowledged)
        place = ["--site", SITE, "--broker", f"127.0.0.1:{broker.port}"]
        told = CliRunner().invoke(app, ["command", box.device, "get", 'names=["telemetry.hits"]', *place])
        assert (told.exit_code, json.loads(told.stdout)) == (0, {"values": {"telemetry.hits": True}})
        refused = CliRunner().invoke(app, ["command", box.device, "recalibrate", "no_source_is_near=true", *place])
        assert (refused.exit_code, "do not allow recalibrate" in refused.stderr) == (1, True)
        assert room.give("restart")["ok"]
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "\x1b" not in err + out


@pytest.mark.slow
def test_agent_keeps_an_acknowledgement_over_a_restart(box, broker):
    settings = MqttSettings(host="127.0.0.1", port=broker.port)
    with Subscriber(settings, SITE) as subscriber, CommandRoom(SITE, box.device, broker.port) as room:
        process = box.start()
        box.hear(subscriber, stands)
        assert room.give("acknowledge", alarm_id="standing")["ok"]
        assert room.give("restart")["ok"]
        process.communicate(timeout=30)
        box.hear(subscriber, is_acknowledged)
        box.start()
        got = box.hear(subscriber, is_acknowledged)
    assert {each.acknowledged.by for each in messages(got, "alarm") if each.acknowledged} == {"Ada"}


def test_agent_announces_itself_to_home_assistant(box, broker):
    prefix = f"ha-{secrets.token_hex(4)}"
    topic = f"{prefix}/device/gammabox_{SITE}_{box.device}/config"
    box.settings["telemetry"]["home_assistant"] = prefix
    heard = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_connect = lambda *_: client.subscribe(topic, qos=1)
    client.on_message = lambda _client, _data, message: heard.append(message.payload)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        box.start()
        until(lambda: heard, PATIENCE_S)
    finally:
        client.disconnect()
        client.loop_stop()
    assert json.loads(heard[0])["device"]["identifiers"] == [f"gammabox_{SITE}_{box.device}"]


class KilledError(Exception):
    """Stands for `kill -9`: nothing more of what comes after is done."""


def test_agent_killed_as_an_alarm_comes_again_does_not_take_it_for_acknowledged(tmp_path, tiny_bundle, monkeypatch):
    film = write_film(tmp_path / "film.avi", 12 * FPS, hits_from(5, 12 * FPS, 2))
    write_background(tmp_path / "alarm.json", film, tiny_bundle)
    state = AlarmState.model_validate_json((tmp_path / "alarm.json").read_text())
    now = datetime.now(timezone.utc)
    changed = KeptAlarm(
        id="gate-7", raised_utc=now, onset_utc=now, hits=0, weighted=0.0, live_s=0.0, maximum_hz=0.1,
        background=state.background, learnt_before=True, rounds=0, moderate=True, level=state.background,
    )  # fmt: skip
    write_state(tmp_path / "alarm.json", state.model_copy(update={"alarm": changed}))
    commands = tmp_path / "commands.json"
    CommandFile(commands).acknowledge("gate-7", Acknowledgement(by="Ada", utc=now))

    def killed(_reporter, analysed, _situation):
        if any(step.state == "raised" for step in analysed.alarms):
            raise KilledError

    monkeypatch.setattr(Reporter, "report", killed)
    settings = DeviceSettings(
        site=SITE,
        device="gate",
        source={"spec": str(film), "pace": "fast"},
        model=tiny_bundle,
        mqtt={"host": "127.0.0.1", "port": 1},
        outbox={"path": tmp_path / "outbox.sqlite"},
    )
    with pytest.raises(KilledError):
        Agent(settings, threading.Event()).run()
    kept = AlarmState.model_validate_json((tmp_path / "alarm.json").read_text()).alarm
    assert (kept.id, kept.level) == ("gate-7", None)
    assert CommandFile(commands).acknowledged("gate-7") is None
