"""Comparison of methods side by side: each frame is decoded once and judged by every method in turn."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.scoring import score
from edge.pipeline import walk
from edge.truth import doubts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edge.bench.method import Method, Sighting
    from edge.bench.scoring import Score
    from edge.capture.base import Source
    from edge.capture.frame import Frame, Triple
    from edge.truth import TrueHit


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds a frame of one stage."""

    mean: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Row:
    """The row of a method in the table.

    Attributes
    ----------
    name, about : str
    frames : int
        Number of frames that the method judged.
    fps : float
        1 / (mean time to decode the grey + mean time of the method).
    ms : mapping of stage to Spent
        Its stages, and their sum as "all".
    added_mb : float
        Resident memory from before its construction to after its first frame.
    score : Score or None
        None without a truth file.

    """

    name: str
    about: str
    frames: int
    fps: float
    ms: Mapping[str, Spent]
    added_mb: float
    score: Score | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole table. `decode` is the decoding of the grey of the same bytes, with its checks for damage."""

    clip: str
    frames: int
    threads: int
    decode: Spent
    rows: tuple[Row, ...]
    peak_mb: float
    warnings: tuple[str, ...]

    def as_json(self) -> str:
        """Return the comparison as a JSON object."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class _Course:
    """A method on its way through the recording."""

    method: Method
    built_mb: float
    every: int
    added_mb: float = 0.0
    sighted: dict[int, tuple[Sighting, ...]] = field(default_factory=dict)
    stage_ms: dict[str, list[float]] = field(default_factory=dict)

    def judge(self, triple: Triple) -> None:
        """Let the method judge a frame, if it is its turn, and record its sightings and times."""
        if self.every > 1 and triple.current.sequence % self.every != 1:
            return
        before = resident_mb() if not self.sighted else 0.0
        started = perf_counter()
        verdict = self.method.judge(triple)
        spent_ms = (perf_counter() - started) * 1e3
        if not self.sighted:
            self.added_mb = self.built_mb + resident_mb() - before
        self.sighted[triple.current.sequence] = verdict.sightings
        for stage, took in (*verdict.stage_ms.items(), ("all", spent_ms)):
            self.stage_ms.setdefault(stage, []).append(took)


def compare(
    source: Source,
    makers: Sequence[Callable[[], Method]],
    truth: Sequence[TrueHit] | None,
    *,
    threads: int,
    every: int = 24,
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Return the comparison of methods on a recording.

    Parameters
    ----------
    source : Source
    makers : sequence of callables
        Constructors of the methods. They are called here, so that their memory can be measured.
    truth : sequence of TrueHit or None
    threads : int
        Threads of the methods, for the record.
    every : int
        Slow methods judge every Nth frame.
    progress : callable
        Called with the number of frames decoded so far.

    """
    courses = []
    for make in makers:
        before = resident_mb()
        method = make()
        courses.append(_Course(method, resident_mb() - before, every if method.slow else 1))
    decode_ms: list[float] = []
    sizes: set[tuple[int, ...]] = set()
    for _ in walk(_counted(source, decode_ms, sizes, progress), *(course.judge for course in courses)):
        pass
    decode = spent(decode_ms)
    report = source.report
    frames = report.delivered + report.damaged
    return Comparison(
        clip=Path(source.spec).name,
        frames=frames,
        threads=threads,
        decode=decode,
        rows=tuple(_row(course, decode, truth) for course in courses),
        peak_mb=peak_mb(),
        warnings=(*report.warnings, *doubts(truth or (), frames + report.dropped, sizes)),
    )


def spent(values_ms: Sequence[float]) -> Spent:
    """Return the mean, the median and the 95th percentile of times, one a frame."""
    if not values_ms:
        return Spent(0.0, 0.0, 0.0)
    mean, median, p95 = np.mean(values_ms), np.median(values_ms), np.percentile(values_ms, 95)
    return Spent(round(float(mean), 3), round(float(median), 3), round(float(p95), 3))


def resident_mb() -> float:
    """Return the resident memory of this process in MB (Linux)."""
    return _status_mb("VmRSS:")


def peak_mb() -> float:
    """Return the peak of the resident memory of this process in MB (Linux)."""
    return _status_mb("VmHWM:")


def _status_mb(key: str) -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next((line for line in status.read_text(encoding="ascii").splitlines() if line.startswith(key)), f"{key} 0")
    return round(int(line.split()[1]) / 1024, 1)


def _counted(
    source: Source, decode_ms: list[float], sizes: set[tuple[int, ...]], progress: Callable[[int], None]
) -> Iterator[Frame]:
    for count, frame in enumerate(source, start=1):
        decode_ms.append(frame.decode_ms)
        sizes.add(frame.grey.shape)
        progress(count)
        yield frame


def _row(course: _Course, decode: Spent, truth: Sequence[TrueHit] | None) -> Row:
    ms = {stage: spent(values) for stage, values in course.stage_ms.items()}
    own = ms["all"].mean if ms else 0.0
    return Row(
        name=course.method.name,
        about=course.method.about,
        frames=len(course.sighted),
        fps=round(1e3 / (decode.mean + own), 2) if ms else 0.0,
        ms=ms,
        added_mb=round(course.added_mb, 1),
        score=None if truth is None else score(course.sighted, truth),
    )
