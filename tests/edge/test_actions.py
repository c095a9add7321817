import logging
import threading

import pytest

from edge.actions import AgentActions
from edge.commander import CommandError
from edge.config.device import DeviceSettings
from edge.reporting import Reporter
from edge.telemetry.messages import Stamp
from edge.telemetry.outbox import Outbox


class Observer:
    """An observer that cannot learn anew."""

    def relearn(self):
        return "an alarm stands"


@pytest.fixture
def rig(tmp_path):
    settings = DeviceSettings(
        site="docks",
        device="gate",
        source={"spec": "rtsp://user:secret@10.0.0.7/v"},
        mqtt={"host": "broker"},
    )
    outbox = Outbox(tmp_path / "outbox.sqlite", 1000)
    reporter = Reporter(settings.telemetry, Stamp("docks", "gate", "b"), outbox)
    stop = threading.Event()
    level = logging.getLogger().level
    yield AgentActions(settings, reporter, Observer(), lambda: None, stop), reporter, stop
    logging.getLogger().setLevel(level)
    outbox.close()


def test_actions_change_settings_for_this_run(rig):
    actions, reporter, _ = rig
    actions.change_settings({"telemetry.health_interval_s": 5, "telemetry.hits": False, "logging.level": "error"})
    assert (reporter.settings.health_interval_s, reporter.settings.hits) == (5.0, False)
    assert logging.getLogger().level == logging.ERROR
    assert actions.setting_values()["logging.level"] == "error"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"mqtt.host": "evil"}, "mqtt.host cannot be set"),
        ({"telemetry.home_assistant": "x"}, "cannot be set"),
        ({"telemetry.health_interval_s": 0.01}, "health_interval_s"),
        ({"telemetry.hits": "no"}, "hits"),
        ({"logging.level": "loud"}, "level"),
        ({"telemetry.hits": False, "telemetry.health_interval_s": None}, "health_interval_s"),
    ],
    ids=str,
)
def test_actions_change_all_settings_or_none(rig, values, expected):
    actions, reporter, _ = rig
    before = actions.setting_values()
    with pytest.raises(CommandError, match=expected):
        actions.change_settings(values)
    assert actions.setting_values() == before
    assert reporter.settings.hits


def test_actions_tell_no_login(rig):
    assert "secret" not in str(rig[0].setting_values())


def test_actions_restart_ends_the_run(rig):
    actions, _, stop = rig
    actions.restart()
    assert stop.is_set()


def test_actions_say_why_the_background_is_not_learnt_anew(rig):
    with pytest.raises(CommandError, match="an alarm stands"):
        rig[0].recalibrate()
