"""The classifier: crops around candidates in, scores from dequantised logits out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.network import Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.bundle import Bundle, Decision
    from edge.capture.frame import Image
    from edge.detect.runtime import Runtime


USUAL_DOUBTED = 100.0
"""Candidates a frame that the screen stops before a scene for which a decision's scene_weight changes nothing."""
_MIN_DOUBTED = 10.0
"""Added, so that a dark or empty scene does not make everything a hit."""


class Classifier:
    """The bundle's network with its decision.

    Parameters
    ----------
    bundle : Bundle
    threads : int
    batch : int
        Crops in one call of the network. Measured with the shipped model: docs/performance.md.

    Raises
    ------
    BundleError, RuntimeMissingError
        See `edge.detect.network.Network`.

    """

    def __init__(self, bundle: Bundle, threads: int = 1, batch: int = 1) -> None:
        manifest = bundle.manifest
        self.planes = manifest.input.planes
        self.crop_size = manifest.input.crop_size
        self.decision = manifest.decision
        contract = (manifest.input, manifest.output)
        self._network = Network(bundle.path, bundle.model, contract, threads=threads, batch=batch)

    @property
    def runtime(self) -> Runtime:
        """The package that runs the network."""
        return self._network.runtime

    def logits(self, crops: Image) -> NDArray[np.float32]:
        """Give the dequantised logits, float32 (n, 2), of uint8 crops (n, size, size, 3)."""
        return self._network.logits(crops)

    @property
    def threshold(self) -> float:
        """Least score of a hit."""
        return self.decision.threshold

    def odds(self, crops: Image) -> NDArray[np.float64]:
        """Give the network's log odds, shape (n,), of crops (n, size, size, 3): logit1 − logit0 over temperature."""
        return margins_of(self.logits(crops)) / self.decision.temperature

    def scores(self, crops: Image) -> NDArray[np.float64]:
        """Give the probability of radiation, 0..1, of each crop (n, size, size, 3), by the network alone."""
        return probability(self.odds(crops))


def scores_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn logits (n, 2) into probabilities: sigmoid((logit1 − logit0) / temperature)."""
    return probability(margins_of(logits) / temperature)


def margins_of(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give logit1 − logit0, shape (n,), of logits (n, 2)."""
    margins: NDArray[np.float64] = logits[:, 1].astype(np.float64) - logits[:, 0]
    return margins


def odds_beside(
    decision: Decision,
    screen_margins: NDArray[np.float64],
    motion_dn: NDArray[np.float64],
    doubted: float = USUAL_DOUBTED,
    entering: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Give the log odds that a decision takes from elsewhere than the classifier; see `edge.bundle.Decision`.

    Parameters
    ----------
    decision : Decision
    screen_margins : float64 array, shape (n,)
        The screen's logit1 − logit0.
    motion_dn : float64 array, shape (n,)
        Motion under each candidate, grey levels.
    doubted : float
        Candidates a frame that the screen has stopped of late.
    entering : bool array, shape (n,), or None
        Which candidates may be the tip of what enters at the border of the picture; None for none.

    """
    odds: NDArray[np.float64] = decision.screen_weight * screen_margins - decision.motion_weight * np.log1p(motion_dn)
    scene = math.log((_MIN_DOUBTED + doubted) / (_MIN_DOUBTED + USUAL_DOUBTED))
    border = 0.0 if entering is None else decision.border_weight * entering
    return odds - decision.scene_weight * scene - border


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give sigmoid(log odds)."""
    # tanh does not overflow where exp would.
    value: NDArray[np.float64] = 0.5 * (1 + np.tanh(log_odds / 2))
    return value
