"""What clips without a source give: nuisances filmed one by one, and any clips pooled; every hit there is false."""

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

    from edge.detect.manifest import Bundle
    from trainer.studies.dispersion import Dispersion


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """What a detector made of one clip without a source; arrays have one entry an analysed frame.

    Attributes
    ----------
    name : str
    frames, damaged : int
        Of the clip, damaged ones included; damaged ones.
    alarms : int
        Raised, with the default settings.
    candidates, unclassified : int
        Of the fast path; left over.
    time_s, live_s, live_fraction : float64 array
    hits, live_hits : int64 array

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


@dataclass(frozen=True, slots=True)
class FalseHits:
    """False hits of one clip or of several taken together.

    Attributes
    ----------
    name : str
    clips, frames, analysed, damaged : int
    hits, live_hits : int
        False ones: all of them, and those on live ground, which alone count for the alarm.
    per_frame : float
        hits / analysed frames.
    per_frame_interval : (float, float)
        95 %, if they came as a Poisson process.
    widened_interval : (float, float)
        The same for the unevenness seen in the longest windows that allow a figure.
    live_fraction : float
        Mean over the analysed frames; 0 where none was.
    live_s : float
    per_live_s : float or None
        live_hits / live_s; None without live time.
    alarms, candidates, unclassified : int
    dispersions : tuple of Dispersion
        In windows of 1, 10 and 60 s.

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


def watch_quiet(
    clip: Path, bundle: Bundle, *, exposure_s: float | None = None, progress: Callable[[int], None] = lambda _: None
) -> Quiet:
    """Run detector and alarm over a clip without a source.

    Raises
    ------
    SourceError
        The clip cannot be read. One of which no three frames in a row are whole gives an account of nothing.

    """
    detector, tracker = Detector(bundle), AlarmTracker(AlarmSettings())
    rows: list[tuple[float, float, float, int, int]] = []
    account = Account()
    with open_source(clip, exposure_s=exposure_s) as source:
        for analysed in analysed_frames(source, detector, tracker):
            account = account.plus(analysed)
            seen = analysed.observation
            rows.append(
                (seen.monotonic_s, seen.live_s, seen.live_fraction, len(analysed.detection.hits), round(seen.hits))
            )
            progress(analysed.frame.sequence)
        report = source.report
    columns = np.array(rows, np.float64).reshape(-1, 5).T
    return Quiet(
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
    )


def pooled(name: str, clips: Sequence[Quiet]) -> FalseHits:
    """Take clips together; dispersions are those within each clip."""
    analysed = sum(len(one.hits) for one in clips)
    hits = sum(int(one.hits.sum()) for one in clips)
    live_hits = sum(int(one.live_hits.sum()) for one in clips)
    live_s = sum(float(one.live_s.sum()) for one in clips)
    dispersions = tuple(dispersion([(one.time_s, one.hits) for one in clips], window_s) for window_s in WINDOWS_S)
    spread = next((one.value for one in reversed(dispersions) if one.value is not None), 1.0)
    low, high = poisson_interval(hits)
    wide_low, wide_high = widened_interval(hits, spread)
    most = max(analysed, 1)
    return FalseHits(
        name=name,
        clips=len(clips),
        frames=sum(one.frames for one in clips),
        analysed=analysed,
        damaged=sum(one.damaged for one in clips),
        hits=hits,
        live_hits=live_hits,
        per_frame=hits / most,
        per_frame_interval=(low / most, high / most),
        widened_interval=(wide_low / most, wide_high / most),
        live_fraction=sum(float(one.live_fraction.sum()) for one in clips) / most,
        live_s=live_s,
        per_live_s=live_hits / live_s if live_s else None,
        alarms=sum(one.alarms for one in clips),
        candidates=sum(one.candidates for one in clips),
        unclassified=sum(one.unclassified for one in clips),
        dispersions=dispersions,
    )


def as_markdown(rows: Iterable[FalseHits]) -> str:
    """Lay false hits out as a Markdown table."""
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
            *("–" if one.value is None else f"{one.value:.1f}" for one in row.dispersions),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
