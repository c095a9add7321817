"""What detection passes on: candidates of the fast path, hits of the classifier, the account of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Candidate:
    """A compact spike that stands in the middle frame of three only.

    Attributes
    ----------
    x, y : int
        Column and row of the brightest pixel of the spike, from the upper left corner.
    spike_dn : float
        By how much that pixel exceeds the brighter of the previous and next frame, in grey levels.
    pixels : int
        Pixels of the spot above half of the spike.
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
    """A candidate that the classifier took for ionising radiation.

    Attributes
    ----------
    x, y : int
        Brightest pixel.
    score : float
        Calibrated probability in 0..1, from dequantised logits.
    added_dn : float
        Grey levels that the hit adds to its brightest pixel.
    pixels : int
        Pixels of the spot above half of its height.
    live : bool
        Whether it lies on ground that counted as live; only those enter rates.

    """

    x: int
    y: int
    score: float
    added_dn: float
    pixels: int
    live: bool


@dataclass(frozen=True, slots=True)
class Detection:
    """The account of one analysed frame.

    Attributes
    ----------
    sequence : int
        The frame's.
    hits : tuple of Hit
    live_fraction : float
        Share of the pixels, 0..1, on which a hit would have been seen: not moving, saturated, masked or hot.
    candidates : int
        Candidates of the fast path.
    unclassified : int
        Candidates left over when the budget was spent.
    stage_ms : mapping of str to float
        Milliseconds by stage: decode, fast_path, crop, classify, colour, alarm.
    sensitivity : float
        Mean over the live ground, 0..1, of how often hits are found on ground so bright, relative to the ground on
        which most are; 1 where the bundle does not say. Rates are per exposure × live_fraction × sensitivity.

    """

    sequence: int
    hits: tuple[Hit, ...]
    live_fraction: float
    candidates: int
    unclassified: int
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    sensitivity: float = 1.0
