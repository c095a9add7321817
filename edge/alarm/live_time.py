"""Live time: for how long, and on how much of its picture, a camera could have seen a hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.detect.faint import GRADES

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from edge.capture.frame import Triple
    from edge.detect.hit import Detection


@dataclass(frozen=True, slots=True)
class Observation:
    """The facts of one frame that the alarm uses.

    Attributes
    ----------
    sequence : int
        Number of the frame.
    monotonic_s : float
        Time of the frame on its clock.
    utc : datetime
        Wall time of the frame.
    hits : int
        Hits on live ground that were classified.
    live_s : float
        Exposure × live fraction × sensitivity, in seconds.
    period_s : float
        Usual seconds from frame to frame.
    exposure_known : bool
        False where the frame period stands for the exposure.
    live_fraction : float
        Share of the pixels that were live.
    unclassified : int
        Candidates that were left over when the budget of the frame was spent.
    sensitivity : float
        How visible hits are on the live ground, 0..1: see `edge.detect.hit.Detection`.
    positions : tuple of (x, y)
        Places of the hits on live ground, in pixels; empty where they do not matter.
    size : (width, height)
        Of the picture, in pixels.
    overload : str or None
        Why the frame held more than can be judged; rates are lower limits then.
    weight : float
        How many hits each one stands for, where candidates were sampled or are too many to be told apart; rates are
        weighted, the trigger counts each hit once.
    doubts : tuple of str
        Reasons to take the latest hits for something other than radiation.
    like_light : tuple of bool
        For each of `positions` whether the hit looks like light.
    explained : int
        Hits on live ground that are not in `hits`, because each is known for something else.
    leak_hz : float
        Hits per live second that such things leave in `hits`.
    ground : float32 array, shape (12, 16), or None
        Live fraction of each part of the picture.
    falling : bool
        Whether falling rain or snow was found in this frame; not every frame is examined.
    saturated : bool
        Whether half of the picture or more is saturated.
    sure : tuple of bool
        For each of `positions` whether light hardly ever looks so; empty where all but those like light are sure.
    faint : tuple of (x, y)
        Places of candidates on live ground that are no hits, but are surely no light. They count in a nuisance only.
    refused : int
        Other candidates that were looked at for these.
    graded : tuple of (x, y, class), or None
        Spots that may be radiation where a nuisance hides it, with their classes: see `edge.alarm.grades`. None where
        grades are not known; behind `edge.alarm.population.Population` also where all hits count.
    stirred_s : float
        As `live_s`, of the ground that is not live only because something moves there.

    """

    sequence: int
    monotonic_s: float
    utc: datetime
    hits: int
    live_s: float
    period_s: float
    exposure_known: bool
    live_fraction: float
    unclassified: int
    sensitivity: float = 1.0
    positions: tuple[tuple[int, int], ...] = ()
    size: tuple[int, int] = (0, 0)
    overload: str | None = None
    weight: float = 1.0
    doubts: tuple[str, ...] = ()
    like_light: tuple[bool, ...] = ()
    explained: int = 0
    leak_hz: float = 0.0
    ground: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    falling: bool = False
    saturated: bool = False
    sure: tuple[bool, ...] = ()
    faint: tuple[tuple[int, int], ...] = ()
    refused: int = 0
    graded: tuple[tuple[int, int, int], ...] | None = None
    stirred_s: float = 0.0


def class_of(grade: int, *, live: bool) -> int:
    """Return the class, 0 to 7, of a spot of a grade, 1 to 4, on live ground or on ground where something moves."""
    return grade - 1 + (0 if live else len(GRADES))


def observe(detection: Detection, triple: Triple) -> Observation:
    """Combine a detection with the time stamps and the exposure of its frame into an observation.

    A pixel of a rolling shutter collects light for the exposure only, and the exposure is never longer than the frame
    period. An unknown exposure counts as the whole frame period, so rates are lower limits then. The period is the
    camera's usual one, as the arrival of a frame says nothing of how long it was exposed. Bright ground hides a share
    of the hits, so its time is multiplied by its sensitivity. The same source then gives the same rate on dark and on
    bright ground.
    """
    frame = triple.current
    period_s = frame.period_s
    if period_s is None:
        period_s = max(0.0, (triple.following.monotonic_s - triple.previous.monotonic_s) / 2)
    exposed_s = period_s if frame.exposure_s is None else min(frame.exposure_s, period_s)
    # Hits of a strong field fall on one another, so that what else they look like is known for single frames only.
    strong = detection.overload is not None
    live = [hit for hit in detection.hits if hit.counts or (strong and hit.live)]
    live_share = detection.live_fraction * detection.sensitivity
    hits, weight = len(live), detection.weight
    if detection.min_hits > hits * weight / max(live_share, 1e-6):
        # So many that the picture's live ground does not matter: their lower limit counts for the whole picture.
        live_share = 1.0
        hits = max(hits, 1)
        weight = detection.min_hits / hits
    return Observation(
        sequence=frame.sequence,
        monotonic_s=frame.monotonic_s,
        utc=frame.utc,
        hits=hits,
        live_s=exposed_s * live_share,
        period_s=period_s,
        exposure_known=frame.exposure_s is not None,
        live_fraction=detection.live_fraction,
        unclassified=detection.unclassified,
        sensitivity=detection.sensitivity,
        positions=tuple((hit.x, hit.y) for hit in live),
        size=frame.size,
        overload=detection.overload,
        weight=weight,
        like_light=tuple(hit.like_light or hit.nuisance is not None for hit in live),
        sure=tuple(hit.sure and hit.nuisance is None for hit in live),
        explained=sum(hit.live for hit in detection.hits) - len(live),
        ground=detection.ground,
        falling=detection.falling,
        saturated=detection.saturated,
        faint=tuple((hit.x, hit.y) for hit in detection.faint),
        refused=detection.refused,
        graded=tuple(
            (hit.x, hit.y, class_of(hit.grade, live=hit.live))
            for hit in (*detection.hits, *detection.unsure)
            if hit.grade and hit.nuisance is None and (hit.live or hit.stirred)
        ),
        stirred_s=exposed_s * detection.stirred_fraction * detection.sensitivity,
    )
