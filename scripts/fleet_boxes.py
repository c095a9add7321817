"""Simulated boxes for check_fleet.py: many MQTT clients in one process, with messages by the product's models.

    python scripts/fleet_boxes.py JSON

They send `ready` when all are connected, wait for a line on stdin, send health in turn and alarms in bursts, and print
what they have sent as JSON when the broker has confirmed all of it.
"""

from __future__ import annotations

import json
import secrets
import selectors
import sys
import time
from datetime import datetime, timezone
from typing import Any

import paho.mqtt.client as paho
from delivery_box import SITE, alarm_of

from edge.telemetry.messages import Health, OutboxState, Recent, Stamp, Status, encode

HEALTH_S = 10.0
PATIENCE_S = 60.0


class SimulatedBox:
    """One box: its client and the numbers of its messages."""

    def __init__(self, device: str, port: int) -> None:
        self.device = device
        self.stamp = Stamp(SITE, device, secrets.token_hex(8))
        self.alarms = self.sent = self.confirmed = 0
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, f"fleet-{device}", protocol=paho.MQTTv5)
        self.client.username_pw_set(device, f"{device}-password")
        self.client.max_inflight_messages_set(100)
        self.client.on_publish = self._on_publish
        self.client.connect("127.0.0.1", port, 60)

    def send(self, kind: str) -> str:
        """Send the next message of a kind and return its event id."""
        now = datetime.now(timezone.utc)
        message: Status | Health | Any
        if kind == "alarm":
            message = alarm_of(self.stamp, self.alarms)
            self.alarms += 1
        elif kind == "status":
            message = self.stamp.make(Status, now, state="online", reason="connected")
        else:
            message = self.stamp.make(Health, now, **HEALTH)
        self.client.publish(f"gammabox/{SITE}/{self.device}/{kind}", encode(message), qos=1, retain=True)
        self.sent += 1
        return str(message.event_id)

    def _on_publish(self, *_: object) -> None:
        self.confirmed += 1


HEALTH: dict[str, object] = {
    "frames": 1000,
    "delivered": 1002,
    "not_analysed": 2,
    "fps": 25.0,
    "repeated": 0,
    "dropped": 0,
    "damaged": 0,
    "live_fraction": 0.9,
    "live_s_per_s": 0.45,
    "stage_ms": {"decode": 7.0, "fast_path": 1.7, "crop": 0.1, "classify": 0.2, "alarm": 0.1},
    "hits": 12,
    "unclassified": 0,
    "background_hz": 0.03,
    "background_interval_hz": (0.01, 0.1),
    "background_learnt": True,
    "condition": "clear",
    "recent": (
        Recent(window_s=10, rate_hz=0.0, interval_hz=(0.0, 0.8)),
        Recent(window_s=60, rate_hz=0.0, interval_hz=(0.0, 0.2)),
    ),
    "alarm_stands": False,
    "temperature_c": 51.0,
    "uptime_s": 1000.0,
    "outbox": OutboxState(depth=0, dropped=0),
}


class Boxes:
    """All boxes of this process in one loop."""

    def __init__(self, first: int, count: int, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.boxes = []
        for number in range(first, first + count):
            box = SimulatedBox(f"box-{number}", port)
            self._selector.register(box.client.socket(), selectors.EVENT_READ, box)  # type: ignore[arg-type]
            self.boxes.append(box)
        self._misc_s = 0.0

    def spin(self, until_s: float) -> None:
        """Read and write until a time."""
        while True:
            left_s = until_s - time.monotonic()
            for key, _ in self._selector.select(max(left_s, 0.0)):
                key.data.client.loop_read(10)
                while key.data.client.want_write():
                    key.data.client.loop_write()
            now_s = time.monotonic()
            if now_s - self._misc_s > 1.0:
                self._misc_s = now_s
                for box in self.boxes:
                    box.client.loop_misc()
            if now_s >= until_s:
                return


def run(given: dict[str, Any]) -> dict[str, Any]:
    """Send for a time, and return what was sent."""
    boxes = Boxes(given["first"], given["count"], given["port"])
    deadline = time.monotonic() + PATIENCE_S
    while not all(box.client.is_connected() for box in boxes.boxes) and time.monotonic() < deadline:
        boxes.spin(time.monotonic() + 0.2)
    for box in boxes.boxes:
        box.send("status")
    boxes.spin(time.monotonic() + 1.0)
    print("ready", flush=True)
    sys.stdin.readline()
    began_s = time.monotonic()
    plan = sorted(
        [
            (at / len(boxes.boxes) * HEALTH_S + turn * HEALTH_S, "health", box)
            for at, box in enumerate(boxes.boxes)
            for turn in range(int(given["seconds"] / HEALTH_S))
        ]
        + [
            (burst + 5.0, "alarm", box)
            for burst in range(0, int(given["seconds"]) - 5, int(given["burst_every_s"]))
            for box in boxes.boxes[: given["burst"]]
        ],
        key=lambda step: step[0],
    )
    alarms = []
    late_s = 0.0
    for at_s, kind, box in plan:
        if time.monotonic() < began_s + at_s:
            boxes.spin(began_s + at_s)
        late_s = max(late_s, time.monotonic() - began_s - at_s)
        event_id = box.send(kind)
        if kind == "alarm":
            alarms.append(event_id)
    deadline = time.monotonic() + PATIENCE_S
    while any(box.confirmed < box.sent for box in boxes.boxes) and time.monotonic() < deadline:
        boxes.spin(time.monotonic() + 0.1)
    sent, confirmed = (sum(getattr(box, name) for box in boxes.boxes) for name in ("sent", "confirmed"))
    return {
        "sent": sent,
        "confirmed": confirmed,
        "alarms": alarms,
        "seconds": time.monotonic() - began_s,
        "late_s": late_s,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))), flush=True)
