"""Run by Home Assistant's own Python: judge a discovery message, its templates and the blueprint by its code.

It reads one JSON object from stdin, `{"payload", "samples", "blueprint"}`, and writes one with faults and the rendered
values to stdout. Nothing of Gammabox is imported here.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import tempfile
from typing import Any


def component_faults(payload: str) -> tuple[list[str], dict[str, Any]]:
    """Return what Home Assistant does not take of a device discovery message, and its components as it takes them."""
    discovery = importlib.import_module("homeassistant.components.mqtt.discovery")
    device = discovery._parse_device_payload(None, payload, "gammabox", None)  # noqa: SLF001
    if not device:
        return ["the device discovery payload is refused"], {}
    faults, components = [], {}
    for key, given in device["components"].items():
        component = dict(given)
        discovery._merge_common_device_options(component, device)  # noqa: SLF001
        component |= {"device": device["device"], "origin": device["origin"]}
        platform = component.pop("platform")
        schema = importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA
        try:
            taken = schema(component)
        except Exception as error:  # noqa: BLE001 - whatever a validator raises is a fault of the message
            faults.append(f"{key}: {error}")
            continue
        faults += [f"{key}: {name} is unknown" for name in component if name not in taken]
        components[key] = component
    return faults, components


def rendered(hass: Any, components: dict[str, Any], samples: dict[str, list[str]]) -> dict[str, list[str]]:  # noqa: ANN401
    """Return what the templates of all components make of sample messages, by component and sample."""
    template = importlib.import_module("homeassistant.helpers.template")
    models = importlib.import_module("homeassistant.components.mqtt.models")
    found = {}
    for key, component in components.items():
        for name in ("value_template", "json_attributes_template"):
            if name not in component:
                continue
            kind = component["state_topic"].rpartition("/")[2]
            filled = models.MqttValueTemplate(template.Template(component[name], hass))
            found[f"{key}.{name}"] = [
                str(filled.async_render_with_possible_json_value(sample)) for sample in samples[kind]
            ]
        if "command_template" in component:
            command = models.MqttCommandTemplate(template.Template(component["command_template"], hass))
            found[f"{key}.command_template"] = [str(command.async_render(component["payload_press"]))]
    return found


def blueprint_faults(text: str) -> list[str]:
    """Return what Home Assistant does not take of a blueprint of an automation."""
    yaml = importlib.import_module("homeassistant.util.yaml")
    blueprint = importlib.import_module("homeassistant.components.blueprint.models")
    schemas = importlib.import_module("homeassistant.components.blueprint.schemas")
    validation = importlib.import_module("homeassistant.helpers.config_validation")
    try:
        data = yaml.parse_yaml(text)
        read = blueprint.Blueprint(data, expected_domain="automation", schema=schemas.BLUEPRINT_SCHEMA)
        inputs = {"alarms": ["binary_sensor.gammabox_docks_gate_1_alarm"], "action": [{"delay": 1}]}
        filled = yaml.substitute(read.data, inputs)
        validation.TRIGGER_BASE_SCHEMA  # noqa: B018 - the module has to be a whole one
        for trigger in filled["triggers"]:
            importlib.import_module("homeassistant.components.homeassistant.triggers.state").TRIGGER_STATE_SCHEMA(
                {"platform": "state", **{key: value for key, value in trigger.items() if key not in {"trigger", "id"}}}
            )
        validation.SCRIPT_SCHEMA(filled["actions"])
    except Exception as error:  # noqa: BLE001
        return [f"blueprint: {type(error).__name__}: {error}"]
    return []


async def judged(given: dict[str, Any]) -> dict[str, Any]:
    """Return the faults and the rendered values, in an event loop of Home Assistant as its schemas want it."""
    core = importlib.import_module("homeassistant.core")
    with tempfile.TemporaryDirectory() as folder:
        hass = core.HomeAssistant(folder)
        faults, components = component_faults(given["payload"])
        faults += blueprint_faults(given["blueprint"])
        values = rendered(hass, components, given["samples"])
        await hass.async_stop(force=True)
    return {"faults": faults, "rendered": values}


def main() -> None:
    """Judge what stands on stdin."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    print(json.dumps(asyncio.run(judged(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
