"""Alarms in the weather: recorded frames of a nuisance, put together to long times, and then a source in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.background import Rate
from edge.alarm.live_time import class_of
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.detect.faint import GRADES
from edge.detect.hit import SURE_GRADE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.random import Generator

    from edge.alarm.live_time import Observation

BACKGROUND_HZ = 0.05
"""True hits without a source, per live second: cosmic muons and natural gammas."""
KNOWN = Rate(BACKGROUND_HZ * 7200, 7200)
"""What a calibrated box knows of the background, in hits and live seconds."""
BLOCK_S = 4.0
"""Stretches of a film that are kept whole, so that what is related in time stays together."""
SOURCE_S = 60.0
WANTED_S = 30.0
"""A source should be raised so soon."""
_LIKE_LIGHT, _SURE = 0.25, 0.5
"""Shares of the added true hits that look like light, and that are sure: see `edge.alarm.leak`."""
_SURE_GRADES = len(GRADES) - SURE_GRADE + 1
_EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Weather:
    """What the alarm makes of a nuisance.

    Attributes
    ----------
    name : str
    hits_hz, counted_hz : float
        Hits per live second in the films, and those that are left when each was looked at by itself.
    minutes : float
        Of each run without a source.
    runs : int
    alarms : int
        Raised in all runs together without a source, at a box that knows its background from clear weather.
    cold_alarms : int
        The same at a box that has just started and knows nothing.
    delays_s : tuple of float or None
        For each run of a box that knows its background: seconds from the source to the alarm; None without an alarm in
        a minute. An alarm that stands before counts as no delay.

    """

    name: str
    hits_hz: float
    counted_hz: float
    minutes: float
    runs: int
    alarms: int
    cold_alarms: int
    delays_s: tuple[float | None, ...]


def judge_weather(
    name: str,
    quiet: Sequence[Sequence[Observation]],
    lit: Sequence[Sequence[Observation]],
    *,
    fps: float,
    minutes: float = 20.0,
    runs: int = 2,
    seed: int = 1,
) -> Weather:
    """Run the alarm over recorded frames, each run over those of one clip.

    Parameters
    ----------
    name : str
        Of the nuisance.
    quiet, lit : sequence of sequence of Observation
        The frames of each clip without and with a source.
    fps : float
        Frames a second.
    minutes : float
        Length of each run without a source; a minute with one follows.
    runs : int
        Of each clip.
    seed : int

    """
    alarms = cold_alarms = 0
    delays: list[float | None] = []
    for number in range(runs * len(quiet)):
        clip = number % len(quiet)
        rng = np.random.default_rng([seed, number])
        before = list(in_blocks(quiet[clip], round(minutes * 60 * fps), fps, rng))
        after = in_turn(lit[clip], round(SOURCE_S * fps), rng)
        raised = times_of_alarms([*before, *after], fps, rng, known=KNOWN)
        without = [time_s for time_s in raised if time_s < minutes * 60]
        alarms += len(without)
        delays.append(next((time_s - minutes * 60 for time_s in raised if time_s >= minutes * 60), None))
        cold_alarms += len(times_of_alarms(before, fps, rng, known=None))
    frames = [frame for clip in quiet for frame in clip]
    live_s = max(sum(frame.live_s for frame in frames), 1e-9)
    return Weather(
        name=name,
        hits_hz=sum(frame.hits + frame.explained for frame in frames) / live_s,
        counted_hz=sum(frame.hits for frame in frames) / live_s,
        minutes=minutes,
        runs=runs * len(quiet),
        alarms=alarms,
        cold_alarms=cold_alarms,
        delays_s=tuple(delays),
    )


def in_blocks(train: Sequence[Observation], frames: int, fps: float, rng: Generator) -> Iterator[Observation]:
    """Yield so many frames: blocks of a recording that begin anywhere in it, one after another."""
    length = min(round(BLOCK_S * fps), len(train))
    for done in range(0, frames, length):
        begin = int(rng.integers(0, len(train) - length + 1))
        yield from train[begin : begin + min(length, frames - done)]


def in_turn(train: Sequence[Observation], frames: int, rng: Generator) -> list[Observation]:
    """Return at most so many frames of a recording from anywhere in it, its end followed by its beginning.

    None comes twice: hits at places of earlier ones are what a nuisance has.
    """
    begin = int(rng.integers(0, len(train)))
    return [*train[begin:], *train[:begin]][:frames]


def times_of_alarms(
    frames: Iterable[Observation], fps: float, rng: Generator, *, known: Rate | None
) -> tuple[float, ...]:
    """Return when alarms are raised, in seconds from the first frame; true background is added to the frames."""
    tracker = AlarmTracker(AlarmSettings(), known=known)
    raised: list[float] = []
    for number, frame in enumerate(frames):
        time_s = number / fps
        timed = replace(frame, sequence=number, monotonic_s=time_s, utc=_EPOCH + timedelta(seconds=time_s))
        steps = tracker.update(_with_background(timed, rng))
        raised += [time_s for step in steps if step.state == "raised"]
    return tuple(raised)


def _with_background(frame: Observation, rng: Generator) -> Observation:
    hits = int(rng.poisson(BACKGROUND_HZ * frame.live_s))
    if not hits:
        return frame
    width, height = frame.size
    places = tuple((int(rng.integers(width)), int(rng.integers(height))) for _ in range(hits))
    looks = rng.random(hits)
    graded = tuple(
        (x, y, class_of(SURE_GRADE + int(_SURE_GRADES * (look - 1 + _SURE) / _SURE), live=True))
        for (x, y), look in zip(places, looks.tolist(), strict=True)
        if look >= 1 - _SURE
    )
    return replace(
        frame,
        hits=frame.hits + hits,
        positions=frame.positions + places,
        like_light=frame.like_light + tuple((looks < _LIKE_LIGHT).tolist()),
        sure=frame.sure + tuple((looks >= 1 - _SURE).tolist()),
        graded=None if frame.graded is None else frame.graded + graded,
    )


def as_markdown(rows: Iterable[Weather]) -> str:
    """Return a Markdown table of the alarms."""
    head = "| nuisance | hits a live second | – counted | alarms | – after a cold start | source raises after"
    lines = [
        f"{head} | within {WANTED_S:g} s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        delays_s = sorted(delay for delay in row.delays_s if delay is not None)
        delay = f"{delays_s[len(delays_s) // 2]:.1f} s, at most {delays_s[-1]:.1f} s" if delays_s else "–"
        if missed := len(row.delays_s) - len(delays_s):
            delay += f"; {missed} of {row.runs} missed"
        soon = sum(delay <= WANTED_S for delay in delays_s)
        hours = row.minutes * row.runs / 60
        lines.append(
            f"| {row.name} | {row.hits_hz:.3g} | {row.counted_hz:.3g} | {row.alarms} in {hours:.3g} h "
            f"| {row.cold_alarms} | {delay} | {soon} of {row.runs} |"
        )
    return "\n".join(lines)
