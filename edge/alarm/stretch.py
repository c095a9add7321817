"""A stretch of frames in which hits exceed the background: what it counts, and what weakens an alarm made of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.alarm.live_time import Observation

EVIDENCE_FRAMES = 50
MIN_LIVE_FRACTION = 0.5
MIN_SENSITIVITY = 0.5
MIN_EXPOSED_SHARE = 0.2


@dataclass(slots=True)
class Stretch:
    """Frames since the trigger was last at rest. They turn out to be background or the beginning of an alarm.

    Attributes
    ----------
    onset_s, onset_utc : float, datetime
        Times of the first frame.
    hits, live_s : int, float
        Counts of the alarm.
    weighted : float
        Hits with their weights: what the rate is made of.
    lasted_s : float
        Seconds from the first frame to the last.
    fraction_s, sensitive_s : float
        Seconds weighted with the live fraction, and with live fraction × sensitivity.
    unclassified : int
        Candidates left over.
    overload_s : float
        Seconds with more than could be judged.
    exposure_known : bool
        False where one frame or more has an unknown exposure.
    frames : deque of int
        The latest frames with hits.

    """

    onset_s: float
    onset_utc: datetime
    hits: int = 0
    weighted: float = 0.0
    live_s: float = 0.0
    lasted_s: float = 0.0
    fraction_s: float = 0.0
    sensitive_s: float = 0.0
    unclassified: int = 0
    overload_s: float = 0.0
    exposure_known: bool = True
    frames: deque[int] = field(default_factory=lambda: deque(maxlen=EVIDENCE_FRAMES))

    def add(self, observation: Observation) -> None:
        """Count one more frame."""
        self.hits += observation.hits
        self.weighted += observation.hits * observation.weight
        self.live_s += observation.live_s
        self.lasted_s += observation.period_s
        self.fraction_s += observation.period_s * observation.live_fraction
        self.sensitive_s += observation.period_s * observation.live_fraction * observation.sensitivity
        self.unclassified += observation.unclassified
        self.overload_s += observation.period_s if observation.overload is not None else 0.0
        self.exposure_known &= observation.exposure_known
        if observation.hits:
            self.frames.append(observation.sequence)

    @property
    def mean_weight(self) -> float:
        """How many hits a counted one stands for."""
        return self.weighted / self.hits if self.hits else 1.0

    def weaknesses(self) -> Iterator[str]:
        """Yield the reasons to trust an alarm of these frames less, each a phrase for people."""
        if not self.exposure_known:
            yield "exposure unknown: the frame period was taken, rates are lower limits"
        fraction = self.fraction_s / self.lasted_s if self.lasted_s else 0.0
        if fraction < MIN_LIVE_FRACTION:
            yield f"only {fraction:.0%} of the picture was live"
        if self.sensitive_s < MIN_SENSITIVITY * self.fraction_s:
            yield f"bright ground: {self.sensitive_s / self.fraction_s:.0%} of the hits can be seen on it"
        if self.exposure_known and self.live_s < MIN_EXPOSED_SHARE * self.sensitive_s:
            yield f"short exposure: live for {self.live_s / self.lasted_s:.0%} of the time"
        if self.overload_s:
            yield "more hits than can be counted: rates are lower limits"
        if self.unclassified:
            yield f"{self.unclassified} candidates were left unclassified"
