"""The population of the last hits: whether they come as radiation does, and what of them is to be counted.

Hits of radiation fall evenly over the live ground, and about half of them at most look like light. Where hits crowd in
a part of the picture, or where far too many look like light, that part or those hits are not counted, nor is the live
time in which they would have been seen. Nothing else changes: a field as such is even, has hits of all kinds, and is
counted whatever its strength. What is still counted of a nuisance, its leak, follows how many of its hits are not.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.background import FadingRate
from edge.alarm.crowding import CONTRAST, Crowding, log_tails, parts_of
from edge.alarm.grades import GradedLeak, counts_of
from edge.alarm.leak import SURE_SHARE, Leak, Lights, share_tail
from edge.detect.hit import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.alarm.background import Rate
    from edge.alarm.live_time import Observation

_WEATHER_MEMORY_S = 300.0
_MIN_OPEN_SHARE = 0.5
"""With less open ground than this nobody can say that all is clear."""
_SETTLE_S, _SETTLED = 0.4, 40
"""An excess is examined for so long, or for so many hits, before it may raise an alarm."""
_HELD_S = 20.0
"""An excess that does not look like radiation raises an alarm after so long, with doubts."""
_SUSPECT_S = 1.0
_FEWEST, _FEW, _SOME, _MANY = 4, 8, 20, 40
_LIGHT_OF_FEW, _LIGHT_OF_SOME, _LIGHT_OF_MANY = 0.25, 0.3, 0.03
_UNLIKELY_OF_SOME, _UNLIKELY_OF_MANY = 0.1, 0.01
_NARROW_OF_SOME, _NARROW_OF_MANY, _NARROW_POWER = 2.67, 4.5, 0.72
"""Fitted to the scatter of n even hits, of which a tenth and a hundredth are narrower: exp(−2.67 / (n − 2) ** 0.72)."""
_NARROW = 0.45
"""Hits on so much of the area are spread enough, however many they are: bright ground hides some, edges do."""
_RECENT = 200


@dataclass(frozen=True, slots=True)
class _CountedHit:
    """A hit that counts: its time, the part of the picture in which it lies, and whether it looks like light."""

    time_s: float
    part: int
    like_light: bool


class Population:
    """What the last hits have in common.

    It needs places and looks of hits; observations without them pass unchanged, and so do those of a lasting overload.

    Examples
    --------
    Fifty hits in one corner of a picture that has few elsewhere:

    >>> from datetime import datetime, timezone
    >>> from edge.alarm.live_time import Observation
    >>> population = Population()
    >>> for number in range(50):
    ...     counted = population.update(
    ...         Observation(
    ...             sequence=number,
    ...             monotonic_s=number / 25,
    ...             utc=datetime(2026, 1, 1, tzinfo=timezone.utc),
    ...             hits=1,
    ...             live_s=0.04,
    ...             period_s=0.04,
    ...             exposure_known=True,
    ...             live_fraction=1.0,
    ...             unclassified=0,
    ...             positions=((20, 10),),
    ...             size=(640, 480),
    ...             like_light=(False,),
    ...         )
    ...     )
    >>> counted.hits, counted.doubts
    (0, ('hits crowd in 1% of the picture, which does not count',))

    """

    def __init__(self) -> None:
        self._crowding = Crowding()
        self._lights = Lights()
        self._leak = Leak()
        self._graded_leak = GradedLeak()
        self._weather = FadingRate(_WEATHER_MEMORY_S)
        self._recent: deque[_CountedHit] = deque(maxlen=_RECENT)
        self._held_since_s: float | None = None
        self._examined_s: float | None = None
        self.closed_more = False

    def update(self, observation: Observation, *, overloaded: bool = False) -> Observation:
        """Update the population with one frame and return the part of it that counts, with its leak and its doubts.

        Parameters
        ----------
        observation : Observation
        overloaded : bool
            Whether a strong field is certain: then all counts. Single frames that look like one, as in rain,
            count with the hits that were found in them.

        """
        self.closed_more = False
        places = observation.positions
        if overloaded or observation.live_s <= 0 or len(observation.like_light) != len(places):
            return _ungraded(observation)
        parts, faint = (parts_of(spots, observation.size) for spots in (places, observation.faint))
        closed_before = self._crowding.closed_parts, self._lights.closed
        even = self._crowding.update(observation, parts)
        sure = _sure_hits(observation)
        lights = [light for light, part in zip(observation.like_light, parts, strict=True) if even[part]]
        doubtful = [not each for each, part in zip(sure, parts, strict=True) if even[part]]
        self._lights.update(
            observation, lights, worth=self._leak.worth_without_lights, suspect=self._is_suspect(observation)
        )
        self.closed_more = self._crowding.closed_parts > closed_before[0] or self._lights.closed > closed_before[1]
        open_s = observation.live_s * self._crowding.open_share
        faint_hits = sum(bool(even[part]) for part in faint)
        self._leak.update(observation, doubtful, faint_hits, lights_closed=self._lights.closed, open_s=open_s)
        graded = self._graded_of(observation, even)
        if self._lights.closed:
            observation, parts = _with_faint(observation), parts + faint
            places, sure = observation.positions, _sure_hits(observation)
        kept = [index for index, part in enumerate(parts) if even[part] and (sure[index] or not self._lights.closed)]
        now_s = observation.monotonic_s
        self._recent += [_CountedHit(now_s, parts[index], observation.like_light[index]) for index in kept]
        if not places and observation.overload is None and self._leaves_all:
            return _ungraded(observation)
        # Rain may look like a strong field for a frame; a lower limit of its hits means nothing then.
        fallen = observation.overload is not None and self._leak.falling and not kept
        return replace(
            observation,
            hits=0 if fallen else observation.hits - len(parts) + len(kept),
            positions=tuple(places[index] for index in kept),
            like_light=tuple(observation.like_light[index] for index in kept),
            sure=tuple(sure[index] for index in kept),
            live_s=open_s * (SURE_SHARE if self._lights.closed else 1.0),
            weight=1.0 if fallen else observation.weight,
            explained=observation.explained + len(parts) - len(kept),
            leak_hz=self._leak.rate_hz,
            graded=graded if self._lights.closed else None,
            doubts=(*observation.doubts, *self.doubts),
        )

    def _graded_of(self, observation: Observation, even: NDArray[np.bool_]) -> tuple[tuple[int, int, int], ...] | None:
        """Return the graded spots of a frame where nothing crowds, and count them."""
        if observation.graded is None:
            return None
        parts = parts_of([(x, y) for x, y, _ in observation.graded], observation.size)
        graded = tuple(spot for spot, part in zip(observation.graded, parts, strict=True) if even[part])
        self._graded_leak.update(counts_of([spot[2] for spot in graded]), self._leak.left_out, observation.period_s)
        return graded

    def _is_suspect(self, observation: Observation) -> bool:
        """Whether an excess was examined a moment ago."""
        return self._examined_s is not None and observation.monotonic_s - self._examined_s < _SUSPECT_S

    @property
    def _leaves_all(self) -> bool:
        return self._leak.rate_hz <= 0 and not (self._lights.closed or self._crowding.closed_parts)

    def learn(self, observation: Observation, *, at_rest: bool = True) -> None:
        """Learn from a frame without an alarm how many hits of a nuisance are counted for each that is not."""
        self._leak.learn(observation.period_s)
        self._graded_leak.learn(observation.period_s, falling=self._leak.falling, at_rest=at_rest)
        self._weather.add(observation.hits, observation.live_s)

    def forget_excess(self) -> None:
        """Learn nothing of graded spots of the excess that goes on: an alarm was raised."""
        self._graded_leak.forget_waiting()

    @property
    def weather(self) -> Rate:
        """The rate of the last minutes, whatever it is made of, while no background is known."""
        return self._weather.rate

    def graded_hz(self, *, cold: bool) -> NDArray[np.float64]:
        """Return how many spots of each class a nuisance makes in a second, an upper limit, shape (8,).

        The limit is higher for a box that has just started and knows nothing.
        """
        return self._graded_leak.rates_hz(cold=cold, falling=self._leak.falling)

    @property
    def leak_hz(self) -> float:
        """Hits per live second that a nuisance adds to those that count."""
        return self._leak.rate_hz

    def allows(self, onset_s: float, now_s: float) -> bool:
        """Return whether an excess since `onset_s` may raise an alarm: it looks like radiation, or has waited enough.

        Few hits need to look quite like radiation, else more are waited for, twenty seconds at most.
        """
        self._examined_s = now_s
        if self._held_since_s is None or self._held_since_s < onset_s:
            self._held_since_s = now_s
        held_s = now_s - self._held_since_s
        if held_s >= _HELD_S:
            return True
        hits = [hit for hit in self._recent if hit.time_s >= onset_s]
        if hits and held_s < _SETTLE_S and len(hits) < _SETTLED:
            return False
        parts, like_light = [hit.part for hit in hits], [hit.like_light for hit in hits]
        return looks_like_radiation(parts, like_light, self._crowding.exposed_s)

    @property
    def blinds(self) -> bool:
        """Whether so much is not counted that a source could hide in it."""
        return self._lights.closed or self._crowding.open_share < _MIN_OPEN_SHARE

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not counted now, each a phrase for people."""
        phrases = []
        if self._crowding.closed_parts:
            phrases.append(f"hits crowd in {1 - self._crowding.open_share:.0%} of the picture, which does not count")
        if self._lights.closed:
            phrases.append("hits that look like light (rain, glints) are too many and do not count")
        if self._leak.is_mostly_known:
            phrases.append("most hits follow things that move or stand on points of light (snow, stars)")
        return tuple(phrases)


