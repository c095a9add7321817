import json
from datetime import datetime, timezone

import jinja2
import pytest

from edge.telemetry import home_assistant
from edge.telemetry.acknowledgements import Acknowledgement
from edge.telemetry.commands import ARGUMENTS, Command
from edge.telemetry.dose_rate import equivalent
from edge.telemetry.home_assistant import Device, discovery, discovery_topic
from edge.telemetry.messages import AlarmDetail, AlarmMessage, Health, Recent, Stamp, encode

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
BOX = Device("docks", "gate-1", "North gate", "0.1.0", "alexnet_edge", 10.0)
DETAIL = AlarmDetail(
    id="gate-1-b-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    recent=(), maximum_hz=7.0, duration_s=20.0, lower_limit=False, overload=None, evidence=(), doubts=(),
    equivalent=equivalent(4.5, (2.0, 8.0), 0.2, (0.1, 0.3)), weakened_by=("short exposure",),
)  # fmt: skip
HEALTH = {
    "frames": 24, "delivered": 26, "not_analysed": 2, "repeated": 0, "dropped": 0, "damaged": 0, "fps": 23.5,
    "live_fraction": 0.987, "live_s_per_s": 0.47, "stage_ms": {}, "hits": 0, "unclassified": 0, "background_hz": None,
    "background_interval_hz": None, "background_learnt": False, "condition": "learning", "alarm_stands": False,
    "temperature_c": 51.5, "uptime_s": 1.0, "outbox": {"depth": 0, "dropped": 0},
    "recent": tuple(Recent(window_s=span, rate_hz=30 / span, interval_hz=(0, 2)) for span in (10, 60)),
}  # fmt: skip


@pytest.fixture
def told():
    return json.loads(discovery(BOX))


def value_of(template, message):
    """Fill a template as Home Assistant does, as far as the templates here use it."""
    environment = jinja2.Environment()  # noqa: S701 - no web page
    environment.filters["tojson"] = json.dumps
    return environment.from_string(template).render(value_json=json.loads(encode(message)))


def alarm(state, detail=DETAIL, **fields):
    return Stamp("docks", "gate-1", "b").make(AlarmMessage, NOW, state=state, alarm=detail, **fields)


def health(**change):
    return Stamp("docks", "gate-1", "b").make(Health, NOW, **{**HEALTH, **change})


def test_discovery_is_one_message_for_a_device(told):
    assert discovery_topic("homeassistant", "docks", "gate-1") == "homeassistant/device/gammabox_docks_gate-1/config"
    assert set(told["components"]) == {
        "alarm", "dose_rate", "rate", "live", "camera", "temperature", "faults", "acknowledge", "restart",
    }  # fmt: skip
    ids = [component["default_entity_id"] for component in told["components"].values()]
    assert "binary_sensor.gammabox_docks_gate_1_alarm" in ids
    assert len(set(ids)) == len(ids)
    assert not any("object_id" in component for component in told["components"].values())
    (availability,) = told["availability"]
    assert availability["topic"] == "gammabox/docks/gate-1/status"


@pytest.mark.parametrize(
    ("state", "detail", "expected"),
    [
        ("raised", DETAIL, "ON"),
        ("updated", DETAIL, "ON"),
        ("changed", DETAIL, "ON"),
        ("cleared", None, "OFF"),
        ("cleared", DETAIL, "OFF"),
        ("learning", None, "None"),
    ],
)
def test_alarm_is_never_off_while_the_box_cannot_say(told, state, detail, expected):
    assert value_of(told["components"]["alarm"]["value_template"], alarm(state, detail)) == expected


def test_alarm_attributes_say_what_a_guard_needs(told):
    taken = Acknowledgement(by="Ada", utc=NOW)
    template = told["components"]["alarm"]["json_attributes_template"]
    full = json.loads(value_of(template, alarm("raised", advice="Measure", place="Gate", acknowledged=taken)))
    assert (full["id"], full["place"], full["acknowledged_by"]) == ("gate-1-b-1", "Gate", "Ada")
    empty = json.loads(value_of(template, alarm("learning", None, reasons=("dark",))))
    assert (empty["id"], empty["reasons"], empty["weakened_by"]) == (None, ["dark"], [])


def test_dose_rate_has_its_caveat_and_ends_with_the_alarm(told):
    component = told["components"]["dose_rate"]
    assert float(value_of(component["value_template"], alarm("raised"))) == DETAIL.equivalent.usv_h
    assert value_of(component["value_template"], alarm("cleared")) == "None"
    assert value_of(component["value_template"], alarm("learning", None)) == "None"
    attributes = json.loads(value_of(component["json_attributes_template"], alarm("raised")))
    assert "no dosimeter" in attributes["caveat"]
    assert json.loads(value_of(component["json_attributes_template"], alarm("learning", None))) == {}


@pytest.mark.parametrize(
    ("key", "change", "expected"),
    [
        ("rate", {}, "0.5"),
        ("rate", {"recent": ()}, "None"),
        ("live", {}, "98.7"),
        ("live", {"live_fraction": None}, "None"),
        ("camera", {}, "ok"),
        ("camera", {"camera": ("lost", "dark")}, "lost, dark"),
        ("temperature", {"temperature_c": None}, "None"),
        ("faults", {}, "OFF"),
        ("faults", {"faults": ("the lens is covered",)}, "ON"),
    ],
    ids=str,
)
def test_values_of_health(told, key, change, expected):
    assert value_of(told["components"][key]["value_template"], health(**change)) == expected


@pytest.mark.parametrize(("key", "verb"), [("acknowledge", "acknowledge"), ("restart", "restart")])
def test_buttons_send_commands_that_the_box_takes(told, key, verb):
    component = told["components"][key]
    assert component["command_topic"] == f"gammabox/docks/gate-1/cmd/{verb}"
    environment = jinja2.Environment()  # noqa: S701
    text = environment.from_string(component["command_template"]).render(
        value=component["payload_press"], utcnow=lambda: NOW
    )
    command = Command.model_validate_json(text)
    ARGUMENTS[verb].model_validate(command.arguments)
    assert (command.utc, command.by) == (NOW, "Home Assistant")


def test_dose_rate_of_a_rate_at_background_is_nothing():
    found = equivalent(0.1, (0.05, 0.2), 0.1, (0.08, 0.12))
    assert (found.usv_h, found.interval_usv_h[0]) == (0.0, 0.0)


def test_birth_topic_follows_the_prefix():
    assert home_assistant.birth_topic("ha/x") == "ha/x/status"
