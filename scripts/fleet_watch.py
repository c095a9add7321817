"""The control room of check_fleet.py: the product's subscriber and board, with all boxes put in order twice a second.

    python scripts/fleet_watch.py JSON

It prints `ready`, and after SIGTERM what it has heard as JSON: latencies of messages from their making to the board.
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.config.device import MqttSettings
from edge.control_room.arrivals import Received
from edge.control_room.board import Board
from edge.control_room.subscriber import Subscriber

VIEW_S = 0.5


def run(given: dict[str, Any], stop: threading.Event) -> dict[str, Any]:
    """Follow the boxes until `stop` is set, and return what was heard."""
    settings = MqttSettings(
        host="127.0.0.1", port=given["port"], username=given["user"], password_file=Path(given["password_file"])
    )
    latencies: dict[str, list[float]] = {"alarm": [], "health": []}
    alarms: set[str] = set()
    views_ms = []
    board = Board()
    with Subscriber(settings) as subscriber:
        print("ready", flush=True)
        next_s = time.monotonic()
        while not stop.is_set():
            for arrival in subscriber.poll(0.05):
                now = datetime.now(timezone.utc)
                board.update(arrival, now)
                if isinstance(arrival, Received) and not arrival.retained and arrival.topic.kind in latencies:
                    latencies[arrival.topic.kind].append((now - arrival.message.utc).total_seconds())
                if isinstance(arrival, Received) and arrival.topic.kind == "alarm":
                    alarms.add(arrival.message.event_id)
            if time.monotonic() >= next_s:
                began_s = time.perf_counter()
                board.views(datetime.now(timezone.utc))
                views_ms.append((time.perf_counter() - began_s) * 1e3)
                next_s = time.monotonic() + VIEW_S
    found: dict[str, Any] = {
        "boxes": len(board.boxes),
        "alarms": sorted(alarms),
        "view_ms": statistics.median(views_ms),
    }
    for kind, values in latencies.items():
        ordered = sorted(values) or [0.0]
        found[kind] = {
            "messages": len(values),
            "median_ms": statistics.median(ordered) * 1e3,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
            "max_ms": ordered[-1] * 1e3,
        }
    return found


if __name__ == "__main__":
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    print(json.dumps(run(json.loads(sys.argv[1]), stopping)), flush=True)
