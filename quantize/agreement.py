"""How far two models agree on the same crops: pure functions of scores, logits and labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.dataset import Strata

CALIBRATION_BINS = 15
NUMERIC_STRATA: dict[str, tuple[float, ...]] = {
    "added_dn": (15.0, 25.0, 40.0, 80.0),
    "background_dn": (48.0, 96.0, 160.0),
    "motion_dn": (4.0, 12.0, 30.0),
    "jpeg_quality": (60.0, 75.0, 85.0, 95.0),
}
NAMED_STRATA = ("nuisance", "nuclide", "fusion", "proposed")


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


def sqnr_db(signal: NDArray[Any], noisy: NDArray[Any]) -> float:
    """Signal to quantisation noise ratio, 10 log10(Σ signal² / Σ (signal − noisy)²), dB; inf where they are equal."""
    reference = signal.astype(np.float64)
    noise = float(np.square(reference - noisy).sum())
    power = float(np.square(reference).sum())
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(power / noise)) if power > 0 else float("-inf")


def recall_at_fpr(scores: NDArray[np.float64], label: NDArray[Any], fpr: float) -> float:
    """Recall at a false-positive rate, on the ROC curve with straight lines between its points.

    Scores of an int8 model come in steps; the line across a step is what a decision by lot among equals would give,
    and neither favours nor punishes the coarser model. NaN without positives or negatives.
    """
    weights = np.ones(len(scores))
    return _weighted_recall(*_roc_order(scores), label.astype(bool), weights, fpr)


def recall_difference(
    reference: NDArray[np.float64],
    found: NDArray[np.float64],
    label: NDArray[Any],
    fpr: float,
    *,
    rng: Generator,
    rounds: int = 400,
) -> Difference:
    """Compare recall at a false-positive rate, each model at its own threshold, paired bootstrap over the crops."""
    positive = label.astype(bool)
    orders = (_roc_order(reference), _roc_order(found))

    def both(weights: NDArray[np.float64]) -> tuple[float, float]:
        one, two = (_weighted_recall(*order, positive, weights, fpr) for order in orders)
        return one, two

    changes = [two - one for one, two in map(both, _resampled(positive, rng, rounds))]
    low, high = np.nanpercentile(changes, [2.5, 97.5]) if positive.any() and not positive.all() else (np.nan, np.nan)
    exact = both(np.ones(len(label)))
    return Difference(exact[0], exact[1], float(low), float(high))


def calibration_error(scores: NDArray[np.float64], label: NDArray[Any]) -> float:
    """Mean calibration error: |mean score − share of positives| over 15 bins of score, weighted by their crops."""
    if not len(scores):
        return float("nan")
    place = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    total = np.bincount(place, minlength=CALIBRATION_BINS)
    sums = np.bincount(place, weights=scores - label.astype(np.float64), minlength=CALIBRATION_BINS)
    return float(np.abs(sums).sum() / total.sum())


def threshold_at_fpr(scores: NDArray[np.float64], label: NDArray[Any], fpr: float) -> float:
    """Give the lowest threshold at which at most a share `fpr` of the negatives count as hits; 0.5 without any."""
    negatives = np.sort(scores[label == 0])[::-1]
    if not len(negatives):
        return 0.5
    allowed = int(fpr * len(negatives))
    return float(np.nextafter(negatives[allowed], 1.0)) if allowed < len(negatives) else 0.0


def matched_threshold(
    reference: NDArray[np.float64], threshold: float, found: NDArray[np.float64], label: NDArray[Any]
) -> float:
    """Find the threshold at which the other model decides most like the reference does at `threshold`.

    Its scores come in steps, so every threshold between two of them is one choice; of equally good ones the nearest
    to `threshold` is taken. Positives and negatives weigh the same, however many there are of each.
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


def strata_rows(strata: tuple[Strata, ...]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each stratum's name and which crops are in it; columns that nobody noted give none."""
    for column, edges in NUMERIC_STRATA.items():
        values = np.array([np.nan if one.get(column) is None else float(one[column]) for one in strata])
        bounds = (-np.inf, *edges, np.inf)
        for low, high in pairwise(bounds):
            inside = (values >= low) & (values < high)
            if inside.any():
                yield f"{column} {_interval(low, high)}", inside
    for column in NAMED_STRATA:
        names = np.array([_named(one.get(column)) for one in strata])
        for name in np.unique(names) if len(np.unique(names)) > 1 else ():
            yield f"{column} {name}", names == name


def _named(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value or "none")


def _interval(low: float, high: float) -> str:
    if np.isinf(low):
        return f"< {high:g}"
    return f"≥ {low:g}" if np.isinf(high) else f"{low:g}–{high:g}"


def _inside(low: float, high: float) -> tuple[float, float]:
    """Give the range of thresholds above one level and not above the next, with a margin against rounding."""
    margin = (high - low) * 0.02
    return low + margin, high - margin


def _roc_order(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
