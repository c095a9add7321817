"""The interface of methods under comparison: where in the middle of three frames a method sees a hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.capture.frame import Triple
    from edge.truth import Box


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place that a method reports as a hit: columns x0..x1 and rows y0..y1, the last ones included."""

    x0: int
    y0: int
    x1: int
    y1: int
    score: float

    @property
    def box(self) -> Box:
        """The place as (x0, y0, x1, y1)."""
        return self.x0, self.y0, self.x1, self.y1

    @property
    def is_region(self) -> bool:
        """Whether it is larger than a pixel."""
        return self.x1 > self.x0 or self.y1 > self.y0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sightings of a method in a frame, and the milliseconds of its stages without the decoding of the grey."""

    sightings: tuple[Sighting, ...]
    stage_ms: Mapping[str, float]


class Method(Protocol):
    """A method under comparison.

    Attributes
    ----------
    name : str
        Name by which `--against` selects the method.
    about : str
        A line of explanation below the table.
    slow : bool
        Whether it judges only every Nth frame.

    """

    name: str
    about: str
    slow: bool

    def judge(self, triple: Triple) -> Verdict:
        """Judge the middle frame. The triples of a recording come in order; slow methods get only some of them."""
