"""The excess over the background: by hits, or where a nuisance hides these by the grades of spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.bursts import Bursts
from edge.alarm.grades import CLASSES, SHARES, GradedTrigger, counts_of
from edge.alarm.leak import SURE_SHARE
from edge.alarm.trigger import Trigger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.alarm.live_time import Observation
    from edge.config.device import AlarmSettings


class Excess:
    """Sums up what exceeds the background, frame by frame.

    Parameters
    ----------
    settings : AlarmSettings

    """

    def __init__(self, settings: AlarmSettings) -> None:
        self._by_hits, self._by_grades = Trigger(settings), GradedTrigger(settings)
        self._bursts, self._graded_bursts = Bursts(), Bursts()
        self._graded = False

    @property
    def at_rest(self) -> bool:
        """Whether all so far is explained by background."""
        return self._by_grades.at_rest if self._graded else self._by_hits.at_rest

    def reset(self) -> None:
        """Begin anew."""
        self._by_hits.reset()
        self._by_grades.reset()

    def independent(self, observation: Observation) -> float:
        """Return the hits of a frame without those that belong to an earlier one."""
        places = observation.positions
        if not places:
            return observation.hits
        alone = self._bursts.alone(observation.monotonic_s, places, observation.size)
        return observation.hits * sum(alone) / len(places)

    def add(self, observation: Observation, hits: float, background_hz: float, dispersion: float) -> bool:
        """Update with one frame whose hits all count. Return whether there are more than chance allows.

        Parameters
        ----------
        observation : Observation
        hits : float
            Its independent hits.
        background_hz : float
            Hits a live second that are expected, those that a nuisance leaves among them.
        dispersion : float
            Of the background.

        """
        if observation.live_s <= 0:
            return False  # nothing could be seen; what was summed up by grades stays
        self._begin(graded=False)
        return self._by_hits.add(hits, observation.live_s, background_hz, dispersion)

    def add_graded(
        self, observation: Observation, background_hz: float, graded_hz: NDArray[np.float64], dispersion: float
    ) -> bool:
        """Update with one frame by the grades of its spots; the same otherwise.

        Parameters
        ----------
        observation : Observation
        background_hz : float
        graded_hz : float64 array, shape (8,)
            Spots of each class a second that a nuisance leaves.
        dispersion : float

        """
        self._begin(graded=True)
        spots = observation.graded or ()
        alone = self._graded_bursts.alone(observation.monotonic_s, [spot[:2] for spot in spots], observation.size)
        counts = counts_of([spot[2] for spot, is_alone in zip(spots, alone, strict=True) if is_alone])
        exposed_s = np.repeat((observation.live_s / SURE_SHARE, observation.stirred_s), CLASSES // 2)
        true_hz = max(background_hz - observation.leak_hz, 0.0)
        rates_hz = graded_hz + true_hz * SHARES * exposed_s / observation.period_s
        return self._by_grades.add(counts, exposed_s, rates_hz, observation.period_s, dispersion)

    def _begin(self, *, graded: bool) -> None:
        if graded != self._graded:
            self.reset()
            self._graded = graded
