"""Decisions of one network, and of the cascade of screen and classifier, about crops by their logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.decision import Context, score_candidates
from edge.detect.network import margins_of, scores_of
from edge.statistics import log_odds, sigmoid

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
    score = scores_of(logits, decision.temperature)
    return Predictions(decision.threshold, score, score >= decision.threshold)


def predict_cascade(
    logits: NDArray[np.float32],
    screen_logits: NDArray[np.float32] | None,
    decisions: tuple[Decision, Decision | None],
    motion_dn: NDArray[np.float64],
) -> Predictions:
    """Return what the box decides, as far as crops show it: a hit passes the screen and reaches the threshold.

    Parameters
    ----------
    logits, screen_logits : float32 array, shape (n, 2)
        Logits of the classifier and of the screen; None without a screen.
    decisions : tuple of Decision
        The classifier's and the screen's.
    motion_dn : float64 array, shape (n,)

    Returns
    -------
    Predictions
        The score is 0 where the screen stops a crop: the classifier is not asked there.

    """
    decision, first = decisions
    screen_margins, passes = _screened(screen_logits, first, len(logits))
    context = Context.of_crops(margins_of(logits), screen_margins, motion_dn)
    score = np.where(passes, sigmoid(score_candidates(context, decision)), 0.0)
    return Predictions(decision.threshold, score, passes & (score >= decision.threshold))


def min_margins(
    decision: Decision,
    motion_dn: NDArray[np.float64],
    screen_logits: NDArray[np.float32] | None = None,
    first: Decision | None = None,
) -> NDArray[np.float64]:
    """Return the smallest logit1 − logit0 of a classifier that makes each crop a hit, shape (n,).

    It is infinite where the screen stops the crop. Parameters as in `predict_cascade`.
    """
    screen_margins, passes = _screened(screen_logits, first, len(motion_dn))
    # The classifier's term is added to the others: at a margin of 0 the score is the sum of the others.
    others = score_candidates(Context.of_crops(np.zeros(len(motion_dn)), screen_margins, motion_dn), decision)
    return np.where(passes, (log_odds(decision.threshold) - others) * decision.temperature, np.inf)


def _screened(
    logits: NDArray[np.float32] | None, decision: Decision | None, count: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return the screen's margins and which crops pass it: all of them where there is no screen."""
    if logits is None or decision is None:
        return None, np.ones(count, bool)
    return margins_of(logits), predict(logits, decision).hit
