"""A control room that gives commands to boxes, for tests against real brokers."""

import json
import secrets
import threading
from datetime import datetime, timezone

import paho.mqtt.client as paho

PATIENCE_S = 20.0


class CommandRoom:
    """A client of its own that gives commands and waits for answers."""

    def __init__(self, site, device, port):
        self._topic = f"gammabox/{site}/{device}"
        self._answers = {}
        self._news = threading.Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self._topic}/rsp/+", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, verb, payload, *, retain=False):
        self._client.publish(f"{self._topic}/cmd/{verb}", payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def give(self, verb, **arguments):
        """Send a command and return its answer."""
        name = secrets.token_hex(6)
        utc = datetime.now(timezone.utc).isoformat()
        self.send(verb, json.dumps({"transaction_id": name, "utc": utc, "by": "Ada", "arguments": arguments}))
        with self._news:
            assert self._news.wait_for(lambda: name in self._answers, PATIENCE_S), f"no answer to {verb}"
            return self._answers[name]

    def _on_message(self, _client, _data, message):
        answer = json.loads(message.payload)
        with self._news:
            self._answers[answer["transaction_id"]] = answer
            self._news.notify_all()
