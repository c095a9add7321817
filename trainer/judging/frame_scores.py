"""Scores of a detector on frames whose true hits are known: hits, false hits and live time, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.noise_map import BLOCK, sampled_block_means
from edge.pipeline import analysed_frames
from edge.truth import TrueHit, matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Frame
    from edge.detect.detector import Detector
    from edge.detect.hit import Hit
    from edge.pipeline import AnalysedFrame

_ROW = np.dtype(
    [
        ("time_s", np.float64),
        ("hits", np.int64),
        ("live_hits", np.int64),
        ("false_hits", np.int64),
        ("live_true_hits", np.int64),
        ("true_hits", np.int64),
        ("found", np.int64),
        ("live_fraction", np.float64),
        ("sensitivity", np.float64),
        ("exposed_s", np.float64),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class FrameScores:
    """The scores of a detector on frames. Arrays have one entry for each analysed frame unless stated otherwise.

    Attributes
    ----------
    time_s : float64 array
        Time of the frame since the first one.
    hits, live_hits, false_hits, live_true_hits : int64 array
        Reported hits; those on live ground; those that match no true hit; those on live ground that match.
    true_hits, found : int64 array
        Hits that are known to be there, and how many of them were reported.
    live_fraction, sensitivity, exposed_s : float64 array
        See `edge.detect.hit.Detection`; exposed_s is the exposure.
    ground_dn : int64 array
        One entry for each true hit: grey of the block that it fell on, taken from the frame before.
    reported : bool array
        One entry for each true hit: whether it was reported.
    unclassified : int
        Candidates left over in all frames.

    """

    time_s: NDArray[np.float64] = field(repr=False)
    hits: NDArray[np.int64] = field(repr=False)
    live_hits: NDArray[np.int64] = field(repr=False)
    false_hits: NDArray[np.int64] = field(repr=False)
    live_true_hits: NDArray[np.int64] = field(repr=False)
    true_hits: NDArray[np.int64] = field(repr=False)
    found: NDArray[np.int64] = field(repr=False)
    live_fraction: NDArray[np.float64] = field(repr=False)
    sensitivity: NDArray[np.float64] = field(repr=False)
    exposed_s: NDArray[np.float64] = field(repr=False)
    ground_dn: NDArray[np.int64] = field(repr=False)
    reported: NDArray[np.bool_] = field(repr=False)
    unclassified: int

    @property
    def frames(self) -> int:
        """Number of analysed frames."""
        return len(self.time_s)

    @property
    def live_ground_s(self) -> float:
        """Exposure × live fraction, without regard to brightness."""
        return float(self.exposed_s @ self.live_fraction)

    @property
    def live_s(self) -> float:
        """Exposure × live fraction × sensitivity, by which the alarm divides."""
        return float(self.exposed_s @ (self.live_fraction * self.sensitivity))


def score_frames(
    frames: Iterable[Frame], detector: Detector, truth: Mapping[int, list[TrueHit]] | None = None
) -> FrameScores:
    """Let a detector analyse frames and compare its hits with the true ones.

    Parameters
    ----------
    frames : iterable of Frame
    detector : Detector
        A new one: it learns its camera from these frames.
    truth : mapping of frame number to true hits, or None
        May grow while the frames come, as long as a frame's hits are there before the next frame. None where there is
        no source: every hit is then false.

    """
    known: Mapping[int, list[TrueHit]] = {} if truth is None else truth
    rows: list[tuple[float, ...]] = []
    ground_dn: list[int] = []
    reported: list[bool] = []
    unclassified = 0
    for analysed in analysed_frames(frames, detector):
        true_hits = known.get(analysed.detection.sequence, [])
        match = matched(true_hits, [_box(hit) for hit in analysed.detection.hits])
        rows.append(_row(analysed, true_hits, match))
        if true_hits:
            greys = sampled_block_means(analysed.triple.previous.grey)
            ground_dn += [int(greys[hit.y // BLOCK, hit.x // BLOCK]) for hit in true_hits]
            reported += [index in match for index in range(len(true_hits))]
        unclassified += analysed.detection.unclassified
    table = np.array(rows, _ROW)
    return FrameScores(
        **{name: np.ascontiguousarray(table[name]) for name in _ROW.fields or ()},
        ground_dn=np.asarray(ground_dn, np.int64),
        reported=np.asarray(reported, bool),
        unclassified=unclassified,
    )


def _row(analysed: AnalysedFrame, true_hits: Sequence[TrueHit], match: Mapping[int, int]) -> tuple[float, ...]:
    """Return the entries of one frame; `match` leads from a true hit to the hit that matches it."""
    hits, observed = analysed.detection.hits, analysed.observation
    exposure_s = analysed.frame.exposure_s
    return (
        observed.monotonic_s,
        len(hits),
        observed.hits,
        len(hits) - len(match),
        sum(hits[index].counts for index in match.values()),
        len(true_hits),
        len(match),
        observed.live_fraction,
        observed.sensitivity,
        observed.period_s if exposure_s is None else min(exposure_s, observed.period_s),
    )


def _box(hit: Hit) -> tuple[int, int, int, int]:
    return hit.x, hit.y, hit.x, hit.y
