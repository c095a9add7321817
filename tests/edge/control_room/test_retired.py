import json

import pytest
from typer.testing import CliRunner

from edge.commands.cli import app
from edge.config.device import MqttSettings
from edge.control_room.conversation import Conversation
from edge.control_room.retired import remains_of
from edge.errors import BrokerError

pytestmark = pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)

OFFLINE = json.dumps({"state": "offline"})


@pytest.fixture
def left(new_broker):
    """Return a broker at which a box has left messages behind."""
    broker = new_broker()
    broker.start()
    kinds = {"status": OFFLINE, "alarm": "{}", "info": "{}", "health_minute": "{}"}
    topics = [(f"gammabox/docks/gate-1/{kind}", payload) for kind, payload in kinds.items()]
    topics.append(("homeassistant/device/gammabox_docks_gate-1/config", "{}"))
    broker.publish([*topics, ("gammabox/docks/gate-10/status", OFFLINE), ("gammabox/yard/crane/status", OFFLINE)])
    return broker


def forget(broker, *words):
    return CliRunner().invoke(app, ["forget", *words, "--broker", f"127.0.0.1:{broker.port}"])


def remains(broker, device, site=None):
    with Conversation(MqttSettings(host="127.0.0.1", port=broker.port)) as conversation:
        return remains_of(conversation, device, site)


def test_forget_removes_all_of_a_box_and_nothing_else(left):
    ran = forget(left, "gate-1", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "docks/gate-1: 5 retained messages removed" in ran.output
    assert remains(left, "gate-1") == []
    assert len(remains(left, "gate-10")) == 1
    assert "nothing of it stands" in forget(left, "gate-1", "--yes").output


def test_forget_asks_before_it_removes(left):
    ran = forget(left, "gate-1")
    assert ran.exit_code == 1
    assert len(remains(left, "gate-1")[0].topics) == 5


def test_forget_refuses_a_box_that_is_online(left):
    left.publish([("gammabox/docks/gate-1/status", json.dumps({"state": "online"}))])
    ran = forget(left, "gate-1", "--yes")
    assert "is online" in str(ran.exception)


def test_forget_asks_for_the_site_where_several_have_the_id(left):
    left.publish([("gammabox/yard/gate-1/alarm", "{}")])
    assert "choose one with --site" in str(forget(left, "gate-1", "--yes").exception)
    assert forget(left, "gate-1", "--yes", "--site", "yard").exit_code == 0
    assert [each.site for each in remains(left, "gate-1")] == ["docks"]


@pytest.mark.parametrize("name", ["+", "#", "a/b", "A"])
def test_remains_of_refuses_wildcards(left, name):
    with pytest.raises(BrokerError, match="is no id"):
        remains(left, name)


def test_command_without_an_answer_says_so(left, monkeypatch):
    monkeypatch.setattr("edge.commands.command.PATIENCE_S", 0.2)
    given = ["command", "gate-1", "health", "--site", "docks", "--broker", f"127.0.0.1:{left.port}"]
    assert "no answer of docks/gate-1" in str(CliRunner().invoke(app, given).exception)
