"""The heartbeat: what the agent says of itself every other second, in a file that does not outlive a start of the box.

The agent of any release writes it and the updater of any other reads it: keys are only ever added.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 65536
MAX_FAULTS = 5
MAX_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What an agent says of itself.

    Attributes
    ----------
    boot_id : str
        Its run.
    beat_s : float
        When it said so, by the monotonic clock of the box.
    frames : int
        Frames analysed since its start.
    fps : float
        Frames analysed a second lately.
    live_fraction : float or None
        Mean share of the picture lately in which a hit would be seen; None without a frame.
    online : bool
        Whether it is connected to the broker.
    broker : (str, int)
        Host and port of the broker.
    faults : tuple of str
        What it finds wrong.

    """

    boot_id: str
    beat_s: float
    frames: int
    fps: float
    live_fraction: float | None
    online: bool
    broker: tuple[str, int]
    faults: tuple[str, ...] = ()


def write_heartbeat(path: Path, heartbeat: Heartbeat) -> None:
    """Write a heartbeat in one step. It is not flushed: it lies in memory.

    Raises
    ------
    OSError
        It cannot be written.

    """
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(heartbeat)), encoding="utf-8")
    part.replace(path)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Return the heartbeat in a file; None where there is none that can be read.

    The file is the agent's, so nothing in it is believed before it is looked at.
    """
    try:
        with path.open("rb") as file:
            given = json.loads(file.read(MAX_BYTES))
        host, port = given["broker"]
        live = given["live_fraction"]
        heartbeat = Heartbeat(
            boot_id=str(given["boot_id"]),
            beat_s=float(given["beat_s"]),
            frames=int(given["frames"]),
            fps=float(given["fps"]),
            live_fraction=None if live is None else float(live),
            online=given["online"] is True,
            broker=(str(host)[:MAX_LETTERS], int(port)),
            faults=tuple(str(fault)[:MAX_LETTERS] for fault in given.get("faults", ())[:MAX_FAULTS]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    numbers = (heartbeat.beat_s, heartbeat.fps, heartbeat.live_fraction or 0.0)
    return heartbeat if all(map(math.isfinite, numbers)) else None
