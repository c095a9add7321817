"""Home Assistant's discovery: one retained message that makes a box a device with its entities."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.telemetry.topics import CommandTopic, Topic

if TYPE_CHECKING:
    from edge.telemetry.topics import Kind

Component = dict[str, Any]

STANDS = "value_json.state in ['raised', 'updated', 'changed']"
# "None" is what Home Assistant takes for unknown. A box that cannot say is never shown as safe.
ALARM = "{{ 'ON' if " + STANDS + " else 'OFF' if value_json.state == 'cleared' else 'None' }}"
ALARM_ATTRIBUTES = (
    "{{ {'state': value_json.state, 'place': value_json.place, 'advice': value_json.advice, "
    "'reasons': value_json.reasons, 'id': value_json.alarm.id if value_json.alarm else none, "
    "'rate_hz': value_json.alarm.rate_hz if value_json.alarm else none, "
    "'weakened_by': value_json.alarm.weakened_by if value_json.alarm else [], "
    "'acknowledged_by': value_json.acknowledged.by if value_json.acknowledged else none} | tojson }}"
)
DOSE_RATE = "{{ value_json.alarm.equivalent.usv_h if " + STANDS + " and value_json.alarm.equivalent else none }}"
DOSE_RATE_ATTRIBUTES = (
    "{{ {'caveat': value_json.alarm.equivalent.caveat, "
    "'interval': value_json.alarm.equivalent.interval_usv_h} | tojson "
    "if value_json.alarm and value_json.alarm.equivalent else '{}' }}"
)
RATE = "{{ value_json.recent | selectattr('window_s', 'eq', 60) | map(attribute='rate_hz') | first | default(none) }}"
LIVE = "{{ (value_json.live_fraction * 100) | round(1) if value_json.live_fraction is not none else none }}"
CAMERA = "{{ (value_json.camera | join(', '))[:200] or 'ok' }}"
FAULTS = "{{ 'ON' if value_json.faults else 'OFF' }}"
FAULT_ATTRIBUTES = "{{ {'faults': value_json.faults} | tojson }}"
COMMAND = (
    '{"transaction_id": "ha-{{ (utcnow().timestamp() * 1000) | int }}", "utc": "{{ utcnow().isoformat() }}", '
    '"by": "Home Assistant", "arguments": {{ value }}}'
)
MEASURED: Component = {"platform": "sensor", "state_class": "measurement"}


@dataclass(frozen=True, slots=True)
class Device:
    """A box as Home Assistant names it.

    Attributes
    ----------
    site, device : str
        As in topics.
    place : str or None
        Where it hangs, for people.
    software, model : str
        Version of Gammabox, and name of the model bundle.
    health_interval_s : float
        Seconds between health messages. Values of health expire after three of them.

    """

    site: str
    device: str
    place: str | None
    software: str
    model: str
    health_interval_s: float

    @property
    def id(self) -> str:
        """The id of the device, unique over all sites."""
        return f"gammabox_{self.site}_{self.device}"

    def topic(self, kind: Kind) -> str:
        """Return the topic of a kind of message."""
        return str(Topic(self.site, self.device, kind))


def discovery_topic(prefix: str, site: str, device: str) -> str:
    """Return the topic of the discovery message of a box.

    Examples
    --------
    >>> discovery_topic("homeassistant", "docks", "gate-1")
    'homeassistant/device/gammabox_docks_gate-1/config'

    """
    return f"{prefix}/device/gammabox_{site}_{device}/config"


def birth_topic(prefix: str) -> str:
    """Return the topic on which Home Assistant says that it has started."""
    return f"{prefix}/status"


def discovery(device: Device) -> bytes:
    """Return the discovery message of a box."""
    name = f"Gammabox {device.device}"
    told = {
        "device": {
            "identifiers": [device.id],
            "name": name,
            "manufacturer": "Gammabox",
            "model": device.model,
            "sw_version": device.software,
            **({"suggested_area": device.place} if device.place else {}),
        },
        "origin": {"name": "Gammabox", "sw_version": device.software},
        "availability": [
            {
                "topic": device.topic("status"),
                "value_template": "{{ value_json.state }}",
                "payload_available": "online",
                "payload_not_available": "offline",
            }
        ],
        "qos": 1,
        "components": {
            key: {
                "unique_id": f"{device.id}_{key}",
                "default_entity_id": _entity_id(component["platform"], device, key),
                **component,
            }
            for key, component in _components(device).items()
        },
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _entity_id(platform: str, device: Device, key: str) -> str:
    return f"{platform}.{device.id}_{key}".replace("-", "_")


def _components(device: Device) -> dict[str, Component]:
    health: Component = {
        "state_topic": device.topic("health"),
        "expire_after": max(60, round(3 * device.health_interval_s)),
    }
    return {
        **_of_alarm(device),
        **{key: {**component, **health} for key, component in _of_health(device).items()},
        "acknowledge": _button(device, "acknowledge", "Acknowledge alarm", "mdi:check", '{"alarm_id": "standing"}'),
        "restart": {
            **_button(device, "restart", "Restart agent", "mdi:restart", "{}"),
            "device_class": "restart",
            "entity_category": "config",
        },
    }


def _of_alarm(device: Device) -> dict[str, Component]:
    topics: Component = {"state_topic": device.topic("alarm"), "json_attributes_topic": device.topic("alarm")}
    return {
        "alarm": {
            "platform": "binary_sensor",
            "name": "Radiation alarm",
            "device_class": "safety",
            "value_template": ALARM,
            "json_attributes_template": ALARM_ATTRIBUTES,
            **topics,
        },
        "dose_rate": {
            "name": "Dose rate if Tc-99m (no dosimeter)",
            "unit_of_measurement": "µSv/h",
            "suggested_display_precision": 0,
            "icon": "mdi:radioactive",
            "value_template": DOSE_RATE,
            "json_attributes_template": DOSE_RATE_ATTRIBUTES,
            **MEASURED,
            **topics,
        },
    }


def _of_health(device: Device) -> dict[str, Component]:
    return {
        "rate": {
            "name": "Hits, last minute",
            "unit_of_measurement": "hits/s",
            "suggested_display_precision": 2,
            "icon": "mdi:pulse",
            "value_template": RATE,
            **MEASURED,
        },
        "live": {
            "name": "Live picture",
            "unit_of_measurement": "%",
            "icon": "mdi:eye",
            "value_template": LIVE,
            **MEASURED,
        },
        "camera": {
            "platform": "sensor",
            "name": "Camera",
            "icon": "mdi:cctv",
            "entity_category": "diagnostic",
            "value_template": CAMERA,
        },
        "temperature": {
            "name": "Processor temperature",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.temperature_c }}",
            **MEASURED,
        },
        "faults": {
            "platform": "binary_sensor",
            "name": "Faults",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "value_template": FAULTS,
            "json_attributes_topic": device.topic("health"),
            "json_attributes_template": FAULT_ATTRIBUTES,
        },
    }


def _button(device: Device, verb: str, name: str, icon: str, arguments: str) -> Component:
    return {
        "platform": "button",
        "name": name,
        "icon": icon,
        "command_topic": str(CommandTopic(device.site, device.device, "cmd", verb)),
        "command_template": COMMAND,
        "payload_press": arguments,
    }
