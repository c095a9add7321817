"""What a network alone and the cascade of both make of the same crops, and how far float and int8 agree on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.bundle import Decision, is_joint
from edge.detect.classifier import margins_of, odds_beside, probability, scores_of
from quantize.agreement import Difference, calibration_error, recall_difference, strata_rows, threshold_at_fpr
from quantize.decisions import log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.dataset import Strata

FALSE_POSITIVE_RATES = (1e-2, 1e-3)
ALONE_FPR = 1e-2  # where labels of a classifier are compared that decides only together with the screen


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
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


@dataclass(frozen=True, slots=True)
class Operation:
    """What a model does at its own threshold."""

    threshold: float
    recall: float
    false_positives: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Float and int8 on the same crops.

    Attributes
    ----------
    labels : float
        Share of crops on which both decide alike, each at its own threshold.
    hits : float
        Of the crops that either calls a hit, the share that both do: labels alone look well where hits are few.
    recall : dict of str to Difference
        By false-positive rate, each model at the threshold that gives it, with paired 95 % interval of the change.
    decision_reference, decision_found : Operation
    calibration_reference, calibration_found : float
        Mean calibration error.

    """

    labels: float
    hits: float
    recall: dict[str, Difference]
    decision_reference: Operation
    decision_found: Operation
    calibration_reference: float
    calibration_found: float


@dataclass(frozen=True, slots=True)
class StratumRow:
    """Agreement within one stratum, each model at its own threshold; recall is NaN without positives."""

    name: str
    crops: int
    positives: int
    labels: float
    recall_reference: float
    recall_found: float


def decided_alone(logits: NDArray[np.float32], decision: Decision) -> Decided:
    """Decide by one network's logits, shape (n, 2)."""
    score = scores_of(logits, decision.temperature)
    return Decided(decision.threshold, score, score >= decision.threshold)


def decided_together(
    logits: NDArray[np.float32],
    screen_logits: NDArray[np.float32] | None,
    decisions: tuple[Decision, Decision | None],
    motion_dn: NDArray[np.float64],
) -> Decided:
    """Decide as the agent does on ground at rest: a hit passes the screen, and the score of both reaches the threshold.

    Parameters
    ----------
    logits, screen_logits : float32 array, shape (n, 2)
        Of the classifier and of the screen; None without a screen.
    decisions : tuple of Decision
        The classifier's and the screen's.
    motion_dn : float64 array, shape (n,)

    Returns
    -------
    Decided
        The score is 0 where the screen lets nothing pass: the classifier is not asked there.

    """
    decision, first = decisions
    screen_margins, passes = _screened(screen_logits, first, len(logits))
    odds = margins_of(logits) / decision.temperature + odds_beside(decision, screen_margins, motion_dn)
    score = np.where(passes, probability(odds), 0.0)
    return Decided(decision.threshold, score, passes & (score >= decision.threshold))


def min_margins(
    decision: Decision,
    motion_dn: NDArray[np.float64],
    screen_logits: NDArray[np.float32] | None = None,
    first: Decision | None = None,
) -> NDArray[np.float64]:
    """Give the least logit1 − logit0 of a classifier that makes each crop a hit; inf where the screen stops it.

    Arguments as in `decided_together`; shape (n,).
    """
    wanted = np.full(len(motion_dn), log_odds(decision.threshold))
    screen_margins, passes = _screened(screen_logits, first, len(motion_dn))
    wanted -= odds_beside(decision, screen_margins, motion_dn)
    return np.where(passes, wanted * decision.temperature, np.inf)


def alone_decisions(
    logits: NDArray[np.float32], label: NDArray[np.uint8], reference: Decision, own: Decision
) -> tuple[Decision, Decision, bool]:
    """Give the decisions by which float and int8 network are judged alone, and whether they are in use.

    A decision of screen and classifier together says nothing of one network: then both are judged where float,
    `logits`, has a false-positive rate of 1e-2.
    """
    if not is_joint(reference) and not is_joint(own):
        return reference, own, True
    threshold = threshold_at_fpr(scores_of(logits, reference.temperature), label, ALONE_FPR)
    given = Decision(threshold=threshold, temperature=reference.temperature)
    return given, given, False


def agreement_of(reference: Decided, found: Decided, label: NDArray[np.uint8], rng: np.random.Generator) -> Agreement:
    """Compare what the float and the other model made of the same crops."""
    return Agreement(
        labels=float((reference.hit == found.hit).mean()),
        hits=_share((reference.hit & found.hit)[reference.hit | found.hit]),
        recall={
            f"{rate:g}": recall_difference(reference.score, found.score, label, rate, rng=rng)
            for rate in FALSE_POSITIVE_RATES
        },
        decision_reference=_operation(reference, label),
        decision_found=_operation(found, label),
        calibration_reference=calibration_error(reference.score, label),
        calibration_found=calibration_error(found.score, label),
    )


def strata_of(
    reference: Decided, found: Decided, label: NDArray[np.uint8], strata: tuple[Strata, ...]
) -> tuple[StratumRow, ...]:
    """Compare within each stratum of the trainer."""
    positive = label == 1
    return tuple(
        StratumRow(
            name,
            int(inside.sum()),
            int((inside & positive).sum()),
            _share((reference.hit == found.hit)[inside]),
            _share(reference.hit[inside & positive]),
            _share(found.hit[inside & positive]),
        )
        for name, inside in strata_rows(strata)
    )


def _screened(
    logits: NDArray[np.float32] | None, decision: Decision | None, count: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give the screen's margins and what it lets pass: everything where there is none."""
    if logits is None or decision is None:
        return np.zeros(count), np.ones(count, bool)
    return margins_of(logits), decided_alone(logits, decision).hit


def _operation(decided: Decided, label: NDArray[np.uint8]) -> Operation:
    return Operation(decided.threshold, _share(decided.hit[label == 1]), int(decided.hit[label == 0].sum()))


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")
