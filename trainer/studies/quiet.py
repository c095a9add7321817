"""False hits on clips without a source, clip by clip and pooled: every hit there is false."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.tracker import AlarmTracker
from edge.capture.source import open_source
from edge.config.device import AlarmSettings
from edge.detect.detector import Detector
from edge.pipeline import Account, analysed_frames
from edge.statistics import poisson_interval
from trainer.studies.dispersion import WINDOWS_S, dispersion, widened_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.alarm.live_time import Observation
    from edge.detect.manifest import Bundle
    from trainer.studies.dispersion import Dispersion


@dataclass(frozen=True, slots=True, eq=False)
class QuietClip:
    """The hits of a detector in one clip without a source. Arrays have one entry for each analysed frame.

    Attributes
    ----------
    name : str
    frames, damaged : int
        All frames of the clip; the damaged ones of them.
    alarms : int
        Alarms raised with the default settings.
    candidates, unclassified : int
        Candidates of the fast path; those left over.
    time_s, live_s, live_fraction : float64 array
    hits, live_hits : int64 array
    observations : tuple of Observation
        What the alarm gets of each analysed frame.

    """

    name: str
    frames: int
    damaged: int
    alarms: int
    candidates: int
    unclassified: int
    time_s: NDArray[np.float64] = field(repr=False)
    live_s: NDArray[np.float64] = field(repr=False)
    live_fraction: NDArray[np.float64] = field(repr=False)
    hits: NDArray[np.int64] = field(repr=False)
    live_hits: NDArray[np.int64] = field(repr=False)
    observations: tuple[Observation, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FalseHits:
    """False hits of one clip, or of several pooled.

    Attributes
    ----------
    name : str
    clips, frames, analysed, damaged : int
    hits, live_hits : int
        All false hits, and those on live ground, which alone count for the alarm.
    per_frame : float
        False hits per analysed frame.
    per_frame_interval : (float, float)
        95 % interval of a Poisson process.
    widened_interval : (float, float)
        The same, widened by the dispersion in the longest windows that allow a figure.
    live_fraction : float
        Mean over the analysed frames; 0 without any.
    live_s : float
    per_live_s : float or None
        live_hits / live_s; None without live time.
    alarms, candidates, unclassified : int
    dispersions : tuple of Dispersion
        Dispersion in windows of 1, 10 and 60 s.

    """

    name: str
    clips: int
    frames: int
    analysed: int
    damaged: int
    hits: int
    live_hits: int
    per_frame: float
    per_frame_interval: tuple[float, float]
    widened_interval: tuple[float, float]
    live_fraction: float
    live_s: float
    per_live_s: float | None
    alarms: int
    candidates: int
    unclassified: int
    dispersions: tuple[Dispersion, ...]


def count_false_hits(
    clip: Path, bundle: Bundle, *, exposure_s: float | None = None, progress: Callable[[int], None] = lambda _: None
) -> QuietClip:
    """Run detector and alarm over a clip without a source.

    Raises
    ------
    SourceError
        The clip cannot be read. A clip without three whole frames in a row has no analysed frames.

    """
    detector, tracker = Detector(bundle), AlarmTracker(AlarmSettings())
    rows: list[tuple[float, float, float, int, int]] = []
    observations: list[Observation] = []
    account = Account()
    with open_source(clip, exposure_s=exposure_s) as source:
        for analysed in analysed_frames(source, detector, tracker):
            account = account.plus(analysed)
            observed, hits = analysed.observation, len(analysed.detection.hits)
            rows.append((observed.monotonic_s, observed.live_s, observed.live_fraction, hits, observed.hits))
            observations.append(observed)
            progress(analysed.frame.sequence)
        report = source.report
    columns = np.array(rows, np.float64).reshape(-1, 5).T
    return QuietClip(
        name=clip.name,
        frames=report.delivered + report.damaged,
        damaged=report.damaged,
        alarms=account.alarms,
        candidates=account.candidates,
        unclassified=account.unclassified,
        time_s=columns[0],
        live_s=columns[1],
        live_fraction=columns[2],
        hits=columns[3].astype(np.int64),
        live_hits=columns[4].astype(np.int64),
        observations=tuple(observations),
    )


def pool(name: str, clips: Sequence[QuietClip]) -> FalseHits:
    """Return the false hits of clips taken together; dispersions are those within each clip."""
    analysed = sum(len(clip.hits) for clip in clips)
    hits = sum(int(clip.hits.sum()) for clip in clips)
    live_hits = sum(int(clip.live_hits.sum()) for clip in clips)
    live_s = sum(float(clip.live_s.sum()) for clip in clips)
    dispersions = tuple(dispersion([(clip.time_s, clip.hits) for clip in clips], window_s) for window_s in WINDOWS_S)
    spread = next((found.value for found in reversed(dispersions) if found.value is not None), 1.0)
    low, high = poisson_interval(hits)
    wide_low, wide_high = widened_interval(hits, spread)
    frames = max(analysed, 1)
    return FalseHits(
        name=name,
        clips=len(clips),
        frames=sum(clip.frames for clip in clips),
        analysed=analysed,
        damaged=sum(clip.damaged for clip in clips),
        hits=hits,
        live_hits=live_hits,
        per_frame=hits / frames,
        per_frame_interval=(low / frames, high / frames),
        widened_interval=(wide_low / frames, wide_high / frames),
        live_fraction=sum(float(clip.live_fraction.sum()) for clip in clips) / frames,
        live_s=live_s,
        per_live_s=live_hits / live_s if live_s else None,
        alarms=sum(clip.alarms for clip in clips),
        candidates=sum(clip.candidates for clip in clips),
        unclassified=sum(clip.unclassified for clip in clips),
        dispersions=dispersions,
    )


def as_markdown(rows: Iterable[FalseHits]) -> str:
    """Return false hits as a Markdown table."""
    windows = " | ".join(f"{seconds} s" for seconds in WINDOWS_S)
    heading = "| | frames | false hits | a frame [95 %] | a live second | live | alarms | unclassified | damaged"
    lines = [f"{heading} | {windows} |", "|---" * (9 + len(WINDOWS_S)) + "|"]
    for row in rows:
        low, high = row.widened_interval
        cells = [
            row.name,
            f"{row.analysed:,}",
            str(row.hits),
            f"{row.per_frame:.3g} [{low:.2g}, {high:.2g}]",
            "–" if row.per_live_s is None else f"{row.per_live_s:.3g}",
            f"{row.live_fraction:.2f}",
            str(row.alarms),
            str(row.unclassified),
            str(row.damaged),
            *("–" if found.value is None else f"{found.value:.1f}" for found in row.dispersions),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
