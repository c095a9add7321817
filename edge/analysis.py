"""Analysis of a recording with the pipeline of the agent, as fast as possible: events, then a summary."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

import numpy as np

from edge.alarm.condition import situation_of
from edge.alarm.episodes import episodes
from edge.alarm.tracker import AlarmTracker
from edge.arguments import described, takes
from edge.capture.report import too_short
from edge.config.device import AlarmSettings
from edge.detect.hit import DETECTION_STAGES
from edge.errors import InputError
from edge.pipeline import Account, analysed_frames
from edge.redaction import redacted_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from edge.alarm.alarm import Alarm
    from edge.alarm.background import Rate
    from edge.alarm.condition import Situation
    from edge.alarm.episodes import Episode
    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.capture.part import Part
    from edge.capture.report import Report
    from edge.detect.detector import Detector
    from edge.pipeline import AnalysedFrame

CAMERA_STATES = 20
"""The summary lists the first states only; the events have all."""
STAGES = ("decode", *DETECTION_STAGES, "alarm")


@dataclass(frozen=True, slots=True)
class StageTime:
    """Milliseconds a frame of one stage."""

    mean: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of an analysed recording.

    Attributes
    ----------
    frames : int
        Frames of the recording, including damaged ones.
    seconds : float
        Duration of the whole run.
    fps : float
        frames / seconds.
    ms : mapping of stage to StageTime
    hits, alarms : int
        Number of hits found and of alarms raised.
    live_fraction : float
        Mean over the analysed frames.
    sensitivity : float
        Mean over the analysed frames; see `edge.detect.hit.Detection`.
    live_hits : int
        Number of hits on live ground that are no nuisance.
    live_s : float
        Sum of exposure × live fraction × sensitivity. The alarm judges the rate live_hits / live_s.
    unclassified : int
        Candidates left over when the budget of a frame was spent.
    not_analysed : int
        Frames without a neighbour on both sides: the first, the last, damaged ones and their neighbours.
    repeated : int
        Pictures that only repeat the one before. They are left out, and count neither as analysed nor as not analysed.
    camera : tuple of dict
        States of the camera that began: their name, time, detail and remedy.
    episodes : tuple of Episode
        The alarms, each from its onset to its end.
    candidates : int
    damaged : int
    warnings : tuple of str
    runtime : str
        Package that ran the networks, with its version.
    condition : {"learning", "clear", "alarm", "changed"}
        What can be said at the end; see `edge.alarm.condition.Situation`.
    reasons : tuple of str
        Why it is "learning".
    overloaded : int
        Frames with more hits than can be judged.
    recent : tuple of dict
        Rates of the last 10 and 60 seconds, with their intervals.

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
    repeated: int
    candidates: int
    damaged: int
    warnings: tuple[str, ...]
    runtime: str
    condition: str
    reasons: tuple[str, ...]
    overloaded: int
    recent: tuple[dict[str, object], ...]
    camera: tuple[dict[str, object], ...] = ()
    episodes: tuple[Episode, ...] = ()

    def as_json(self) -> str:
        """Return the summary as a JSON object."""
        return json.dumps(asdict(self))


def _source(value: object, what: str) -> object:
    if not all(hasattr(value, name) for name in ("report", "take_changes", "spec")):
        raise InputError(f"{what}: found {described(value)}, expected a source: see edge.capture.source.open_source")
    return value


def _detector(value: object, what: str) -> object:
    if not hasattr(value, "runtime"):
        raise InputError(f"{what}: found {described(value)}, expected a detector: see edge.detect.detector.Detector")
    return value


@takes(source=_source, detector=_detector)
def analyze(
    source: Source | Part,
    detector: Detector,
    *,
    alarm: AlarmSettings | None = None,
    known: Rate | None = None,
    threads: int = 1,
    started_s: float | None = None,
    events: TextIO | None = None,
    progress: Callable[[int], None] = lambda _: None,
    follow: Callable[[AnalysedFrame, AlarmTracker], None] = lambda _frame, _tracker: None,
) -> Summary:
    """Analyse a whole recording and return its summary.

    Parameters
    ----------
    source : Source or Part
    detector : Detector
    alarm : AlarmSettings or None
        Settings of the alarm; None for the defaults.
    known : Rate or None
        Background of the site, where a calibration knows it.
    threads : int
        Threads in which successive frames overlap; the result does not depend on it.
    started_s : float or None
        `time.perf_counter()` at the start of the run, by default now.
    events : text file or None
        Receives the events, one JSON object a line, as soon as their frame is analysed.
    progress : callable
        Called with the number of frames read so far.
    follow : callable
        Called with each analysed frame and the tracker of the alarm after it.

    Raises
    ------
    SourceError
        The recording holds no three usable frames in a row.

    """
    began_s, account = perf_counter(), Account()
    stage_ms: defaultdict[str, list[float]] = defaultdict(list)
    settings = alarm or AlarmSettings()
    tracker = AlarmTracker(settings, known=known)
    camera = _CameraEvents(source)
    steps: list[Alarm] = []
    frames = camera.followed(_timed(source, stage_ms["decode"], progress))
    for analysed in analysed_frames(frames, detector, tracker, threads):
        account = account.plus(analysed)
        for stage in analysed.stage_ms.keys() - {"decode"}:  # which every frame costs, not only those analysed
            stage_ms[stage].append(analysed.stage_ms[stage])
        _write(events, (*camera.until(analysed.triple.following.sequence), *frame_events(analysed)))
        steps += analysed.alarms
        follow(analysed, tracker)
    if not account.analysed:
        raise too_short(source.spec, source.report)
    _write(events, camera.until(None))
    seconds = perf_counter() - (began_s if started_s is None else started_s)
    situation = situation_of(tracker, settings)
    summary = _summary(account, stage_ms, source.report, situation, seconds=seconds, runtime=str(detector.runtime))
    return replace(summary, camera=tuple(camera.begun), episodes=episodes(steps))


def _summary(
    account: Account,
    stage_ms: Mapping[str, list[float]],
    report: Report,
    situation: Situation,
    *,
    seconds: float,
    runtime: str,
) -> Summary:
    frames = report.delivered + report.damaged
    return Summary(
        frames=frames,
        seconds=round(seconds, 3),
        fps=round(frames / seconds, 2),
        ms={stage: stage_time(stage_ms[stage]) for stage in STAGES},
        hits=account.hits,
        alarms=account.alarms,
        live_fraction=round(account.live_fraction_sum / account.analysed, 4),
        sensitivity=round(account.sensitivity_sum / account.analysed, 4),
        live_hits=account.live_hits,
        live_s=round(account.live_s, 3),
        unclassified=account.unclassified,
        not_analysed=frames - account.analysed - report.repeated,
        repeated=report.repeated,
        candidates=account.candidates,
        damaged=report.damaged,
        warnings=report.warnings,
        runtime=runtime,
        condition=situation.condition,
        reasons=situation.reasons,
        overloaded=account.overloaded,
        recent=tuple(rate.as_dict() for rate in situation.recent),
    )


def _write(events: TextIO | None, lines: Iterable[dict[str, object]]) -> None:
    if events is None:
        return
    written = [f"{json.dumps(redacted_values(line))}\n" for line in lines]
    if written:
        events.writelines(written)
        events.flush()


class _CameraEvents:
    """The states of the camera, each reported with the frame after which it changed, though frames are read ahead.

    Attributes
    ----------
    begun : list of dict
        The first states that began.

    """

    def __init__(self, source: Source | Part) -> None:
        self._source = source
        self._known: deque[tuple[int, dict[str, object]]] = deque()
        self.begun: list[dict[str, object]] = []

    def followed(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames, and take the changes that each of them reveals."""
        for frame in frames:
            self._known.extend((frame.sequence, change.as_event()) for change in self._source.take_changes())
            yield frame

    def until(self, sequence: int | None) -> Iterator[dict[str, object]]:
        """Yield the changes up to a frame, or all of them after the last frame."""
        if sequence is None:
            self._known.extend((0, change.as_event()) for change in self._source.take_changes())
        while self._known and (sequence is None or self._known[0][0] <= sequence):
            _, event = self._known.popleft()
            if event["state"] == "begin" and len(self.begun) < CAMERA_STATES:
                self.begun.append(event)
            yield event


