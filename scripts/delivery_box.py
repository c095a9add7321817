"""A box for check_delivery.py: the product's outbox and link, fed with alarms and hits of a camera that is not there.

    python scripts/delivery_box.py JSON

It writes a ledger, one line a step, with the time at its end: put before a message is given to the outbox, done when it
counts, sent when it is published, confirmed when the broker has acknowledged it. After a kill it goes on where the
ledger ends.
"""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho

from edge.config.device import MqttSettings, TlsSettings
from edge.telemetry.link import Link
from edge.telemetry.messages import AlarmDetail, AlarmMessage, HitMessage, Message, Stamp, encode
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing
from edge.telemetry.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from edge.telemetry.outgoing import Waiting

SITE = "proof"
FLUSH_S = 60.0
TICK_S = 0.02


def alarm_of(stamp: Stamp, number: int) -> AlarmMessage:
    """Return the next alarm of a box: raised, updated, cleared, in turn."""
    now = datetime.now(timezone.utc)
    detail = AlarmDetail(
        id=f"{stamp.device}-{stamp.boot_id[:6]}-{number // 3}",
        raised_utc=now,
        onset_utc=now,
        significance_sigma=6.0,
        hits=number,
        live_s=1.0,
        rate_hz=10.0,
        rate_interval_hz=(5.0, 18.0),
        background_hz=0.03,
        background_interval_hz=(0.0, 0.8),
        false_alarms_per_1000_h=1.0,
        recent=(),
        maximum_hz=12.0,
        duration_s=2.0,
        lower_limit=False,
        overload=None,
        evidence=(),
        doubts=(),
        weakened_by=(),
    )
    state = ("raised", "updated", "cleared")[number % 3]
    return stamp.make(AlarmMessage, now, state=state, alarm=detail)


class NotedOutbox(Outbox):
    """An outbox that notes what the broker has confirmed."""

    note: Callable[[str], None]
    _given: dict[int, str]

    def next(self, limit: int, skip: Collection[int] = ()) -> list[Waiting]:
        """Return the next messages, whose numbers are remembered."""
        found = super().next(limit, skip)
        self._given = {**getattr(self, "_given", {}), **{each.id: event_of(each.message.payload) for each in found}}
        return found

    def confirm(self, ids: Collection[int]) -> None:
        """Note and remove messages that the broker has confirmed."""
        for number in ids:
            self.note(f"confirmed {self._given.get(number)}")
        super().confirm(ids)


def event_of(payload: bytes) -> str:
    """Return the event id of a message."""
    return str(json.loads(payload)["event_id"])


class Box:
    """The box and its ledger."""

    def __init__(self, given: dict[str, Any]) -> None:
        ledger = Path(given["ledger"])
        lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
        self.next = sum(line.startswith("put ") for line in lines)
        self._ledger = ledger.open("a", encoding="utf-8", buffering=1)
        self._count, self._every_s = given["messages"], given["every_s"]
        self._stamp = Stamp(SITE, given["device"], secrets.token_hex(8))
        settings = MqttSettings(
            host="127.0.0.1",
            port=given["port"],
            tls=TlsSettings(**{name: Path(path) for name, path in given["login"].items()}),
            keepalive_s=5,
        )
        self._outbox = NotedOutbox(Path(given["folder"]) / "outbox.sqlite", 100_000)
        self._outbox.note = self._note
        self._link = Link(settings, self._stamp, self._outbox)
        self._pending: list[str] = []
        self._alarm: Outgoing | None = None
        self._sessions = 0
        paho.Client.publish = self._counted(paho.Client.publish)  # type: ignore[method-assign]

    def run(self, stop: threading.Event) -> None:
        """Put messages until all are put or `stop` is set; then wait until the broker has them, and say goodbye."""
        self._link.start()
        next_s = time.monotonic()
        while not stop.is_set():
            now_s = time.monotonic()
            if self.next < self._count and now_s >= next_s:
                next_s = now_s + self._every_s
                self._put()
            self._settle()
            self._restate()
            stop.wait(TICK_S)
        self._link.flush(FLUSH_S, FLUSH_S)
        self._settle(ended=self._outbox.depth == 0)
        self._link.stop()
        self._outbox.close()

    def _put(self) -> None:
        kind = "alarm" if self.next % 2 else "hit"
        if kind == "alarm":
            message: Message = alarm_of(self._stamp, self.next // 2)
        else:
            now = datetime.now(timezone.utc)
            message = self._stamp.make(HitMessage, now, frame=self.next, live_fraction=1.0, exposure_s=None, hits=())
        topic = str(Topic(SITE, self._stamp.device, "alarm" if kind == "alarm" else "hit"))
        keep = "always" if kind == "alarm" else "until_full"
        outgoing = Outgoing(topic, encode(message), kind == "alarm", keep, self._stamp.boot_id)  # type: ignore[arg-type]
        self._note(f"put {message.event_id} {kind} {self.next}")
        self._outbox.put(outgoing)
        self.next += 1
        if kind == "alarm":
            self._alarm = outgoing
        if kind == "alarm" and not self._outbox.faults:
            self._note(f"done {message.event_id}")
        else:
            self._pending.append(message.event_id)
            self._pending_s = time.monotonic()

    def _settle(self, *, ended: bool = False) -> None:
        """Note what counts by now: hits after 50 ms; what waits in memory for a disk, when that can be written."""
        settled = not self._outbox.faults and time.monotonic() - getattr(self, "_pending_s", 0.0) > 0.2
        if self._pending and (settled or ended):
            for event_id in self._pending:
                self._note(f"done {event_id}")
            self._pending.clear()

    def _restate(self) -> None:
        """State the last alarm again on a new connection, as the agent does."""
        if self._link.sessions > self._sessions:
            if self._sessions and self._alarm is not None:
                last = self._alarm
                self._outbox.restate(Outgoing(last.topic, last.payload, last.retain, "restated", last.boot_id))
            self._sessions = self._link.sessions

    def _note(self, step: str) -> None:
        self._ledger.write(f"{step} {time.time():.3f}\n")

    def _counted(self, publish: Callable[..., Any]) -> Callable[..., Any]:
        def counted(client: paho.Client, topic: str, payload: bytes, **named: Any) -> Any:  # noqa: ANN401
            if topic.rpartition("/")[2] in {"alarm", "hit"}:
                self._note(f"sent {event_of(payload)}")
            return publish(client, topic, payload, **named)

        return counted


def main() -> None:
    """Run a box until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    Box(json.loads(sys.argv[1])).run(stop)


if __name__ == "__main__":
    main()
