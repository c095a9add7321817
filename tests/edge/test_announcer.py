import json

import pytest

from edge.announcer import Announcer
from edge.config.device import DeviceSettings
from edge.telemetry.inbox import Arrived
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox

BIRTH = Arrived("homeassistant/status", b"online", 6, retained=False)
COMMAND = Arrived("gammabox/docks/gate/cmd/get", b"{}", 2, retained=False)


@pytest.fixture
def outbox(tmp_path):
    opened = Outbox(tmp_path / "outbox.sqlite", 1000)
    yield opened
    opened.close()


def announcer(outbox, prefix="homeassistant"):
    settings = DeviceSettings(
        site="docks",
        device="gate",
        source={"spec": "/dev/video0"},
        mqtt={"host": "broker"},
        telemetry={"home_assistant": prefix},
    )
    return Announcer(settings, "alexnet_edge", Stamp("docks", "gate", "b"), outbox)


def sent(outbox):
    waiting = outbox.next(100)
    outbox.confirm([each.id for each in waiting])
    return [each.message for each in waiting]


def test_announcer_announces_at_the_start_and_at_each_birth(outbox):
    box = announcer(outbox)
    assert box.hear([], 0.0) == []
    (message,) = sent(outbox)
    assert (message.topic, message.retain) == ("homeassistant/device/gammabox_docks_gate/config", True)
    assert json.loads(message.payload)["device"]["identifiers"] == ["gammabox_docks_gate"]
    assert box.hear([], 100.0) == []
    assert sent(outbox) == []
    assert box.hear([BIRTH, COMMAND], 101.0) == [COMMAND]
    assert len(sent(outbox)) == 1
    box.forget()
    box.hear([], 120.0)
    assert len(sent(outbox)) == 1


def test_announcer_answers_many_births_once(outbox):
    box = announcer(outbox)
    count = 0
    for tenth in range(200):
        box.hear([BIRTH] * 5, tenth / 10)
        count += len(sent(outbox))
    assert count == 2


def test_announcer_without_a_prefix_is_silent(outbox):
    box = announcer(outbox, None)
    assert (box.hear([COMMAND], 0.0), box.filters, sent(outbox)) == ([COMMAND], (), [])
