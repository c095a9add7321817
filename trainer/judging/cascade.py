"""Screen and classifier together: their joint log odds, thresholds, and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.decision import Decision
from edge.statistics import sigmoid, threshold_at_fpr
from trainer.errors import DatasetError, RunError
from trainer.judging.evaluate import (
    Judged,
    best_f1_decision,
    figures,
    figures_at,
    judge,
    require_both_labels,
    without_nan,
)
from trainer.judging.metrics import fit_temperature
from trainer.training.batches import read_crops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops
    from trainer.training.run import Run

STOPPED = -60.0
"""Log odds of what never reaches the classifier: below any threshold, and finite for curves and logarithms."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Both decisions and their figures on the validation samples.

    Attributes
    ----------
    screen, classifier : Decision
    recall : float
        Share of the visible hits that both accept.
    false_positive_rate : float or None
        Rate on negatives from recordings without a simulated disturbance; None without such negatives.
    negatives, hits : int
        Number of samples that the two rest on.

    """

    screen: Decision
    classifier: Decision
    recall: float
    false_positive_rate: float | None
    negatives: int
    hits: int


def choose(
    screen: Run,
    classifier: Run,
    datasets: Sequence[Dataset],
    *,
    keep_recall: float = 0.97,
    false_positive_rate: float = 1e-3,
    threshold: float | None = None,
    crowd_weight: float = 0.0,
) -> Cascade:
    """Choose the thresholds of screen and classifier on the validation split.

    Parameters
    ----------
    screen, classifier : Run
    datasets : sequence of Dataset
    keep_recall : float
        Share of the visible hits that the screen passes on.
    false_positive_rate : float
        Greatest share of non-hits that may be called hits, counted on candidates of real recordings. The lowest
        threshold that keeps to it is chosen. Generated scenes are left out: they hold more specks than a camera sees
        and would push the threshold too high.
    threshold : float or None
        Take this threshold and ignore `false_positive_rate`, for example one found on whole clips.
    crowd_weight : float
        Weight of the prior by the crowd; crops do not show it.

    Raises
    ------
    RunError
        The input of `screen` is in colour or of even size, so it is no screen.
    DatasetError
        The validation split holds no visible hit, or nothing that the threshold could be chosen on.

    """
    _require_screen(screen)
    samples = _validation_of_both(screen, classifier, datasets)
    crops = samples.classifier.crops
    hits = (crops.label == 1) & samples.classifier.visible
    negatives = (crops.label == 0) & _undisturbed(crops)
    _require_samples(datasets[0], hits, negatives if threshold is None else None)
    lowest = np.quantile(samples.screen.margin[hits], 1 - keep_recall, method="lower")
    first = Decision(threshold=_score_of(lowest))
    temperature = fit_temperature(crops.label, samples.classifier.margin)
    second = Decision(threshold=0.5, temperature=temperature, crowd_weight=crowd_weight)
    odds = joint_odds(samples.screen.margin, samples.classifier.margin, (first, second))
    if threshold is None:
        reached = odds[hits & (odds > STOPPED)]
        threshold = _score_of(threshold_at_fpr(odds[negatives], false_positive_rate, levels=reached))
    scores = sigmoid(odds)
    return Cascade(
        first,
        second.model_copy(update={"threshold": threshold}),
        recall=float(np.mean(scores[hits] >= threshold)),
        false_positive_rate=float(np.mean(scores[negatives] >= threshold)) if negatives.any() else None,
        negatives=int(negatives.sum()),
        hits=int(hits.sum()),
    )


def _require_screen(run: Run) -> None:
    contract = run.manifest.input
    if contract.planes == "rgb" or contract.crop_size % 2 == 0:
        problem = f"it is no screen: it takes {contract.planes} crops of {contract.crop_size} pixels"
        raise RunError(run.path, problem, "name a run of three frames and an odd --crop-size (`fit --network screen`)")


def _require_samples(dataset: Dataset, hits: NDArray[np.bool_], negatives: NDArray[np.bool_] | None) -> None:
    """Refuse data without a visible hit, or without negatives that the threshold is chosen on; None for no choice."""
    if not hits.any():
        raise DatasetError(dataset.path, "its validation split has no visible hit", "name a larger dataset")
    if negatives is not None and not negatives.any():
        problem = "its validation split has no candidate of undisturbed recordings, on which the threshold is chosen"
        raise DatasetError(dataset.path, problem, "name a dataset with footage (`mine --footage`), or --threshold")


def _validation_of_both(screen: Run, classifier: Run, datasets: Sequence[Dataset]) -> Both:
    """Judge the candidates of the validation split that the screen was fitted to; others set no threshold."""
    fitted = screen.manifest.fit
    widths = (fitted.max_spot_pixels, fitted.max_sensor_spot_pixels)

    def judged(run: Run) -> Judged:
        contract = run.manifest.input
        crops = read_crops(datasets, "validation", contract, max_spot_pixels=widths, proposed_only=True)
        return judge(run.load_model(), crops, contract)

    return Both(judged(screen), judged(classifier))


def _undisturbed(crops: Crops) -> NDArray[np.bool_]:
    """Return which samples are of recordings without a simulated disturbance, shape (n,)."""
    return np.array(
        [strata.get("recording") != "generated" and strata.get("nuisance") is None for strata in crops.strata], bool
    )


def _score_of(odds: float) -> float:
    return float(sigmoid(np.array(odds)))


def joint_odds(
    screen_margin: NDArray[np.float64],
    classifier_margin: NDArray[np.float64],
    decisions: tuple[Decision, Decision],
) -> NDArray[np.float64]:
    """Return the log odds by which the agent decides, shape (n,): the classifier's; STOPPED by the screen.

    Parameters
    ----------
    screen_margin, classifier_margin : float64 arrays, shape (n,)
        Logit1 − logit0 of each network.
    decisions : (Decision, Decision)
        The screen's and the classifier's.

    """
    first, second = decisions
    odds = classifier_margin / second.temperature
    passes = sigmoid(screen_margin / first.temperature) >= first.threshold
    return np.where(passes, np.maximum(odds, STOPPED), STOPPED)


def decisions_of(screen: Run, classifier: Run, bundle: Bundle | None = None) -> tuple[Decision, Decision]:
    """Return the decisions of screen and classifier: those of a bundle, or those that `cascade` wrote into the runs.

    Raises
    ------
    RunError
        A decision is missing.

    """
    if bundle is not None:
        if bundle.manifest.screen is None:
            raise RunError(screen.path, f"the bundle {bundle.path.name} has no screen", "leave out --screen")
        return Decision(threshold=bundle.manifest.screen.threshold), bundle.manifest.decision
    found = screen.manifest.decision, classifier.manifest.decision
    if found[0] is None or found[1] is None:
        lacking = (screen if found[0] is None else classifier).path
        raise RunError(lacking, "run.json holds no decision", "run `cascade` first, or name a --bundle that has one")
    return found[0], found[1]


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """The same samples, judged by screen and classifier."""

    screen: Judged
    classifier: Judged

    def joint(self, decisions: tuple[Decision, Decision]) -> Judged:
        """Return the samples with their joint log odds, STOPPED where the fast path proposes nothing."""
        crops = self.classifier.crops
        odds = joint_odds(self.screen.margin, self.classifier.margin, decisions)
        return Judged(crops, np.where(proposed(crops), odds, STOPPED), self.classifier.visible)


def judge_both(screen: Run, classifier: Run, datasets: Sequence[Dataset], split: Split) -> Both:
    """Judge a split by screen and classifier."""
    first, second = (
        judge(run.load_model(), read_crops(datasets, split, run.manifest.input), run.manifest.input)
        for run in (screen, classifier)
    )
    return Both(first, second)


def evaluate_both(
    screen: Run,
    classifier: Run,
    datasets: Sequence[Dataset],
    decisions: tuple[Decision, Decision],
    *,
    split: Split = "test",
    chosen_on: Sequence[Dataset] | None = None,
) -> tuple[Judged, dict[str, Any]]:
    """Judge screen and classifier as one: what the agent decides on the crops of a split.

    Figures are of what the fast path proposes. "whole_chain" is of all samples, and what the fast path does not propose
    counts as no hit there. The threshold of "best_f1" is that of the greatest F1 on the validation split of
    `chosen_on`.

    Returns
    -------
    judged split (what is proposed), figures

    Raises
    ------
    DatasetError
        The validation split lacks visible hits or negatives that the fast path proposes.

    """
    first, second = decisions
    chosen = judge_both(screen, classifier, chosen_on or datasets, "validation").joint(decisions)
    candidates = chosen.subset(proposed(chosen.crops))
    require_both_labels(candidates, (chosen_on or datasets)[0])
    best = best_f1_decision(candidates)
    judged = judge_both(screen, classifier, datasets, split)
    everything = judged.joint(decisions)
    is_proposed = proposed(everything.crops)
    tested = everything.subset(is_proposed)
    joint = Decision(threshold=second.threshold)  # the temperature is in the joint odds already
    found = {
        **figures(tested, joint),
        "best_f1": figures_at(tested, best),
        "whole_chain": figures_at(everything, joint),
        "whole_chain_best_f1": figures_at(everything, best),
        "screen": {"run": screen.path.name, **first.model_dump()},
        "decision": second.model_dump(),
        "data": {dataset.path.name: dataset.sha256 for dataset in datasets},
        "chosen_on": {dataset.path.name: dataset.sha256 for dataset in chosen_on or datasets},
        "split": split,
    }
    return tested, without_nan(found)


def proposed(crops: Crops) -> NDArray[np.bool_]:
    """Return which samples the fast path proposes, shape (n,)."""
    return np.array([bool(strata.get("proposed", True)) for strata in crops.strata], bool)
