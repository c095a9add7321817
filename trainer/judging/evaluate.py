"""Judging a run: threshold and temperature from the validation split, figures from the test split, mistakes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from edge.detect.decision import Decision
from edge.statistics import sigmoid
from edge.truth import VISIBLE_DN
from trainer.errors import DatasetError
from trainer.judging import metrics
from trainer.judging.strata import by_strata
from trainer.training.batches import Crops, PlainBatches, read_crops

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    from numpy.typing import NDArray

    from edge.detect.manifest import InputContract
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.run import Run

RATES = (1e-1, 1e-2, 1e-3, 1e-4)
"""False-positive rates at which recall is stated."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A split with the margins that a network gave its samples.

    Attributes
    ----------
    crops : Crops
    margin : float array, shape (n,)
        Logit 1 − logit 0.
    visible : bool array, shape (n,)
        True for negatives and for hits that add at least VISIBLE_DN. Figures are compared on these samples.

    """

    crops: Crops
    margin: NDArray[np.float64] = field(repr=False)
    visible: NDArray[np.bool_] = field(repr=False)

    def subset(self, chosen: NDArray[np.bool_]) -> Judged:
        """Return the samples where `chosen` is true."""
        crops = Crops(
            self.crops.pictures[chosen],
            self.crops.label[chosen],
            tuple(strata for strata, wanted in zip(self.crops.strata, chosen, strict=True) if wanted),
        )
        return Judged(crops, self.margin[chosen], self.visible[chosen])


def judge(model: keras.Model, crops: Crops, contract: InputContract, batch_size: int = 256) -> Judged:
    """Return crops with the margins that a Keras model gives them."""
    logits = np.asarray(model.predict(PlainBatches(crops, contract, batch_size), verbose=0), np.float64)
    return Judged(crops, logits[:, 1] - logits[:, 0], visible(crops))


def visible(crops: Crops) -> NDArray[np.bool_]:
    """Return which crops are negatives or visible hits, shape (n,)."""
    return np.array(
        [
            label == 0 or (strata.get("added_dn") or 0.0) >= VISIBLE_DN
            for label, strata in zip(crops.label, crops.strata, strict=True)
        ],
        bool,
    )


def require_both_labels(judged: Judged, dataset: Dataset) -> None:
    """Raise a DatasetError that names `dataset` where its validation split lacks visible hits or negatives."""
    label = judged.crops.label[judged.visible]
    for number, missing in ((1, "visible hit"), (0, "sample without a hit")):
        if not (label == number).any():
            problem = f"its validation split has no {missing}, and thresholds are chosen on both"
            raise DatasetError(dataset.path, problem, "name one that has both with --chosen-on")


def choose_decision(judged: Judged, false_positive_rate: float) -> Decision:
    """Return the temperature and the lowest threshold that keeps to a false-positive rate on a validation split.

    The rate is a share of candidates, not of pictures: a frame with 100 candidates has 0.01 false hits at 1e-4.
    """
    label = judged.crops.label
    temperature = metrics.fit_temperature(label, judged.margin)
    score = sigmoid(judged.margin / temperature)
    point = metrics.at_false_positive_rate(label, score, false_positive_rate)
    return Decision(threshold=min(point.threshold, 1.0), temperature=temperature)


def choose_screen_decision(judged: Judged, keep_recall: float) -> Decision:
    """Return the highest threshold of a screen that keeps a share of the visible hits, at temperature 1."""
    hits = judged.visible & (judged.crops.label == 1)
    score = sigmoid(judged.margin)
    return Decision(threshold=float(np.quantile(score[hits], 1 - keep_recall, method="lower")))


def figures(judged: Judged, decision: Decision, seed: int = 1) -> dict[str, Any]:
    """Return every figure of a split as a JSON object; docs/training.md explains each."""
    score = sigmoid(judged.margin / decision.temperature)
    label = judged.crops.label
    calibrated = metrics.calibration(label, score)
    return {
        "samples": len(label),
        "hits": int(label.sum()),
        "visible_dn": VISIBLE_DN,
        "threshold": decision.threshold,
        "temperature": decision.temperature,
        "visible_hits": figures_at(judged, decision, seed=seed),
        "all_hits": figures_at(judged, decision, only_visible=False, seed=seed),
        "calibration": {
            "error": calibrated.error,
            "log_loss": metrics.log_loss(label, judged.margin, decision.temperature),
            "log_loss_uncalibrated": metrics.log_loss(label, judged.margin),
            "mean_score": calibrated.mean_score.tolist(),
            "share_of_hits": calibrated.share_of_hits.tolist(),
            "count": calibrated.count.tolist(),
        },
        "strata": by_strata(judged.crops, score >= decision.threshold),
    }


def evaluate(
    run: Run,
    datasets: Sequence[Dataset],
    *,
    false_positive_rate: float = 1e-3,
    keep_recall: float | None = None,
    split: Split = "test",
    chosen_on: Sequence[Dataset] | None = None,
    decide_anew: bool = False,
) -> tuple[Run, Judged, dict[str, Any]]:
    """Judge the best model of a run, and write its decision and figures into run.json.

    The decision is for the network alone. One that `cascade` made for screen and classifier stays as it is.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Threshold and temperature come from their validation split, the figures from `split`.
    false_positive_rate : float
        Share of negative candidates that may be called hits.
    keep_recall : float, optional
        For a screen: choose instead the threshold that keeps this share of the visible hits.
    split : str
        "test", or "validation" while something is tried.
    chosen_on : sequence of Dataset, optional
        Datasets whose validation split chooses threshold and temperature, instead of that of `datasets`.
    decide_anew : bool
        Replace a decision of `cascade`, too.

    Returns
    -------
    run, judged split, figures

    Raises
    ------
    DatasetError
        A split holds no samples, or the validation split lacks visible hits or negatives.

    """
    contract = run.manifest.input
    model = run.load_model()
    proposed = run.manifest.fit.proposed_only
    judged = judge(model, read_crops(chosen_on or datasets, "validation", contract, proposed_only=proposed), contract)
    require_both_labels(judged, (chosen_on or datasets)[0])
    if keep_recall is not None:
        decision = choose_screen_decision(judged, keep_recall)
    else:
        decision = choose_decision(judged, false_positive_rate)
    tested = judge(model, read_crops(datasets, split, contract, proposed_only=proposed), contract)
    found = figures(tested, decision)
    found["best_f1"] = figures_at(tested, best_f1_decision(judged, decision.temperature))
    found["data"] = {str(dataset.path): dataset.sha256 for dataset in datasets}
    found["chosen_on"] = {str(dataset.path): dataset.sha256 for dataset in chosen_on or datasets}
    found["split"] = split
    found = without_nan(found)
    if run.manifest.has_decision_of_cascade and not decide_anew:
        return run.with_manifest(figures=found), tested, found
    return run.with_manifest(decision=decision, decided_with=None, figures=found), tested, found


def worst_mistakes(judged: Judged, count: int = 24) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the negatives of highest margin and of the visible hits of lowest margin."""
    negatives = np.flatnonzero(judged.crops.label == 0)
    hits = np.flatnonzero((judged.crops.label == 1) & judged.visible)
    worst_false = negatives[np.argsort(-judged.margin[negatives], kind="stable")][:count]
    worst_missed = hits[np.argsort(judged.margin[hits], kind="stable")][:count]
    return worst_false, worst_missed


