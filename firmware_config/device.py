"""The settings of the agent on a box of the site, and the faults that keep a box from having them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue, ValidationError

from edge.config.device import DeviceSettings
from edge.config.faults import faults_of
from firmware_config.cameras import DEFAULT_FPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_config.site import Box, Broker

# Names are taken from the folder of device.yaml, wherever that lies.
TLS_FILES = {"ca_file": "ca.crt", "cert_file": "box.crt", "key_file": "box.key"}
PASSWORD_FILE = "/run/credentials/gammabox-edge.service/broker-password"  # noqa: S105 - where it lies, not what it is
OUTBOX_FILE = "/var/lib/gammabox/outbox.sqlite"

# Settings that follow from other keys of the site file, by the name of that key; a box's `settings` may not hold them.
FIXED = {
    ("site",): "site",
    ("device",): "device of the box",
    ("place",): "position of the box",
    ("position",): "coordinates of the box",
    ("source", "spec"): "camera of the box",
    ("source", "exposure_s"): "exposure_s of the box",
    ("mqtt", "host"): "broker.host",
    ("mqtt", "port"): "broker.port",
    ("mqtt", "username"): "device of the box",
    ("mqtt", "password_file"): "the rendered unit",
    ("mqtt", "tls"): "broker.tls",
    ("outbox", "path"): "the rendered unit",
}

Tree: TypeAlias = dict[str, JsonValue]
_ABSENT = object()


def device_settings(site: str, broker: Broker, box: Box, *, installed: bool = False) -> Tree:
    """Return a box's device.yaml as plain data; `DeviceSettings` accepts it when `settings_faults` yields nothing.

    A box whose camera is a recording keeps its outbox beside device.yaml, unless it is installed as a service.
    """
    base: Tree = {
        "site": site,
        "device": box.device,
        **({"place": box.position} if box.position else {}),
        **({"position": box.coordinates.model_dump()} if box.coordinates is not None else {}),
        "source": _source(box),
        "mqtt": {
            "host": broker.host,
            "port": broker.port,
            **({"tls": dict(TLS_FILES)} if broker.tls else {"username": box.device, "password_file": PASSWORD_FILE}),
        },
        "outbox": {"path": "outbox.sqlite" if box.is_trial and not installed else OUTBOX_FILE},
    }
    return _merged(base, box.settings)


def settings_faults(site: str, broker: Broker, box: Box) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the faults of a box's `settings`, each as its place within `settings` and a sentence."""
    given = [place for place in FIXED if _value_at(box.settings, place) is not _ABSENT]
    for place in given:
        yield place, f"{'.'.join(place)}: follows from {FIXED[place]}; remove it here"
    merged = device_settings(site, broker, box)
    try:
        # YAML holds paths as text: pydantic's strict mode allows that in JSON, but not in Python values.
        DeviceSettings.model_validate_json(json.dumps(merged), strict=True)
    except ValidationError as error:
        for at, sentence in faults_of(error, DeviceSettings, merged):
            # What follows from other keys is judged where these keys are.
            follows = any(at[: len(fixed)] == fixed for fixed in FIXED)
            if not follows and not any(fixed[: len(at)] == at for fixed in given):
                yield at, sentence


def _source(box: Box) -> Tree:
    if box.is_trial:
        return {"spec": box.camera, "exposure_s": box.exposure_s, "loop": True}
    spec = "csi:0" if box.camera == "csi" else box.camera
    return {"spec": spec, "width": 1920, "height": 1080, "fps": DEFAULT_FPS, "exposure_s": box.exposure_s}


def _merged(base: Tree, over: Tree) -> Tree:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _value_at(tree: JsonValue, place: tuple[str, ...]) -> object:
    for part in place:
        if not isinstance(tree, dict) or part not in tree:
            return _ABSENT
        tree = tree[part]
    return tree
