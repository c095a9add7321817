"""Playback: hits in time through the alarm's tracker, one update a hit and few for the time between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.live_time import Observation
from edge.simulation.hit_train import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.alarm.alarm import Alarm
    from edge.alarm.tracker import AlarmTracker
    from edge.simulation.hit_train import HitTrain

START_UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)
QUIET_S = 10.0
"""Longest time without hits that one update covers. Updates end at multiples of it, as the bins of the background."""
STANDING_S = 0.2
"""The same while an alarm stands: recent rates and the wait for quiet are measured in seconds."""


@dataclass(frozen=True, slots=True)
class FramePace:
    """How a camera's time becomes live time.

    Attributes
    ----------
    fps : float
        Frames a second.
    live_share : float
        Live seconds a second: exposure × frame rate × live fraction × sensitivity.

    """

    fps: float = 25.0
    live_share: float = 1.0


def play(
    tracker: AlarmTracker, hits: HitTrain, start_s: float, end_s: float, pace: FramePace = FramePace()
) -> Iterator[Alarm]:
    """Yield the steps of alarms that hits cause.

    Each frame with hits is one update. Frames without hits between two of them are merged: the trigger's sums, the
    background and the stretch are linear in live time, so that decisions are those of an update each frame.

    Parameters
    ----------
    tracker : AlarmTracker
    hits : HitTrain
        Hits from `start_s` to `end_s`.
    start_s, end_s : float
        Monotonic times; rounded down to frames.
    pace : FramePace

    """
    frame, end = math.floor(start_s * pace.fps), math.floor(end_s * pace.fps)
    numbers, firsts = np.unique(np.floor(hits.times_s * pace.fps).astype(np.int64), return_index=True)
    lasts = np.append(firsts, len(hits))[1:]
    places = list(map(tuple, hits.places.tolist()))
    for number, first, last in zip(numbers.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
        yield from _play_quiet(tracker, frame, number, pace)
        yield from tracker.update(_observation(number, 1, pace, tuple(places[first:last])))
        frame = number + 1
    yield from _play_quiet(tracker, frame, end, pace)


def _play_quiet(tracker: AlarmTracker, frame: int, end: int, pace: FramePace) -> Iterator[Alarm]:
    """Update the tracker with the frames from `frame` to before `end`, which have no hits."""
    while frame < end:
        step = max(1, round((STANDING_S if tracker.condition == "alarm" else QUIET_S) * pace.fps))
        until = min(end, (frame // step + 1) * step)
        yield from tracker.update(_observation(frame, until - frame, pace, ()))
        frame = until


def _observation(frame: int, count: int, pace: FramePace, places: tuple[tuple[int, int], ...]) -> Observation:
    """Return `count` frames from `frame` on as one observation; its time is that of the first."""
    time_s = frame / pace.fps
    return Observation(
        frame,
        time_s,
        START_UTC + timedelta(seconds=time_s),
        len(places),
        count * pace.live_share / pace.fps,
        count / pace.fps,
        True,  # noqa: FBT003 - the exposure is known; by name it takes a third longer
        1.0,
        0,
        1.0,
        places,
        SIZE,
    )
