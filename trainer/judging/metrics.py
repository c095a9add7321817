"""Figures of a two-class decision: equations (3) to (6), their intervals, curves, calibration; pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many samples were decided rightly and wrongly."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def total(self) -> int:
        """All samples."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives

    @property
    def precision(self) -> float:
        """TP / (TP + FP), equation (3); NaN where nothing was called positive."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN), equation (4); NaN without positive samples."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 × precision × recall / (precision + recall), equation (5)."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / total, equation (6)."""
        return _ratio(self.true_positives + self.true_negatives, self.total)

    @property
    def false_positive_rate(self) -> float:
        """FP / (FP + TN); NaN without negative samples."""
        return _ratio(self.false_positives, self.false_positives + self.true_negatives)


METRICS = ("precision", "recall", "f1", "accuracy")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def confusion(label: NDArray[np.integer], called: NDArray[np.bool_]) -> Confusion:
    """Count decisions `called` (true: a hit) against labels (1: a hit)."""
    hit = np.asarray(label) == 1
    return Confusion(
        int(np.sum(hit & called)), int(np.sum(~hit & called)), int(np.sum(~hit & ~called)), int(np.sum(hit & ~called))
    )


def bootstrap(
    label: NDArray[np.integer], called: NDArray[np.bool_], rng: Generator, rounds: int = 1000
) -> dict[str, tuple[float, float]]:
    """Give 95 % intervals of precision, recall, F1 and accuracy by drawing the samples anew.

    The four counts of a sample drawn with replacement are multinomial, so no sample is touched: exact and quick.
    """
    counts = confusion(label, called)
    if not counts.total:
        return {name: (float("nan"), float("nan")) for name in METRICS}
    four = np.array([counts.true_positives, counts.false_positives, counts.true_negatives, counts.false_negatives])
    drawn = [Confusion(*map(int, row)) for row in rng.multinomial(counts.total, four / counts.total, rounds)]
    intervals = {}
    for name in METRICS:
        values = np.array([getattr(one, name) for one in drawn])
        values = values[~np.isnan(values)]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (float("nan"), float("nan"))
        intervals[name] = (float(low), float(high))
    return intervals


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Give the 95 % interval of a proportion (Wilson 1927); (0, 1) where nothing was counted."""
    if not whole:
        return 0.0, 1.0
    share = part / whole
    spread = Z_95**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    reach = Z_95 / (1 + spread) * np.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    low = float(middle - reach) if part else 0.0
    return low, float(middle + reach) if part < whole else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Recall against false-positive rate and precision as the threshold falls.

    Attributes
    ----------
    threshold, recall, false_positive_rate, precision : float arrays of one length
        At score ≥ threshold; thresholds fall strictly.

    """

    threshold: NDArray[np.float64]
    recall: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    precision: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under recall against false-positive rate (ROC AUC), by trapezoids from (0, 0)."""
        rate = np.concatenate([[0.0], self.false_positive_rate])
        recall = np.concatenate([[0.0], self.recall])
        return float(np.sum(np.diff(rate) * (recall[1:] + recall[:-1]) / 2))

    @property
    def average_precision(self) -> float:
        """Σ (rise of recall) × precision."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def curve(label: NDArray[np.integer], score: NDArray[np.floating]) -> Curve:
    """Sweep the threshold over every score that occurs. Both labels must occur."""
    hit = np.asarray(label) == 1
    positives, negatives = int(hit.sum()), int((~hit).sum())
    if not positives or not negatives:
        raise ValueError("a curve needs samples of both labels")
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    true = np.cumsum(hit[order])[last_of_tie]
    false = np.cumsum(~hit[order])[last_of_tie]
    return Curve(falling[last_of_tie].astype(np.float64), true / positives, false / negatives, true / (true + false))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What is left of the hits at a stated false-positive rate.

    Attributes
    ----------
    target : float
        The false-positive rate asked for.
    threshold : float
        Least score that is called a hit; infinity where no score keeps to the rate.
    recall, recall_low, recall_high : float
        With its 95 % interval (Wilson).
    false_positive_rate : float
        What was met on these samples, at most `target`.
    supported : bool
        Whether there are at least 20 / target negatives, enough to state the rate and not only its interval.

    """

    target: float
    threshold: float
    recall: float
    recall_low: float
    recall_high: float
    false_positive_rate: float
    supported: bool


def at_false_positive_rate(label: NDArray[np.integer], score: NDArray[np.floating], target: float) -> OperatingPoint:
    """Find the lowest threshold whose false-positive rate is at most `target`."""
    hit = np.asarray(label) == 1
    positives, negatives = int(hit.sum()), int((~hit).sum())
    false = np.sort(score[~hit])[::-1]
    allowed = int(target * negatives)
    if allowed >= len(false):
        threshold = float(score.min()) if len(score) else float("inf")
    else:
        above = score[score > false[allowed]]
        threshold = float(above.min()) if len(above) else float("inf")
    found = int(np.sum(score[hit] >= threshold))
    low, high = wilson(found, positives)
    met = _ratio(int(np.sum(false >= threshold)), negatives)
    return OperatingPoint(target, threshold, _ratio(found, positives), low, high, met, target * negatives >= 20)


def log_loss(label: NDArray[np.integer], margin: NDArray[np.floating], temperature: float = 1.0) -> float:
    """Mean cross entropy of score = sigmoid(margin / temperature), margin = logit 1 − logit 0."""
    signed = np.where(np.asarray(label) == 1, -margin, margin).astype(np.float64) / temperature
    return float(np.mean(np.logaddexp(0.0, signed)))


def fit_temperature(label: NDArray[np.integer], margin: NDArray[np.floating]) -> float:
    """Find the temperature between 0.05 and 20 of least cross entropy (Guo et al. 2017), by golden section."""
    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5.0) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if log_loss(label, margin, float(np.exp(left))) < log_loss(label, margin, float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Reliability of scores in bins of equal width.

    Attributes
    ----------
    mean_score, share_of_hits : float arrays, shape (bins,)
        NaN in an empty bin.
    count : int array, shape (bins,)
    error : float
        Expected calibration error: |share − score| weighted by count.

    """

    mean_score: NDArray[np.float64]
    share_of_hits: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float


def calibration(label: NDArray[np.integer], score: NDArray[np.floating], bins: int = 10) -> Calibration:
    """Compare scores with the share of hits among samples of such scores."""
    place = np.clip((score * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_score = np.bincount(place, weights=score, minlength=bins) / count
        share = np.bincount(place, weights=(np.asarray(label) == 1).astype(float), minlength=bins) / count
    filled = count > 0
    error = float(np.sum(count[filled] * np.abs(share[filled] - mean_score[filled])) / max(count.sum(), 1))
    return Calibration(mean_score, share, count.astype(np.int64), error)


def sigmoid(margin: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Give 1 / (1 + exp(−margin / temperature)) without overflow."""
    scaled = np.asarray(margin, np.float64) / temperature
    small = np.exp(-np.abs(scaled))
    return np.where(scaled >= 0, 1 / (1 + small), small / (1 + small))