def _sure_hits(observation: Observation) -> tuple[bool, ...]:
    """Return for each hit whether it is sure."""
    return observation.sure or tuple(not light for light in observation.like_light)


def _ungraded(observation: Observation) -> Observation:
    """Return a frame whose hits all count."""
    return observation if observation.graded is None else replace(observation, graded=None)


def _with_faint(observation: Observation) -> Observation:
    """Return a frame with its faint hits among the hits."""
    faint = observation.faint
    return replace(
        observation,
        hits=observation.hits + len(faint),
        positions=observation.positions + faint,
        like_light=observation.like_light + (False,) * len(faint),
        sure=_sure_hits(observation) + (True,) * len(faint),
        faint=(),
    )


def looks_like_radiation(parts: Sequence[int], like_light: Sequence[bool], exposed_s: NDArray[np.float64]) -> bool:
    """Return whether hits are spread over the live ground, and coloured, as those of radiation mostly are.

    At most a quarter of the samples of fewer than 20 true hits, and one in twenty of more, are not.

    Parameters
    ----------
    parts : sequence of int
        Part of the picture of each hit.
    like_light : sequence of bool
        Whether each looks like light.
    exposed_s : float64 array, shape (192,)
        For how long each part could have been hit.

    Examples
    --------
    >>> even = np.ones(192)
    >>> looks_like_radiation([3, 50, 75, 140, 185], [False, True, False, False, False], even)
    True
    >>> looks_like_radiation([3, 4, 20, 21, 5], [False] * 5, even)
    False
    >>> looks_like_radiation([3, 50, 75, 140, 185], [True] * 5, even)
    False

    """
    count = len(parts)
    if count < _FEWEST:
        return True
    if not _has_few_lights(sum(like_light), count):
        return False
    unlikely, narrow = (_UNLIKELY_OF_SOME, _NARROW_OF_SOME) if count < _SOME else (_UNLIKELY_OF_MANY, _NARROW_OF_MANY)
    counts = np.bincount(parts, minlength=exposed_s.size).astype(float)
    pairs = float((counts * (counts - 1)).sum()) / 2
    even = exposed_s / exposed_s.sum()
    expected = CONTRAST * count * (count - 1) / 2 * float((even**2).sum())
    if float(log_tails(np.array(pairs), np.array(expected))) < math.log(unlikely):
        return False
    min_scatter = min(math.exp(-narrow / (count - 2) ** _NARROW_POWER), _NARROW)
    return _scatter(counts) >= _scatter(exposed_s) * min_scatter


def _has_few_lights(lights: int, count: int) -> bool:
    min_chance = _LIGHT_OF_FEW if count < _FEW else _LIGHT_OF_SOME if count < _MANY else _LIGHT_OF_MANY
    return share_tail(lights, count) >= min_chance


def _scatter(weights: NDArray[np.float64]) -> float:
    """Return the area over which parts with weights are scattered: the root of the determinant of their covariance."""
    rows, columns = np.divmod(np.arange(weights.size), PARTS[1])
    shares = weights / weights.sum()
    down, across = rows - (shares * rows).sum(), columns - (shares * columns).sum()
    determinant = (shares * down**2).sum() * (shares * across**2).sum() - (shares * down * across).sum() ** 2
    return math.sqrt(max(float(determinant), 0.0))
