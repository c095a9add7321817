"""The witness of check_delivery.py: a subscriber beside the archive, to whom all alarms and hits have to come."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from delivery_box import SITE
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_config.site import CONTROL_ROOM_USER

if TYPE_CHECKING:
    from delivery_site import Broker

KINDS = ("alarm", "hit")


@dataclass
class Witness:
    """A subscriber that never dies: what arrived of alarms and hits, in order, and when."""

    broker: Broker
    arrived: list[tuple[str, str, bool, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, "witness", protocol=paho.MQTTv5)
        login = self.broker.login(CONTROL_ROOM_USER)
        context = ssl.create_default_context(cafile=login["ca_file"])
        context.load_cert_chain(login["cert_file"], login["key_file"])
        self.client.tls_set_context(context)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(
            [(f"gammabox/{SITE}/+/{kind}", 1) for kind in KINDS]
        )
        self.client.on_message = self._on_message
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", self.broker.port, 5, clean_start=False, properties=properties)
        self.client.loop_start()

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        found = json.loads(message.payload)
        self.arrived.append((found["device"], found["event_id"], found["historical"], time.time()))
