"""The study of `gammabox-edge simulate-alarms`: months without a source, then passages of sources, in processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from edge.simulation.months import Tally, lives_of, per_1000_h, simulate_life
from edge.simulation.passages import Detection, Passage, detect
from edge.simulation.sensor import SENSOR_FACTORS, extra_hz
from edge.text import significant
from edge.workers import in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.simulation.months import BoxLife


@dataclass(frozen=True, slots=True)
class Source:
    """A source whose passages are simulated.

    Attributes
    ----------
    extra_hz : float
        Hits per live second that it adds.
    nuclide : str or None
        None where only the rate is stated.
    dose_rate_usv_h : float or None

    """

    extra_hz: float
    nuclide: str | None = None
    dose_rate_usv_h: float | None = None

    @property
    def range_hz(self) -> tuple[float, float]:
        """What the uncertainty of the sensor model makes of `extra_hz`; a stated rate is exact."""
        low, high = SENSOR_FACTORS if self.nuclide is not None else (1.0, 1.0)
        return self.extra_hz * low, self.extra_hz * high


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated.

    Attributes
    ----------
    life : BoxLife
        Of each box without a source.
    hours : float
        In all.
    passage : Passage
        Of each source; its `extra_hz` is replaced.
    sources : sequence of Source
    passages : int
        Of each source.
    seed : int

    """

    life: BoxLife
    hours: float
    passage: Passage
    sources: Sequence[Source]
    passages: int
    seed: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What the simulation found.

    Attributes
    ----------
    tally : Tally
        Without a source.
    stated_per_1000_h : float
        False alarms in 1000 live hours that the settings accept.
    detections : sequence of (Source, Detection)

    """

    tally: Tally
    stated_per_1000_h: float
    detections: Sequence[tuple[Source, Detection]]

    @property
    def within_stated(self) -> bool:
        """Whether the observed false alarms allow the stated rate: the 95 % interval does not lie above it."""
        if not self.tally.live_hours:
            return True
        _, (low, _) = per_1000_h(self.tally.raised, self.tally.live_hours)
        return low <= self.stated_per_1000_h

    def as_dict(self) -> dict[str, object]:
        """Return the findings for JSON."""
        return {
            "without_source": self._without_source() if self.tally.live_hours else None,
            "sources": [_row(source, detection) for source, detection in self.detections],
        }

    def _without_source(self) -> dict[str, object]:
        rate, interval = per_1000_h(self.tally.raised, self.tally.live_hours)
        return {
            **asdict(self.tally),
            "false_alarms_per_1000_h": significant(rate),
            "interval_per_1000_h": [significant(end) for end in interval],
            "stated_per_1000_h": self.stated_per_1000_h,
            "within_stated": self.within_stated,
        }


def _row(source: Source, detection: Detection) -> dict[str, object]:
    return {
        "nuclide": source.nuclide,
        "dose_rate_usv_h": source.dose_rate_usv_h,
        "extra_hz": significant(source.extra_hz),
        "extra_hz_range": [significant(rate_hz) for rate_hz in source.range_hz],
        **asdict(detection),
        "probability": significant(detection.probability),
        "probability_interval": [significant(end) for end in detection.probability_interval],
    }


def sources_of(
    rates_hz: Sequence[float], nuclides: Sequence[str], dose_rates_usv_h: Sequence[float], found: float | None
) -> list[Source]:
    """Return the sources of stated rates, and those of each nuclide at each dose rate."""
    return [Source(rate) for rate in rates_hz] + [
        Source(extra_hz(nuclide, dose_rate, found), nuclide, dose_rate)
        for nuclide in nuclides
        for dose_rate in dose_rates_usv_h
    ]


def simulate(
    plan: Plan, processes: int | None, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Findings:
    """Simulate a plan and return what was found; the same seed gives the same result, whatever the processes.

    Parameters
    ----------
    plan : Plan
    processes : int or None
        None takes every core.
    progress : callable
        Called with the parts done and all parts.

    """
    lives = lives_of(replace(plan.life, seed=(plan.seed, 1)), plan.hours) if plan.hours > 0 else []
    numbers = range(len(plan.sources)) if plan.passages else range(0)
    parts = len(lives) + len(numbers)
    tallies: dict[tuple[int, ...], Tally] = {}
    for life, found in in_workers(simulate_life, lives, processes):
        tallies[life.seed] = found
        progress(len(tallies), parts)
    detections: dict[int, Detection] = {}
    for number, detection in in_workers(partial(_detect, plan), numbers, processes):
        detections[number] = detection
        progress(len(lives) + len(detections), parts)
    # Summed in their own order and not in that of their ends, so that sums do not depend on the processes.
    tally = reduce(Tally.plus, (tallies[life.seed] for life in lives), Tally())
    pairs = [(plan.sources[number], detections[number]) for number in numbers]
    return Findings(tally, plan.life.settings.false_alarms_per_1000_h, pairs)


def _detect(plan: Plan, number: int) -> Detection:
    passage = replace(plan.passage, extra_hz=plan.sources[number].extra_hz)
    return detect(passage, plan.passages, (plan.seed, 2, number))
