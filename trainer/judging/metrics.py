"""Figures of a two-class decision: equations (3) to (6) of the paper, their intervals, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import binned_statistic

from edge.arguments import equally_long
from edge.statistics import threshold_at_fpr, wilson_interval

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

CALIBRATION_BINS = 10
"""Bins of equal width in which scores are compared with the share of hits."""
TEMPERATURES = (0.05, 20.0)
"""Between these the temperature is searched."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Number of samples that were decided rightly and wrongly.

    Examples
    --------
    The row of AlexNet in the paper's Table 5, with 20,000 samples of each label:

    >>> counts = Confusion(true_positives=19472, false_positives=2209, true_negatives=17791, false_negatives=528)
    >>> print(f"{counts.precision:.4f} {counts.recall:.4f} {counts.f1:.4f} {counts.accuracy:.4f}")
    0.8981 0.9736 0.9343 0.9316

    """

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def total(self) -> int:
        """Number of all samples."""
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


@equally_long("label", "called")
def confusion(label: NDArray[np.integer], called: NDArray[np.bool_]) -> Confusion:
    """Count the decisions `called` (true: a hit) against the labels (1: a hit)."""
    hit = np.asarray(label) == 1
    return Confusion(
        int(np.sum(hit & called)), int(np.sum(~hit & called)), int(np.sum(~hit & ~called)), int(np.sum(hit & ~called))
    )


def bootstrap(
    label: NDArray[np.integer], called: NDArray[np.bool_], rng: Generator, rounds: int = 1000
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of precision, recall, F1 and accuracy by the bootstrap.

    The four counts of samples that are drawn with replacement have a multinomial distribution. Drawing from it is exact
    and quicker than drawing the samples.
    """
    counts = confusion(label, called)
    if not counts.total:
        return {name: (float("nan"), float("nan")) for name in METRICS}
    four = np.array([counts.true_positives, counts.false_positives, counts.true_negatives, counts.false_negatives])
    resampled = [Confusion(*map(int, row)) for row in rng.multinomial(counts.total, four / counts.total, rounds)]
    intervals = {}
    for name in METRICS:
        values = np.array([getattr(counts, name) for counts in resampled])
        values = values[~np.isnan(values)]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (float("nan"), float("nan"))
        intervals[name] = (float(low), float(high))
    return intervals


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Recall at a stated false-positive rate.

    Attributes
    ----------
    target : float
        The false-positive rate asked for.
    threshold : float
        Lowest score that is called a hit; infinity where no score keeps to the rate.
    recall, recall_low, recall_high : float
        Share of the hits that are found, with its 95 % interval (Wilson's).
    false_positive_rate : float
        False-positive rate on these samples, at most `target`.
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


@equally_long("label", "score")
def at_false_positive_rate(label: NDArray[np.integer], score: NDArray[np.floating], target: float) -> OperatingPoint:
    """Return recall at the lowest of all scores whose false-positive rate is at most `target`.

    Examples
    --------
    >>> label = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> score = np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.5, 0.7, 0.8])
    >>> point = at_false_positive_rate(label, score, 0.0)
    >>> point.threshold, point.recall
    (0.7, 0.5)

    """
    hit = np.asarray(label) == 1
    positives, negatives = int(hit.sum()), int((~hit).sum())
    threshold = threshold_at_fpr(score[~hit], target, levels=score)
    found = int(np.sum(score[hit] >= threshold))
    low, high = wilson_interval(found, positives)
    rate = _ratio(int(np.sum(score[~hit] >= threshold)), negatives)
    return OperatingPoint(target, threshold, _ratio(found, positives), low, high, rate, target * negatives >= 20)


@equally_long("label", "margin")
def log_loss(label: NDArray[np.integer], margin: NDArray[np.floating], temperature: float = 1.0) -> float:
    """Return the mean cross entropy of score = sigmoid(margin / temperature), with margin = logit 1 − logit 0."""
    signed = np.where(np.asarray(label) == 1, -margin, margin).astype(np.float64) / temperature
    return float(np.mean(np.logaddexp(0.0, signed)))


@equally_long("label", "margin")
def fit_temperature(label: NDArray[np.integer], margin: NDArray[np.floating]) -> float:
    """Return the temperature of lowest cross entropy (Guo et al. 2017), found on a logarithmic scale."""
    found = minimize_scalar(
        lambda log_temperature: log_loss(label, margin, float(np.exp(log_temperature))),
        bounds=np.log(TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(np.exp(found.x))


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


@equally_long("label", "score")
def calibration(label: NDArray[np.integer], score: NDArray[np.floating], bins: int = CALIBRATION_BINS) -> Calibration:
    """Compare scores with the share of hits among samples of such scores.

    Examples
    --------
    >>> calibration(np.array([0, 1, 0, 1]), np.array([0.2, 0.2, 0.9, 0.9]), bins=2).share_of_hits
    array([0.5, 0.5])

    """
    hit = (np.asarray(label) == 1).astype(np.float64)
    (mean_score, share), _, place = binned_statistic(score, [score, hit], "mean", bins, range=(0, 1))
    count = np.bincount(place - 1, minlength=bins)
    filled = count > 0
    error = float(np.sum(count[filled] * np.abs(share[filled] - mean_score[filled])) / max(count.sum(), 1))
    return Calibration(mean_score, share, count.astype(np.int64), error)
