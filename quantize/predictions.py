"""Decisions of one network, and of the cascade of screen and classifier, about crops by their logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.network import margins_of
from edge.statistics import log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.detect.decision import Decision


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Scores of crops and which of them are hits.

    Attributes
    ----------
    threshold : float
    score : float64 array, shape (n,)
    hit : bool array, shape (n,)

    """

    threshold: float
    score: NDArray[np.float64] = field(repr=False)
    hit: NDArray[np.bool_] = field(repr=False)


def predict(logits: NDArray[np.float32], decision: Decision) -> Predictions:
    """Return what one network decides by its logits, shape (n, 2), alone."""
    score = decision.scores(margins_of(logits))
    return Predictions(decision.threshold, score, score >= decision.threshold)


def predict_cascade(
    logits: NDArray[np.float32], screen_logits: NDArray[np.float32], decisions: tuple[Decision, Decision]
) -> Predictions:
    """Return what the box decides: a hit passes the screen, and the classifier's score reaches its threshold.

    Parameters
    ----------
    logits, screen_logits : float32 array, shape (n, 2)
        Logits of the classifier and of the screen.
    decisions : tuple of Decision
        The classifier's and the screen's.

    Returns
    -------
    Predictions
        The score is 0 where the screen stops a crop: the classifier is not asked there.

    """
    passes, alone = predict(screen_logits, decisions[1]).hit, predict(logits, decisions[0])
    return Predictions(alone.threshold, np.where(passes, alone.score, 0.0), passes & alone.hit)


def min_margin(decision: Decision) -> float:
    """Return the smallest logit1 − logit0 of a hit.

    Examples
    --------
    >>> from edge.detect.decision import Decision
    >>> min_margin(Decision(threshold=0.5, temperature=2.0))
    0.0

    """
    return log_odds(decision.threshold) * decision.temperature
