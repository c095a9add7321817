"""What the benchmark asks of a method: where, in the middle one of three frames, it sees radiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.capture.frame import Triple
    from edge.truth import Box


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place that a method takes for radiation: columns x0..x1 and rows y0..y1, the last ones included."""

    x0: int
    y0: int
    x1: int
    y1: int
    score: float

    @property
    def box(self) -> Box:
        """Return (x0, y0, x1, y1)."""
        return self.x0, self.y0, self.x1, self.y1

    @property
    def is_region(self) -> bool:
        """Whether it is more than a place."""
        return self.x1 > self.x0 or self.y1 > self.y0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a method says of one frame, and what its stages cost in milliseconds, decoding of grey not included."""

    sightings: tuple[Sighting, ...]
    stage_ms: Mapping[str, float]


class Method(Protocol):
    """A method under comparison.

    Attributes
    ----------
    name : str
        As `--against` names it.
    about : str
        One line for the reader of the table.
    slow : bool
        Whether it is run on a few frames only.

    """

    name: str
    about: str
    slow: bool

    def judge(self, triple: Triple) -> Verdict:
        """Look at the middle frame. Called with the triples of a recording in order; slow ones see some of them."""