def best_f1_decision(judged: Judged, temperature: float = 1.0) -> Decision:
    """Return the decision of the greatest F1 of visible hits against everything else on a validation split."""
    chosen = judged.visible
    score = sigmoid(judged.margin[chosen] / temperature)
    precision, recall, thresholds = precision_recall_curve(judged.crops.label[chosen], score)
    f1 = (2 * precision * recall / np.maximum(precision + recall, 1e-9))[:-1]  # the last point has no threshold
    best = len(f1) - 1 - int(np.argmax(f1[::-1]))  # of equally good thresholds the highest
    return Decision(threshold=float(thresholds[best]), temperature=temperature)


def figures_at(judged: Judged, decision: Decision, *, only_visible: bool = True, seed: int = 1) -> dict[str, Any]:
    """Return counts, precision, recall, F1 and accuracy with their intervals, and recall at the stated rates."""
    chosen = judged.visible if only_visible else np.ones(len(judged.visible), bool)
    label, margin = judged.crops.label[chosen], judged.margin[chosen]
    score = sigmoid(margin / decision.temperature)
    called = score >= decision.threshold
    counts = metrics.confusion(label, called)
    found: dict[str, Any] = {
        "threshold": decision.threshold,
        "confusion": asdict(counts),
        "false_positive_rate": counts.false_positive_rate,
    }
    intervals = metrics.bootstrap(label, called, np.random.default_rng(seed))
    for name in metrics.METRICS:
        found[name] = {"value": getattr(counts, name), "low": intervals[name][0], "high": intervals[name][1]}
    if 0 < label.sum() < len(label):
        # By margins: scores of the surest samples are equal in floating point.
        found["roc_auc"] = float(roc_auc_score(label, margin))
        found["average_precision"] = float(average_precision_score(label, margin))
        found["at_false_positive_rate"] = [asdict(metrics.at_false_positive_rate(label, score, rate)) for rate in RATES]
    return found


def without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
