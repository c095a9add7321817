"""Scores of a method: recall on visible hits and false hits a frame, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.statistics import poisson_interval, wilson_interval
from edge.truth import VISIBLE_DN, distance_px, matched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.bench.method import Sighting
    from edge.truth import TrueHit


@dataclass(frozen=True, slots=True)
class Score:
    """Recall on visible hits and false hits a frame, with central 95 % intervals. A recall of no hits is None."""

    frames: int
    visible: int
    found: int
    recall: float | None
    recall_interval: tuple[float, float] | None
    false: int
    false_per_frame: float
    false_interval: tuple[float, float]


def score(sighted: Mapping[int, Sequence[Sighting]], truth: Sequence[TrueHit]) -> Score:
    """Return the score of sightings, matched with true hits one to one as in `edge.truth.matched`.

    A further sighting of a hit is false, unless it is a region (a tile or a moving part) that contains the hit.

    Parameters
    ----------
    sighted : mapping of frame to sightings
        An entry for every frame that was judged. Hits of other frames do not count.
    truth : sequence of TrueHit

    """
    visible = found = false = 0
    by_frame: dict[int, list[TrueHit]] = {frame: [] for frame in sighted}
    for hit in truth:
        if hit.frame in by_frame:
            by_frame[hit.frame].append(hit)
    for frame, hits in by_frame.items():
        boxes = [sighting.box for sighting in sighted[frame]]
        pairs = matched(hits, boxes)
        is_visible = [hit.added_dn >= VISIBLE_DN for hit in hits]
        visible += sum(is_visible)
        found += sum(is_visible[i] for i in pairs)
        right = set(pairs.values()) | {
            j
            for j, sighting in enumerate(sighted[frame])
            if sighting.is_region and any(distance_px(sighting.box, hit.box) == 0 for hit in hits)
        }
        false += len(sighted[frame]) - len(right)
    frames = len(sighted)
    low, high = poisson_interval(false)
    return Score(
        frames=frames,
        visible=visible,
        found=found,
        recall=found / visible if visible else None,
        recall_interval=wilson_interval(found, visible) if visible else None,
        false=false,
        false_per_frame=false / max(frames, 1),
        false_interval=(low / max(frames, 1), high / max(frames, 1)),
    )
