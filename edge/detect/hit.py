"""The results of detection: candidates of the fast path, hits, and all that was found in a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

STAGE_WORDS = {
    "fast_path": "finding candidates",
    "crop": "cutting crops",
    "classify": "running the networks",  # and merging hits
    "nuisance": "asking what else it may be",  # which decodes colours where they are needed
}
DETECTION_STAGES = tuple(STAGE_WORDS)
PARTS = (12, 16)
"""Rows and columns of the parts of a picture whose live ground is reported."""
SURE_GRADE = 2
"""Grade from which a hit is sure. Hits of which nothing more is known have it, too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A compact spike that stands in the middle frame of three only.

    Attributes
    ----------
    x, y : int
        Column and row of the brightest pixel of the spike, from the upper left corner.
    spike_dn : float
        Grey levels by which that pixel exceeds the brighter of the previous and next frame.
    pixels : int
        Number of pixels of the spot above half of the spike.
    motion_dn : float
        Mean |next − previous| around the spot, in grey levels.
    promise : float
        Order in which candidates are classified when the budget is short, the greatest first.

    """

    x: int
    y: int
    spike_dn: float
    pixels: int
    motion_dn: float
    promise: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate that was decided to be ionising radiation.

    Attributes
    ----------
    x, y : int
        Brightest pixel.
    score : float
        Probability in 0..1 that it is radiation: see `edge.detect.decision.Decision`.
    added_dn : float
        Grey levels that the hit adds to its brightest pixel.
    pixels : int
        Pixels of the spot above half of its height.
    live : bool
        Whether it lies on live ground; only such hits enter rates.
    nuisance : {"moves", "point of light"} or None
        What it is instead of radiation, where that is known; such hits enter no rates.
    like_light : bool
        Whether it is rather like light than like radiation. One such hit says little, many do.
    grade : int
        How sure it is, 0 to 4: see `edge.detect.faint`.
    stirred : bool
        Whether it would lie on live ground if nothing moved there.

    """

    x: int
    y: int
    score: float
    added_dn: float
    pixels: int
    live: bool
    nuisance: str | None = None
    like_light: bool = False
    grade: int = SURE_GRADE
    stirred: bool = False

    @property
    def counts(self) -> bool:
        """Whether it enters rates."""
        return self.live and self.nuisance is None

    @property
    def sure(self) -> bool:
        """Whether light hardly ever looks so. Some 40 % of true hits or more are sure."""
        return self.grade >= SURE_GRADE


@dataclass(frozen=True, slots=True)
class Detection:
    """The result of detection in one frame.

    Attributes
    ----------
    sequence : int
        The frame's number.
    hits : tuple of Hit
    live_fraction : float
        Share of the pixels, 0..1, on which a hit would have been seen: not moving, saturated, masked or hot.
    candidates : int
        Candidates of the fast path.
    unclassified : int
        Candidates left over when the budget was spent.
    stage_ms : mapping of str to float
        Milliseconds by stage, for each of DETECTION_STAGES.
    sensitivity : float
        Share of hits that is found on ground of this brightness, relative to the ground on which most are found; mean
        over the live ground, 0..1. It is 1 where the bundle does not say. Rates are per exposure × live_fraction ×
        sensitivity.
    weight : float
        How many hits each of `hits` stands for, where candidates were sampled; 1 where all were classified.
    overload : str or None
        What shows that the frame holds more hits than can be judged one by one.
    min_hits : float
        Lower limit of the hits in the whole picture by their number of occupied blocks; 0 without an overload.
    ground : float32 array, shape (12, 16), or None
        Live fraction of each part of the picture; None where it is not known.
    falling : bool
        Whether falling rain or snow was found in this frame; not every frame is examined.
    saturated : bool
        Whether half of the picture or more is saturated.
    unsure : tuple of Hit
        Candidates that the classifier refuses by little, of grade 1 or more, on live or stirred ground. They are no
        hits, and count in a nuisance only.
    refused : int
        Other candidates on live ground that were looked at for faint hits.
    stirred_fraction : float
        Share of the pixels, 0..1, that are not live because something moves there, and for nothing else.

    """

    sequence: int
    hits: tuple[Hit, ...]
    live_fraction: float
    candidates: int
    unclassified: int
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    sensitivity: float = 1.0
    weight: float = 1.0
    overload: str | None = None
    min_hits: float = 0.0
    ground: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    falling: bool = False
    saturated: bool = False
    unsure: tuple[Hit, ...] = ()
    refused: int = 0
    stirred_fraction: float = 0.0

    @property
    def faint(self) -> tuple[Hit, ...]:
        """Those of `unsure` on live ground that surely are no light."""
        return tuple(hit for hit in self.unsure if hit.live and hit.sure)


def event_counts(event: Mapping[str, Any]) -> bool:
    """Return whether a hit in the events of `gammabox-edge analyze` enters rates.

    Examples
    --------
    >>> event_counts({"live": True}), event_counts({"live": True, "nuisance": "moves"})
    (True, False)

    """
    return bool(event["live"]) and event.get("nuisance") is None


def positions(spots: Sequence[Candidate | Hit]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the columns and the rows of candidates or hits, each of shape (n,)."""
    xs = np.array([spot.x for spot in spots], np.intp)
    ys = np.array([spot.y for spot in spots], np.intp)
    return xs, ys
