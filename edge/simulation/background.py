"""Backgrounds: the rate of hits without a source, steady, uneven, swinging with the day, or replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.simulation.hit_train import draw_poisson

if TYPE_CHECKING:
    from edge.simulation.hit_train import HitTrain
    from edge.simulation.replay import Recording

DAY_S = 86400.0
_CELL_S = 60.0


@dataclass(frozen=True, slots=True)
class BackgroundModel:
    """The hits of a place without a source.

    Attributes
    ----------
    rate_hz : float
        Mean, hits per live second.
    dispersion : float
        Variance over mean of the counts in cells of `cell_s`; 1 for Poisson hits. Counts above are negative binomial:
        the rate of a cell is drawn from a Gamma distribution (a Cox process).
    cell_s : float
        Length of these cells.
    day_swing : float
        Amplitude of a sine of 24 hours, as a share of the mean.
    recording : Recording or None
        Replayed instead, where given; then only `rate_hz` counts, for what `calibrate` would measure.

    """

    rate_hz: float = 0.05
    dispersion: float = 1.0
    cell_s: float = 10.0
    day_swing: float = 0.0
    recording: Recording | None = None

    def draw(self, rng: np.random.Generator, start_s: float, seconds: float, live_share: float = 1.0) -> HitTrain:
        """Return the hits from `start_s` on for some seconds, of which `live_share` are live.

        Examples
        --------
        Six hours from the mean up and back make more than six hours from the mean down and back:

        >>> swinging = BackgroundModel(rate_hz=1.0, day_swing=0.5)
        >>> rng = np.random.default_rng(1)
        >>> len(swinging.draw(rng, 0.0, 43200.0)), len(swinging.draw(rng, 43200.0, 43200.0))
        (56733, 29482)

        """
        if self.recording is not None:
            return self.recording.draw(rng, start_s, seconds)
        cell_s = self.cell_s if self.dispersion > 1 else _CELL_S
        cells = max(1, int(np.ceil(seconds / cell_s)))
        cell_s = seconds / cells
        middle_s = start_s + (np.arange(cells) + 0.5) * cell_s
        rates_hz = self.rate_hz * live_share * (1 + self.day_swing * np.sin(2 * np.pi * middle_s / DAY_S))
        if self.dispersion > 1:
            shape = rates_hz * cell_s / (self.dispersion - 1)
            rates_hz = rng.gamma(shape) * (self.dispersion - 1) / cell_s
        return draw_poisson(rng, rates_hz, cell_s, start_s)
