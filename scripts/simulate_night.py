"""Publish a night of a site with many boxes to a broker, to try the control room on.

The boxes are simulated; the messages are those of real boxes. Most boxes are quiet. A source passes two of them,
another one comes to stay, one box is flooded; a camera is covered, boxes are lost and come back, one restarts and
has to learn, and rain and a flickering lamp raise doubts. The boxes answer acknowledge and silence; one is late, one
refuses, and one alarm is acknowledged by somebody else. At last the network of more than half of the boxes fails.

    python scripts/simulate_night.py --broker localhost:1883 --boxes 50

`--at 205` begins with what has happened by then, and `--speed 4` lets it pass four times as fast. With `--clear` the
script deletes what it made the broker keep when it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections import deque
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np
from simulated_box import BACKGROUND_HZ, HEALTH_S, Event, SimulatedBox

from edge.commands.broker import broker_settings
from edge.telemetry.login import V5, Login
from edge.telemetry.messages import Stamp
from edge.telemetry.topics import parse_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import paho.mqtt.client as paho
    from simulated_box import Outgoing

STEP_S = 0.1
KEPT = ("status", "info", "health", "alarm")
LATE_S = 20.0
NETWORK_B = range(20, 50)
"""Boxes behind a part of the network that fails."""
PLACES = ("North gate", "South gate", "Weighbridge", "Customs hall", "Ferry ramp", "Scrap yard", "Quay", "Car park")


def events_of_the_night() -> tuple[Event, ...]:
    """Return what happens, in the order of time; boxes beyond the last one of these stay quiet."""
    covered = "the camera is covered: look at the lens"
    rain = "hits in pairs of neighbouring frames, as rain makes them"
    flood = "more hits in a frame than can be told apart"
    worn = (
        "the disk is nearly full (2 % left): messages may be lost; the technician has to make room",
        "the processor is hot (83 °C): frames are left out; look whether the fan turns and the lid is shut",
    )
    lamp = "cannot tell a source from a nuisance: hits at one place, as a flickering lamp makes them"
    return tuple(
        sorted(
            (
                Event(0, 3, "fault", covered),
                Event(0, 15, "away", "lost"),
                Event(0, 40, "away", "stopped"),
                Event(0, 25, "nuisance", rain),
                Event(0, 33, "learning", "background learnt for 12 of 60 live seconds"),
                Event(60, 7, "rate_hz", 6.0),  # a source passes two neighbours
                Event(80, 8, "rate_hz", 4.0),
                Event(90, 21, "fault", "the disk is full: messages stay in memory"),
                Event(100, 16, "away", "lost"),
                Event(100, 7, "rate_hz", BACKGROUND_HZ),
                Event(115, 8, "rate_hz", BACKGROUND_HZ),
                Event(120, 33, "restart"),
                Event(140, 26, "learning", lamp),
                Event(150, 12, "overload", flood),
                Event(150, 12, "rate_hz", 60.0),
                Event(170, 30, "overload", flood),
                Event(195, 30, "overload", None),
                Event(180, 33, "learning", None),
                Event(200, 5, "rate_hz", 2.5),  # a source that stays
                Event(210, 12, "overload", None),
                Event(210, 12, "rate_hz", BACKGROUND_HZ),
                Event(220, 16, "away", None),
                Event(240, 26, "learning", None),
                Event(250, 44, "doubt", "hits at one place, as a flickering lamp makes them"),
                Event(260, 44, "rate_hz", 1.5),
                Event(270, 9, "away", "silent"),
                Event(230, 18, "answers", "late"),
                Event(230, 18, "rate_hz", 3.0),
                Event(300, 21, "fault", None),
                Event(310, 13, "rate_hz", 3.5),
                Event(340, 13, "away", "lost"),  # in an alarm
                Event(330, 22, "answers", "refuses"),
                Event(330, 22, "rate_hz", 2.0),
                Event(360, 28, "rate_hz", 5.0),
                Event(375, 28, "acknowledged", ("Bo, gate office", "patrol 2 is on the way")),
                Event(380, 36, "fault", worn),
                Event(400, 18, "rate_hz", BACKGROUND_HZ),
                Event(420, 13, "away", None),
                Event(425, 13, "rate_hz", BACKGROUND_HZ),
                Event(430, 28, "rate_hz", BACKGROUND_HZ),
                Event(450, 22, "rate_hz", BACKGROUND_HZ),
                *(Event(480, box, "away", "lost") for box in NETWORK_B),
                *(Event(510, box, "away", None) for box in NETWORK_B),
            ),
            key=lambda event: event.at_s,
        )
    )


def boxes_of(site: str, count: int, seed: int) -> list[SimulatedBox]:
    """Return the boxes, each with a generator of its own, so that a number of boxes does not change what one says."""
    boxes = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        stamp = Stamp(site, f"box-{number:02d}", f"{int(rng.integers(1 << 60)):016x}")
        place = f"{PLACES[number % len(PLACES)]}, lane {number // len(PLACES) + 1}"
        boxes.append(SimulatedBox(stamp, place, rng))
    return boxes


class Night:
    """The boxes, their events in time, and the commands that they were given."""

    def __init__(self, boxes: list[SimulatedBox], events: Iterable[Event]) -> None:
        self._boxes = boxes
        self._devices = {box.stamp.device: box for box in boxes}
        self._events = deque(event for event in events if event.box < len(boxes))
        self._due_s = [number / len(boxes) * HEALTH_S for number in range(len(boxes))]
        self.commands: deque[tuple[str, bytes]] = deque()
        self._held: deque[tuple[float, str, bytes]] = deque()

    def begin(self, at_s: float, now: datetime) -> Iterator[Outgoing]:
        """Yield what the broker keeps at a time of the night."""
        while self._events and self._events[0].at_s <= at_s:
            event = self._events.popleft()
            yield from self._boxes[event.box].happen(event, now)
        self._due_s = [at_s + due_s for due_s in self._due_s]
        for box in self._boxes:
            yield from box.birth(now)

    def step(self, at_s: float, now: datetime) -> Iterator[Outgoing]:
        """Yield what is sent until a time of the night."""
        while self._events and self._events[0].at_s <= at_s:
            event = self._events.popleft()
            yield from self._boxes[event.box].happen(event, now)
        for number, box in enumerate(self._boxes):
            if at_s >= self._due_s[number]:
                self._due_s[number] += HEALTH_S
                yield from box.report(now)
        while self._held and self._held[0][0] <= at_s:
            yield from self._answer(*self._held.popleft()[1:], now)
        while self.commands:
            name, payload = self.commands.popleft()
            topic = parse_command(name)
            box = None if topic is None else self._devices.get(topic.device)
            if box is not None and box.answers == "late":
                self._held.append((at_s + LATE_S, name, payload))
            else:
                yield from self._answer(name, payload, now)

    def _answer(self, name: str, payload: bytes, now: datetime) -> Iterator[Outgoing]:
        topic = parse_command(name)
        box = None if topic is None else self._devices.get(topic.device)
        if topic is not None and box is not None and box.away is None:
            with contextlib.suppress(ValueError):  # not a command
                yield from box.answer(topic.verb, payload, now)


def main() -> None:
    """Publish until the night is over, or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default="localhost:1883", help="host:port")
    parser.add_argument("--site", default="harbour")
    parser.add_argument("--boxes", type=int, default=50)
    parser.add_argument("--at", type=float, default=0.0, help="second of the night to begin at")
    parser.add_argument("--seconds", type=float, default=600.0, help="end after so many seconds of the night")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the night in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clear", action="store_true", help="delete the retained messages at the end")
    arguments = parser.parse_args()
    night = Night(boxes_of(arguments.site, arguments.boxes, arguments.seed), events_of_the_night())
    settings = broker_settings(arguments.broker)
    client = Login(settings).client(f"gammabox-night-{arguments.site}", V5)
    client.on_connect = lambda *_: client.subscribe(f"gammabox/{arguments.site}/+/cmd/+", qos=1)
    client.on_message = lambda _client, _data, message: night.commands.append((message.topic, bytes(message.payload)))
    client.max_inflight_messages_set(1000)
    client.connect(settings.host, settings.port)
    client.loop_start()
    with contextlib.suppress(KeyboardInterrupt):
        _publish(client, night, arguments)
    if arguments.clear:
        for number in range(arguments.boxes):
            for kind in KEPT:
                client.publish(f"gammabox/{arguments.site}/box-{number:02d}/{kind}", b"", 1, retain=True)
        time.sleep(1.0)
    client.disconnect()
    client.loop_stop()


def _publish(client: paho.Client, night: Night, arguments: argparse.Namespace) -> None:
    began_s = time.monotonic()
    outgoing = night.begin(arguments.at, datetime.now(timezone.utc))
    at_s = arguments.at
    while at_s < arguments.at + arguments.seconds:
        for topic, payload, kept in outgoing:
            client.publish(topic, payload, 1, retain=kept)
        time.sleep(STEP_S)
        at_s = arguments.at + (time.monotonic() - began_s) * arguments.speed
        outgoing = night.step(at_s, datetime.now(timezone.utc))


if __name__ == "__main__":
    main()
