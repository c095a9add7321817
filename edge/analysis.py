"""A recording through the same pipeline as the agent's, as fast as it goes: events as they come, then a summary."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

import numpy as np

from edge.alarm.live_time import observation
from edge.alarm.tracker import AlarmTracker
from edge.capture.base import too_short
from edge.capture.frame import triples
from edge.config.device import AlarmSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge.alarm.alarm import Alarm
    from edge.alarm.live_time import Observation
    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.detect.detector import Detector
    from edge.detect.hit import Detection

STAGES = ("decode", "fast_path", "crop", "classify", "colour", "alarm")


@dataclass(frozen=True, slots=True)
class StageTime:
    """Milliseconds a frame that one stage took."""

    mean: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The account of a recording.

    Attributes
    ----------
    frames : int
        Frames of the recording, damaged ones included.
    seconds : float
        Wall clock of the whole run.
    fps : float
        frames / seconds.
    ms : mapping of stage to StageTime
    hits, alarms : int
        Hits found, alarms raised.
    live_fraction : float
        Mean over the analysed frames.
    sensitivity : float
        Mean over them of how visible hits were on live ground, 0..1.
    live_hits : int
        Hits on live ground.
    live_s : float
        Exposure × live fraction × sensitivity, summed up: live_hits / live_s is the rate that the alarm judges.
    unclassified : int
        Candidates that were left over when the budget of a frame was spent.
    not_analysed : int
        Frames in the middle of no unbroken run of three: the first, the last, damaged ones and their neighbours.
    candidates : int
    damaged : int
    warnings : tuple of str
    runtime : str
        What ran the networks, with its version.

    """

    frames: int
    seconds: float
    fps: float
    ms: Mapping[str, StageTime]
    hits: int
    alarms: int
    live_fraction: float
    sensitivity: float
    live_hits: int
    live_s: float
    unclassified: int
    not_analysed: int
    candidates: int
    damaged: int
    warnings: tuple[str, ...]
    runtime: str

    def as_json(self) -> str:
        """Give the summary as one JSON object."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class _Account:
    """What adds up while a recording runs."""

    analysed: int = 0
    hits: int = 0
    alarms: int = 0
    candidates: int = 0
    unclassified: int = 0
    live: float = 0.0
    sensitivity: float = 0.0
    live_hits: int = 0
    live_s: float = 0.0
    stage_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def analyze(
    source: Source,
    detector: Detector,
    *,
    alarm: AlarmSettings | None = None,
    started_s: float | None = None,
    events: TextIO | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Look for hits in a whole recording.

    Parameters
    ----------
    source : Source
    detector : Detector
    alarm : AlarmSettings or None
        None for the defaults.
    started_s : float or None
        `time.perf_counter()` at the start of the run; None for now.
    events : text file or None
        Gets one JSON object a line, each written as soon as its frame is analysed.
    progress : callable
        Called with the number of frames taken so far.

    Raises
    ------
    SourceError
        The recording holds no three usable frames in a row.

    """
    started = perf_counter() if started_s is None else started_s
    account = _Account()
    tracker = AlarmTracker(alarm if alarm is not None else AlarmSettings())
    for triple in triples(_timed(source, account, progress)):
        detection = detector.detect(triple)
        watched = perf_counter()
        seen = observation(detection, triple)
        steps = tracker.take(seen)
        account.stage_ms["alarm"].append((perf_counter() - watched) * 1e3)
        _enter(account, detection, seen, steps)
        if events is not None and (detection.hits or steps):
            found = (*hit_events(triple.current, detection), *(step.as_event() for step in steps))
            events.writelines(f"{json.dumps(event)}\n" for event in found)
            events.flush()
    if not account.analysed:
        raise too_short(source)
    report = source.report
    frames = report.delivered + report.damaged
    seconds = perf_counter() - started
    return Summary(
        frames=frames,
        seconds=round(seconds, 3),
        fps=round(frames / seconds, 2),
        ms={stage: stage_time(account.stage_ms[stage]) for stage in STAGES},
        hits=account.hits,
        alarms=account.alarms,
        live_fraction=round(account.live / account.analysed, 4),
        sensitivity=round(account.sensitivity / account.analysed, 4),
        live_hits=account.live_hits,
        live_s=round(account.live_s, 3),
        unclassified=account.unclassified,
        not_analysed=frames - account.analysed,
        candidates=account.candidates,
        damaged=report.damaged,
        warnings=report.warnings,
        runtime=str(detector.runtime),
    )


def hit_events(frame: Frame, detection: Detection) -> Iterator[dict[str, object]]:
    """Give the events of one frame's hits."""
    for hit in detection.hits:
        yield {
            "type": "hit",
            "frame": frame.sequence,
            "time_s": round(frame.monotonic_s, 4),
            "x": hit.x,
            "y": hit.y,
            "score": round(hit.score, 6),
            "added": round(hit.added_dn, 1),
            "pixels": hit.pixels,
            "live": hit.live,
        }


def stage_time(spent_ms: list[float]) -> StageTime:
    """Sum up the times of one stage, one value a frame."""
    if not spent_ms:
        return StageTime(0.0, 0.0, 0.0)
    values = np.asarray(spent_ms)
    mean, p95, most = float(values.mean()), float(np.percentile(values, 95)), float(values.max())
    return StageTime(round(mean, 3), round(p95, 3), round(most, 3))


def _timed(source: Source, account: _Account, progress: Callable[[int], None]) -> Iterator[Frame]:
    for taken, frame in enumerate(source, start=1):
        account.stage_ms["decode"].append(source.last_decode_ms)
        progress(taken)
        yield frame


def _enter(account: _Account, detection: Detection, seen: Observation, steps: tuple[Alarm, ...]) -> None:
    account.analysed += 1
    account.hits += len(detection.hits)
    account.alarms += sum(step.state == "raised" for step in steps)
    account.candidates += detection.candidates
    account.unclassified += detection.unclassified
    account.live += detection.live_fraction
    account.sensitivity += detection.sensitivity
    account.live_hits += seen.hits
    account.live_s += seen.live_s
    for stage, spent in detection.stage_ms.items():
        account.stage_ms[stage].append(spent)