def frame_events(analysed: AnalysedFrame) -> Iterator[dict[str, object]]:
    """Yield the events of one frame: its hits, then the steps of its alarms."""
    frame = analysed.frame
    for hit in analysed.detection.hits:
        yield {
            "type": "hit",
            "frame": frame.sequence,
            "time_s": round(frame.monotonic_s, 4),
            "x": hit.x,
            "y": hit.y,
            "score": round(hit.score, 6),
            "added_dn": round(hit.added_dn, 1),
            "added": round(hit.added_dn, 1),  # the name that scripts for truth files expect
            "pixels": hit.pixels,
            "live": hit.live,
            **({"nuisance": hit.nuisance} if hit.nuisance is not None else {}),
        }
    for alarm in analysed.alarms:
        yield alarm.as_event()


def stage_time(spent_ms: list[float]) -> StageTime:
    """Return the mean, the 95th percentile and the maximum of times, one a frame."""
    if not spent_ms:
        return StageTime(0.0, 0.0, 0.0)
    values = np.asarray(spent_ms)
    mean, p95, longest = float(values.mean()), float(np.percentile(values, 95)), float(values.max())
    return StageTime(round(mean, 3), round(p95, 3), round(longest, 3))


def _timed(source: Source | Part, decode_ms: list[float], progress: Callable[[int], None]) -> Iterator[Frame]:
    for count, frame in enumerate(source, start=1):
        decode_ms.append(frame.decode_ms)
        progress(count)
        yield frame
