"""Draw the view of `gammabox-edge watch` on the simulated night as pictures for the docs.

python scripts/draw_watch.py docs/images/watch.svg
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from simulate_night import Night, boxes_of, events_of_the_night

from edge.control_room.subscriber import arrival_of
from edge.control_room.watch.app import WatchApp
from edge.control_room.watch.feed import News
from edge.output import PICTURE_MARK, is_picture, require_free
from edge.telemetry.topics import parse

if TYPE_CHECKING:
    from edge.control_room.arrivals import Arrival
    from edge.telemetry.commands import Command
    from edge.telemetry.topics import CommandTopic

BEGAN = datetime(2026, 1, 2, 1, 0, tzinfo=timezone.utc)
ZONE = timezone(timedelta(hours=1), "CET")
AT_S = 206
STEP_S = 2
SIZE = (110, 32)


class Played:
    """The night until a moment, as a feed of the view."""

    def __init__(self, site: str) -> None:
        self._arrivals: list[tuple[datetime, Arrival]] = []
        night = Night(boxes_of(site, 50, seed=1), events_of_the_night())
        for at_s in range(0, AT_S, STEP_S):
            now = BEGAN + timedelta(seconds=at_s)
            for name, payload, _ in night.begin(0, now) if at_s == 0 else night.step(at_s, now):
                topic = parse(name)
                if topic is not None:
                    self._arrivals.append((now, arrival_of(topic, payload, retained=False)))

    def take(self) -> News:
        """Return all at once."""
        news = News(tuple(self._arrivals), (), connected=True)
        self._arrivals = []
        return news

    def send(self, topic: CommandTopic, command: Command) -> None:
        """Send nothing: nobody presses keys."""


async def _drawn(site: str) -> str:
    app = WatchApp(
        Played(site), lambda: BEGAN + timedelta(seconds=AT_S), broker="broker.example", site=site, bell=False, zone=ZONE
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.look()
        await pilot.pause()
        return app.export_screenshot(title="gammabox-edge watch")


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    require_free(out, is_picture)
    out.write_text(f"{PICTURE_MARK}\n{asyncio.run(_drawn('harbour'))}", encoding="utf-8")


if __name__ == "__main__":
    main()
