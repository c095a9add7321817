"""The pipeline: frames in, analysed frames out; the one walk over triples that all packages share."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from edge.alarm.live_time import observe
from edge.capture.frame import triples
from edge.detect.camera_state import FEEDBACK_FRAMES
from edge.overlap import Stages, overlapped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from edge.alarm.alarm import Alarm
    from edge.alarm.live_time import Observation
    from edge.alarm.tracker import AlarmTracker
    from edge.capture.frame import Frame, Triple
    from edge.detect.detector import Detector, Judged, Proposal
    from edge.detect.hit import Detection

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFrame:
    """The middle frame of a triple with everything that the pipeline knows of it.

    Attributes
    ----------
    triple : Triple
    detection : Detection
        The hits and the live ground of the frame.
    observation : Observation
        The facts of the frame that the alarm counts.
    alarms : tuple of Alarm
        The steps of alarms that this frame led to, usually none; always none without a tracker.
    stage_ms : mapping of str to float
        Milliseconds by stage: "decode" of the newest frame of the triple, the detector's stages, "alarm".

    """

    triple: Triple
    detection: Detection
    observation: Observation
    alarms: tuple[Alarm, ...]
    stage_ms: Mapping[str, float]

    @property
    def frame(self) -> Frame:
        """The frame that was analysed."""
        return self.triple.current


@dataclass(frozen=True, slots=True)
class Account:
    """Sums over analysed frames. It never changes, so another thread may read it at any time.

    Frames that a source has delivered, dropped or lost are counted by its own `Report`.

    Attributes
    ----------
    analysed : int
        Number of frames.
    hits, live_hits : int
        Hits found, and those of them that count: on live ground, and no nuisance.
    live_s : float
        Exposure × live fraction × sensitivity: live_hits / live_s is the rate that the alarm judges.
    live_fraction_sum, sensitivity_sum : float
        Sums of the two over the frames; see `live_fraction` and `sensitivity` for their means.
    candidates, unclassified : int
        Candidates of the fast path, and those left over when the budget of a frame was spent.
    overloaded : int
        Frames with more hits than can be judged.
    alarms : int
        Number of alarms raised.
    stage_ms : mapping of str to float
        Milliseconds by stage.

    """

    analysed: int = 0
    hits: int = 0
    live_hits: int = 0
    live_s: float = 0.0
    live_fraction_sum: float = 0.0
    sensitivity_sum: float = 0.0
    candidates: int = 0
    unclassified: int = 0
    overloaded: int = 0
    alarms: int = 0
    stage_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def live_fraction(self) -> float | None:
        """Mean live fraction of the frames; None before the first."""
        return self.live_fraction_sum / self.analysed if self.analysed else None

    @property
    def sensitivity(self) -> float | None:
        """Mean sensitivity of the frames; None before the first."""
        return self.sensitivity_sum / self.analysed if self.analysed else None

    @property
    def mean_ms(self) -> dict[str, float]:
        """Mean milliseconds a frame by stage; empty before the first."""
        return {stage: total / self.analysed for stage, total in self.stage_ms.items()} if self.analysed else {}

    def plus(self, analysed: AnalysedFrame) -> Account:
        """Return the account with one more frame."""
        detection, observed = analysed.detection, analysed.observation
        stages = dict(self.stage_ms)
        for stage, spent_ms in analysed.stage_ms.items():
            stages[stage] = stages.get(stage, 0.0) + spent_ms
        return Account(
            analysed=self.analysed + 1,
            hits=self.hits + len(detection.hits),
            live_hits=self.live_hits + sum(hit.counts for hit in detection.hits),
            live_s=self.live_s + observed.live_s,
            live_fraction_sum=self.live_fraction_sum + detection.live_fraction,
            sensitivity_sum=self.sensitivity_sum + detection.sensitivity,
            candidates=self.candidates + detection.candidates,
            unclassified=self.unclassified + detection.unclassified,
            overloaded=self.overloaded + (detection.overload is not None),
            alarms=self.alarms + sum(alarm.state == "raised" for alarm in analysed.alarms),
            stage_ms=stages,
        )

    def since(self, earlier: Account) -> Account:
        """Return the account of the frames that came after an earlier account."""
        return Account(
            analysed=self.analysed - earlier.analysed,
            hits=self.hits - earlier.hits,
            live_hits=self.live_hits - earlier.live_hits,
            live_s=self.live_s - earlier.live_s,
            live_fraction_sum=self.live_fraction_sum - earlier.live_fraction_sum,
            sensitivity_sum=self.sensitivity_sum - earlier.sensitivity_sum,
            candidates=self.candidates - earlier.candidates,
            unclassified=self.unclassified - earlier.unclassified,
            overloaded=self.overloaded - earlier.overloaded,
            alarms=self.alarms - earlier.alarms,
            stage_ms={stage: total - earlier.stage_ms.get(stage, 0.0) for stage, total in self.stage_ms.items()},
        )


def analysed_frames(
    frames: Iterable[Frame], detector: Detector, tracker: AlarmTracker | None = None, threads: int = 1
) -> Iterator[AnalysedFrame]:
    """Analyse frames as they come and yield the result for each one that has a neighbour on both sides.

    Parameters
    ----------
    frames : iterable of Frame
        A source, or any frames in order. Frames at a gap or a change of mode are not analysed: see `triples`.
    detector : Detector
        It learns the camera's noise from these frames, so use a new one for each camera.
    tracker : AlarmTracker or None
        Tracker that the frames update; None where no alarm is wanted.
    threads : int
        As of `detections`.

    Examples
    --------
    Seven frames of an even grey, with one bright spot in the fourth:

    >>> from datetime import datetime, timezone
    >>> import numpy as np
    >>> from edge.bundle import load_bundle, shipped_bundle_path
    >>> from edge.capture.frame import Frame
    >>> from edge.detect.detector import Detector
    >>> greys = np.full((7, 240, 320), 60, np.uint8)
    >>> greys[3, 100:103, 200:203] = 200
    >>> frames = [Frame(i, i / 25, datetime.now(timezone.utc), grey) for i, grey in enumerate(greys)]
    >>> detector = Detector(load_bundle(shipped_bundle_path()))
    >>> [(analysed.frame.sequence, len(analysed.detection.hits)) for analysed in analysed_frames(frames, detector)]
    [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)]

    """
    work = ((triple, detector) for triple in triples(frames))
    with closing(detections(work, threads)) as detected:
        for triple, detection in detected:
            yield conclude(triple, detection, tracker)


def detections(
    work: Iterable[tuple[Triple, Detector] | None], threads: int = 1
) -> Generator[tuple[Triple, Detection], None, None]:
    """Yield each triple with what its detector finds in it, in order.

    With more than one thread, decoding, fast path and networks of successive frames overlap. The detections are the
    same as with one.

    Parameters
    ----------
    work : iterable of (Triple, Detector), or None
        Read in another thread, a few frames ahead. None stands for no triple: what comes after it is read when all
        detections before it were taken.
    threads : int
        Threads that read and detect beside the caller's; with 1 the caller's does everything.

    """
    return overlapped(work, Stages(_propose, _judge, _decide, FEEDBACK_FRAMES), threads)


def _propose(work: tuple[Triple, Detector]) -> tuple[Triple, Detector, Proposal]:
    triple, detector = work
    return triple, detector, detector.propose(triple)


def _judge(proposed: tuple[Triple, Detector, Proposal]) -> tuple[Triple, Detector, Judged]:
    triple, detector, proposal = proposed
    return triple, detector, detector.judge(proposal)


def _decide(judged: tuple[Triple, Detector, Judged]) -> tuple[Triple, Detection]:
    triple, detector, candidates = judged
    return triple, detector.decide(candidates)


def walk(frames: Iterable[Frame], *steps: Callable[[Triple], Result]) -> Iterator[tuple[Result, ...]]:
    """Yield the results of all steps for each triple of the frames.

    Several detectors or methods thus see the same frames, each decoded once.
    """
    for triple in triples(frames):
        yield tuple(step(triple) for step in steps)


def analyse_triple(triple: Triple, detector: Detector) -> AnalysedFrame:
    """Analyse the middle frame of a triple without an alarm: find its hits, observe its live time."""
    return conclude(triple, detector.detect(triple))


def conclude(triple: Triple, detection: Detection, tracker: AlarmTracker | None = None) -> AnalysedFrame:
    """Observe the live time of a detection and update the alarm."""
    began = perf_counter()
    observed = observe(detection, triple)
    alarms = tracker.update(observed) if tracker is not None else ()
    stage_ms = {
        "decode": triple.following.decode_ms,
        **detection.stage_ms,
        "alarm": (perf_counter() - began) * 1e3,
    }
    return AnalysedFrame(triple, detection, observed, alarms, stage_ms)
