"""Comparison of the pipeline with itself: the same recording with one thread and with several, in turn, in one run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from edge.alarm.tracker import AlarmTracker
from edge.bench.comparison import peak_mb
from edge.config.device import AlarmSettings
from edge.pipeline import analysed_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.capture.base import Source
    from edge.detect.detector import Detector


@dataclass(frozen=True, slots=True)
class ThreadsRow:
    """What a number of threads comes to.

    Attributes
    ----------
    threads : int
    fps, best_fps : float
        Frames a second, decoding included: the median of the rounds, and the best of them.
    speedup, best_speedup : float
        The two, divided by those of the first number of threads.
    processor_ms : float
        Processor time a frame, of all threads, in the round that took least.
    same : bool
        Whether hits, live ground and alarms are those of the first number of threads, in each round.

    """

    threads: int
    fps: float
    best_fps: float
    speedup: float
    best_speedup: float
    processor_ms: float
    same: bool


@dataclass(frozen=True, slots=True)
class ThreadsComparison:
    """The whole table."""

    clip: str
    frames: int
    rounds: int
    rows: tuple[ThreadsRow, ...]
    peak_mb: float

    def as_json(self) -> str:
        """Return the comparison as a JSON object."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over the recording."""

    frames: int
    seconds: float
    processor_s: float
    found: tuple[object, ...]


def compare_threads(
    open_clip: Callable[[], Source],
    make_detector: Callable[[], Detector],
    counts: Sequence[int],
    rounds: int,
    progress: Callable[[int], None] = lambda _: None,
) -> ThreadsComparison:
    """Return how fast a recording is analysed with each number of threads.

    The numbers take turns in each round, so that other work on the machine troubles all of them alike.

    Parameters
    ----------
    open_clip : callable
        Opens the recording.
    make_detector : callable
        Makes a new detector.
    counts : sequence of int
        Numbers of threads. The others are compared with the first.
    rounds : int
    progress : callable
        Called with the number of passes done so far.

    """
    passes: dict[int, list[_Pass]] = {count: [] for count in counts}
    spec = ""
    for done in range(rounds * len(passes)):
        count = list(passes)[done % len(passes)]
        detector = make_detector()
        with open_clip() as source:
            spec = source.spec
            passes[count].append(_pass(source, detector, count))
        progress(done + 1)
    first = passes[counts[0]]
    rows = tuple(_row(count, passes[count], first) for count in passes)
    return ThreadsComparison(spec, first[0].frames, rounds, rows, peak_mb())


def _pass(source: Source, detector: Detector, threads: int) -> _Pass:
    tracker = AlarmTracker(AlarmSettings())
    found: list[object] = []
    began_s, began_processor_s = perf_counter(), process_time()
    for analysed in analysed_frames(source, detector, tracker, threads):
        detection = analysed.detection
        alarms = tuple(alarm.state for alarm in analysed.alarms)
        found.append((detection.sequence, detection.hits, detection.live_fraction, detection.candidates, alarms))
    seconds, processor_s = perf_counter() - began_s, process_time() - began_processor_s
    return _Pass(source.report.delivered + source.report.damaged, seconds, processor_s, tuple(found))


def _row(threads: int, passes: Sequence[_Pass], first: Sequence[_Pass]) -> ThreadsRow:
    frames = first[0].frames
    usual_s, shortest_s = median(each.seconds for each in passes), min(each.seconds for each in passes)
    first_usual_s, first_shortest_s = median(each.seconds for each in first), min(each.seconds for each in first)
    return ThreadsRow(
        threads=threads,
        fps=round(frames / usual_s, 2),
        best_fps=round(frames / shortest_s, 2),
        speedup=round(first_usual_s / usual_s, 3),
        best_speedup=round(first_shortest_s / shortest_s, 3),
        processor_ms=round(min(each.processor_s for each in passes) * 1e3 / frames, 2),
        same=all(each.found == first[0].found for each in passes),
    )
