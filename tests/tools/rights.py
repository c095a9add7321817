"""A Mosquitto that refuses subscriptions until they are granted, by its plugin of dynamic rights."""

import json
from pathlib import Path

import paho.mqtt.client as paho
import pytest

PLUGINS = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
_TOPIC = "$CONTROL/dynamic-security/v1"
_KINDS = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")


def needed(test):
    """Run a test with Mosquitto, or skip it where its plugin is not installed."""
    skip = pytest.mark.skipif(not PLUGINS, reason="Mosquitto's plugin of dynamic rights is not installed")
    return pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)(skip(test))


def strict(new_broker, folder):
    """Start a broker that grants everything but to subscribe."""
    broker = new_broker(mosquitto_lines=_mosquitto_lines(folder))
    broker.start()
    return broker


def _mosquitto_lines(folder):
    write = {"acltype": "publishClientSend", "topic": _TOPIC, "priority": 0, "allow": True}
    rights = {
        "defaultACLAccess": {kind: kind != "subscribe" for kind in _KINDS},
        "roles": [{"rolename": "technician", "acls": [write]}],
        "groups": [{"groupname": "all", "roles": [{"rolename": "technician", "priority": 0}], "clients": []}],
        "anonymousGroup": "all",
        "clients": [],
    }
    path = folder / "rights.json"
    path.write_text(json.dumps(rights))
    return ("per_listener_settings false", f"plugin {PLUGINS[0]}", f"plugin_opt_config_file {path}")


def allow_to_subscribe(port, *, allowed):
    """Change the rights of all clients at a running broker."""
    access = {"command": "setDefaultACLAccess", "acls": [{"acltype": "subscribe", "allow": allowed}]}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(_TOPIC, json.dumps({"commands": [access]}), qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
