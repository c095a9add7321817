"""A link with its outbox and topics of its own, for tests against real brokers."""

import re
import secrets
import time
from datetime import datetime, timezone

from edge.config.device import MqttSettings
from edge.telemetry.link import Link
from edge.telemetry.messages import HitMessage, Stamp, encode
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

SITE = "link"


def until(condition, patience_s=40.0):
    """Wait for a condition that becomes true, and return what it yields then."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def device_of(name):
    return f"{re.sub('[^a-z0-9]+', '-', name.lower())[-40:].strip('-')}-{secrets.token_hex(3)}"


class Rig:
    """An outbox, a link and a subscriber on topics named after the test."""

    def __init__(self, name, folder, port, **settings):
        self.device = device_of(name)
        self.settings = MqttSettings(host="127.0.0.1", port=port, keepalive_s=5, **settings)
        self.stamp = Stamp(SITE, self.device, "boot")
        self.age_s = 0.0
        self.outbox = Outbox(folder / "outbox.sqlite", 1000, clock=lambda: time.monotonic() - self.age_s)
        self.link = Link(self.settings, self.stamp, self.outbox, max_in_flight=5)

    def hit(self, frame):
        message = self.stamp.make(
            HitMessage, datetime.now(timezone.utc), frame=frame, live_fraction=1.0, exposure_s=None, hits=()
        )
        topic = str(Topic(SITE, self.device, "hit"))
        self.outbox.put(Outgoing(topic, encode(message), retain=False, keep="until_full", boot_id="boot"))

    def collect(self, subscriber, count, patience_s=30.0):
        got = []
        until(lambda: got.extend(self.mine(subscriber.poll(0.05))) or len(got) >= count, patience_s)
        return got

    def mine(self, arrived):
        return [each for each in arrived if each.topic.device == self.device]
