"""The demonstration in a browser: its broker speaks websockets, and its web server names the types of files."""

import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import pytest
from brokers import free_port
from iotcore import Broker

from edge.control_room.page.writer import parse_address, write_page
from trainer import demo, demo_page

PATIENCE_S = 20.0


@pytest.fixture
def ports(tmp_path):
    numbers = free_port(), free_port()
    config = tmp_path / "broker.toml"
    config.write_text(demo_page.broker_config(*numbers), encoding="utf-8")
    with Broker(config_path=str(config)):
        yield numbers


def test_broker_passes_a_message_to_websockets(ports):
    port, web_port = ports
    arrived = []
    page = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311, transport="websockets")
    page.ws_set_options(path="/mqtt")
    page.on_connect = lambda client, *_: client.subscribe("gammabox/demo/+/alarm", qos=1)
    page.on_message = lambda _client, _data, message: arrived.append(message.payload)
    agent = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    agent.connect("127.0.0.1", port)
    agent.loop_start()
    agent.publish("gammabox/demo/entrance/alarm", b"kept", qos=1, retain=True).wait_for_publish(PATIENCE_S)
    page.connect("127.0.0.1", web_port)
    page.loop_start()
    deadline = time.monotonic() + PATIENCE_S
    while not arrived and time.monotonic() < deadline:
        time.sleep(0.02)
    for client in (agent, page):
        client.disconnect()
        client.loop_stop()
    assert arrived == [b"kept"]


def test_page_is_served_with_its_types(tmp_path):
    write_page(tmp_path, parse_address("ws://127.0.0.1:9001"), demo.SITE)
    with demo_page.served(tmp_path) as address:
        connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
        types = {}
        for name in ("", "app.js", "vendor/preact.mjs", "page.css"):
            connection.request("GET", f"/{name}")
            answer = connection.getresponse()
            answer.read()
            types[name] = answer.headers.get_content_type()
        connection.close()
    assert types == {
        "": "text/html",
        "app.js": "text/javascript",
        "vendor/preact.mjs": "text/javascript",
        "page.css": "text/css",
    }


def test_agent_of_the_page_sees_the_film_again_and_again(tmp_path):
    (tmp_path / "alarm.json").touch()
    text = demo.prepare_agent(tmp_path, 1883, loop=True).read_text(encoding="utf-8")
    assert "loop: true" in text
    assert not (tmp_path / "alarm.json").exists()
