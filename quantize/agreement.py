"""How far two models agree on the same crops: pure functions of scores, hits, logits and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from edge.arguments import equally_long
from edge.statistics import wilson_interval
from quantize.intervals import paired_change
from trainer.judging.metrics import CALIBRATION_BINS
from trainer.judging.strata import NAMED, bins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from quantize.predictions import Predictions
    from trainer.data.dataset import Strata

Interval: TypeAlias = tuple[float, float]
"""The ends of a 95 % interval; NaN where nothing was counted."""

FALSE_POSITIVE_RATES = (1e-2, 1e-3)
ROUNDS = 400  # of a bootstrap
NAMED_STRATA = (*NAMED, "proposed")


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the float model and of the other, with the paired 95 % interval of their difference."""

    reference: float
    found: float
    low: float
    high: float

    @property
    def change(self) -> float:
        """Found − reference."""
        return self.found - self.reference


@dataclass(frozen=True, slots=True)
class Operation:
    """Recall and number of false positives of a model at its own threshold."""

    threshold: float
    recall: float
    false_positives: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the float model (reference) and of the int8 model (found) on the same crops.

    Attributes
    ----------
    labels : float
        Share of crops on which both decide alike, each at its own threshold.
    labels_interval : (float, float)
        Its 95 % interval.
    hits : float
        Share of the crops that both call a hit, of those that either does. Where hits are few, `labels` alone looks
        good for any two models.
    recall : dict of str to Difference
        Recall by false-positive rate, each model at the threshold that gives it, with the paired 95 % interval of the
        change.
    decision_reference, decision_found : Operation
    decision_recall_interval : (float, float)
        Paired 95 % interval of the change of recall between the two.
    common_false_positives : int
        Crops without a hit that both call a hit.
    calibration_reference, calibration_found : float
        Mean calibration error of each model.
    calibration_interval : (float, float)
        Paired 95 % interval of its change.

    """

    labels: float
    labels_interval: Interval
    hits: float
    recall: dict[str, Difference]
    decision_reference: Operation
    decision_found: Operation
    decision_recall_interval: Interval
    common_false_positives: int
    calibration_reference: float
    calibration_found: float
    calibration_interval: Interval


@dataclass(frozen=True, slots=True)
class StratumRow:
    """Agreement within one stratum, each model at its own threshold; recall is NaN without positives.

    `recall_interval` is the paired 95 % interval of the change of recall.
    """

    name: str
    crops: int
    positives: int
    labels: float
    recall_reference: float
    recall_found: float
    recall_interval: Interval


def agreement_of(
    reference: Predictions, found: Predictions, label: NDArray[np.uint8], rng: np.random.Generator
) -> Agreement:
    """Compare what the float model and the int8 model decide about the same crops.

    Parameters
    ----------
    reference, found : Predictions
        Predictions of the float model and of the int8 model.
    label : uint8 array, shape (n,)
        1 for a hit.
    rng : Generator
        Draws the crops of the bootstrap rounds.

    Examples
    --------
    >>> from quantize.predictions import Predictions
    >>> label = np.array([0, 0, 1, 1], np.uint8)
    >>> score = np.array([0.1, 0.2, 0.8, 0.9])
    >>> reference = Predictions(0.5, score, score >= 0.5)
    >>> coarse = np.array([0.0, 0.25, 0.25, 1.0])
    >>> agreement = agreement_of(reference, Predictions(0.5, coarse, coarse >= 0.5), label, np.random.default_rng(1))
    >>> agreement.labels, agreement.hits
    (0.75, 0.5)

    """
    alike, positive = reference.hit == found.hit, label == 1
    recall = {
        f"{rate:g}": recall_difference(reference.score, found.score, label, rate, rng=rng)
        for rate in FALSE_POSITIVE_RATES
    }
    errors = calibration_difference(reference.score, found.score, label, rng=rng)
    return Agreement(
        labels=float(alike.mean()),
        labels_interval=wilson_interval(int(alike.sum()), len(alike)),
        hits=_share((reference.hit & found.hit)[reference.hit | found.hit]),
        recall=recall,
        decision_reference=_operation(reference, label),
        decision_found=_operation(found, label),
        decision_recall_interval=paired_change(reference.hit[positive], found.hit[positive]),
        common_false_positives=int((reference.hit & found.hit)[label == 0].sum()),
        calibration_reference=errors.reference,
        calibration_found=errors.found,
        calibration_interval=(errors.low, errors.high),
    )


def strata_of(
    reference: Predictions, found: Predictions, label: NDArray[np.uint8], strata: tuple[Strata, ...]
) -> tuple[StratumRow, ...]:
    """Compare both models within each stratum of the trainer; a name that all crops share is no stratum."""
    positive = label == 1
    return tuple(
        StratumRow(
            f"{name} {bin_name}",
            int(inside.sum()),
            int((inside & positive).sum()),
            _share((reference.hit == found.hit)[inside]),
            _share(reference.hit[inside & positive]),
            _share(found.hit[inside & positive]),
            paired_change(reference.hit[inside & positive], found.hit[inside & positive]),
        )
        for name, bin_name, inside in bins(strata, NAMED_STRATA)
        if name not in NAMED_STRATA or not inside.all()
    )


@equally_long("signal", "noisy")
def sqnr_db(signal: NDArray[Any], noisy: NDArray[Any]) -> float:
    """Return the signal to quantisation noise ratio in dB, infinity where both are equal.

    It is 10 log10(Σ signal² / Σ (signal − noisy)²).
    """
    reference = signal.astype(np.float64)
    noise = float(np.square(reference - noisy).sum())
    power = float(np.square(reference).sum())
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(power / noise)) if power > 0 else float("-inf")


@equally_long("reference", "found", "label")
def recall_difference(
    reference: NDArray[np.float64],
    found: NDArray[np.float64],
    label: NDArray[Any],
    fpr: float,
    *,
    rng: Generator,
    rounds: int = ROUNDS,
) -> Difference:
    """Compare recall at a false-positive rate, each model at its own threshold, by a paired bootstrap over the crops.

    Recall is read off the ROC curve with straight lines between its points. Scores of an int8 model come in steps; the
    line across a step is the result of a decision by lot among equals, which neither favours nor punishes the coarser
    model. Recall is NaN without positives or negatives.
    """
    positive = label.astype(bool)
    # The order of the scores is the same in every round, so that no round has to sort as scikit-learn's curve would.
    orders = (_roc_order(reference), _roc_order(found))

    def both(weights: NDArray[np.float64]) -> tuple[float, float]:
        recalls = [_weighted_recall(*order, positive, weights, fpr) for order in orders]
        return recalls[0], recalls[1]

    changes = [other - own for own, other in map(both, _resampled(positive, rng, rounds))]
    low, high = np.nanpercentile(changes, [2.5, 97.5]) if positive.any() and not positive.all() else (np.nan, np.nan)
    exact = both(np.ones(len(label)))
    return Difference(exact[0], exact[1], float(low), float(high))


@equally_long("reference", "found", "label")
def calibration_difference(
    reference: NDArray[np.float64],
    found: NDArray[np.float64],
    label: NDArray[Any],
    *,
    rng: Generator,
    rounds: int = ROUNDS,
) -> Difference:
    """Compare the mean calibration error of two models by a paired bootstrap over the crops; NaN without crops.

    The error is that of `trainer.judging.metrics.calibration`, the mean distance between score and share of hits over
    bins of the score.
    """
    if not len(label):
        return Difference(*[float("nan")] * 4)
    positive = label.astype(bool)
    # In a bin, count × |share of hits − mean score| is the sum of all (hit − score).
    parts = [(_calibration_bins(scores), positive - scores) for scores in (reference, found)]

    def both(weights: NDArray[np.float64]) -> tuple[float, float]:
        errors = [
            float(np.abs(np.bincount(place, weights * rest)).sum() / max(weights.sum(), 1)) for place, rest in parts
        ]
        return errors[0], errors[1]

    changes = [other - own for own, other in map(both, _resampled(positive, rng, rounds))]
    low, high = np.percentile(changes, [2.5, 97.5])
    return Difference(*both(np.ones(len(label))), float(low), float(high))


@equally_long("reference", "found", "label")
def matched_threshold(
    reference: NDArray[np.float64], threshold: float, found: NDArray[np.float64], label: NDArray[Any]
) -> float:
    """Return the threshold at which the other model decides most like the reference does at `threshold`.

    The other model's scores come in steps, so every threshold between two of them is one choice; of equally good
    choices the nearest to `threshold` is taken. Positives and negatives weigh the same, however many there are of each.
    """
    wanted = reference >= threshold
    positive = label.astype(bool)
    weight = np.where(positive, 0.5 / max(positive.sum(), 1), 0.5 / max((~positive).sum(), 1))
    levels, place = np.unique(found, return_inverse=True)
    kept = np.bincount(place, weights=np.where(wanted, weight, 0), minlength=levels.size)
    wrong = np.bincount(place, weights=np.where(wanted, 0, weight), minlength=levels.size)
    # Choice k takes levels[k:] for hits: it loses what was wanted below, and gains what was not above.
    cost = np.append(0, np.cumsum(kept)) + np.append(np.cumsum(wrong[::-1])[::-1], 0)
    edges = np.concatenate([[0.0], levels, [1.0]])
    best = np.flatnonzero(cost <= cost.min() + 1e-12)
    nearest = [float(np.clip(threshold, *_inside(edges[k], edges[k + 1]))) for k in best]
    return min(nearest, key=lambda value: abs(value - threshold))


def _inside(low: float, high: float) -> tuple[float, float]:
    """Return the range of thresholds above one level and not above the next, with a margin against rounding."""
    margin = (high - low) * 0.02
    return low + margin, high - margin


def _operation(predictions: Predictions, label: NDArray[np.uint8]) -> Operation:
    return Operation(predictions.threshold, _share(predictions.hit[label == 1]), int(predictions.hit[label == 0].sum()))


def _calibration_bins(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.minimum((scores * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _roc_order(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of falling scores and the last place of each distinct score in it."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return order, ends


def _weighted_recall(
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    positive: NDArray[np.bool_],
    weights: NDArray[np.float64],
    fpr: float,
) -> float:
    ranked, counts = positive[order], weights[order]
    hits = np.cumsum(counts * ranked)[ends]
    false = np.cumsum(counts * ~ranked)[ends]
    if not len(hits) or not hits[-1] or not false[-1]:
        return float("nan")
    rates, recalls = np.append(0, false / false[-1]), np.append(0, hits / hits[-1])
    # The curve rises straight up where there are no false positives: keep the highest point of each rate.
    last = np.append(rates[1:] != rates[:-1], True)
    return float(np.interp(fpr, rates[last], recalls[last]))


def _resampled(positive: NDArray[np.bool_], rng: Generator, rounds: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each crop is drawn in a bootstrap round, positives and negatives apart."""
    weights = np.empty(len(positive))
    groups = [np.flatnonzero(group) for group in (positive, ~positive)]
    for _ in range(rounds):
        for group in groups:
            weights[group] = np.bincount(rng.integers(0, max(len(group), 1), len(group)), minlength=len(group))
        yield weights
