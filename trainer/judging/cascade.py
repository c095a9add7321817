"""Screen and classifier together: their joint log odds, how much each counts, thresholds, and figures of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.decision import Context, Decision, score_candidates
from edge.errors import GammaboxError
from trainer.errors import DatasetError, RunError
from trainer.judging.evaluate import Judged, at_threshold, best_of_f1, figures, judge, need_both_labels, without_nan
from trainer.judging.metrics import sigmoid
from trainer.judging.strata import motion_of
from trainer.training.batches import read_crops

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops
    from trainer.training.run import Run

STOPPED = -60.0
"""Log odds of what never reaches the classifier: under any threshold, and finite for curves and logarithms."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Both decisions and what they do on the validation samples.

    Attributes
    ----------
    screen, classifier : Decision
    recall : float
        Share of the visible hits that pass both.
    false_positive_rate : float
        Of negatives from recordings without a simulated disturbance.
    negatives, hits : int
        How many of each it rests on.

    """

    screen: Decision
    classifier: Decision
    recall: float
    false_positive_rate: float | None
    negatives: int
    hits: int


_MIN_CLASSIFIER, _MAX_WEIGHT = 0.01, 1000.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the terms of a decision (`edge.detect.decision.Decision`), found on whole clips."""

    classifier: float = 0.75
    screen: float = 0.25
    motion: float = 0.6
    scene: float = 0.6
    border: float = 4.0
    extent: float = 1.7
    drift: float = 0.7
    colour: float = 1.3

    @classmethod
    def named(cls, given: Mapping[str, Any]) -> Weights:
        """Give the usual weights but for some; GammaboxError where a name or a value is wrong."""
        names = [one.name for one in fields(cls)]
        for name, value in given.items():
            if name not in names:
                raise GammaboxError(f"--weight {name}: no such weight. There are {', '.join(names)}.")
            least = _MIN_CLASSIFIER if name == "classifier" else 0.0
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= _MAX_WEIGHT:
                bounds = f"{least:g} to {_MAX_WEIGHT:g}"
                raise GammaboxError(f"--weight {name}={value}: it has to be a number from {bounds}.")
        return cls(**{name: float(value) for name, value in given.items()})

    def decision(self, threshold: float) -> Decision:
        """Give the decision that weighs so."""
        beside = {f"{name}_weight": value for name, value in asdict(self).items() if name != "classifier"}
        return Decision(threshold=threshold, temperature=1 / self.classifier, **beside)


_PRIOR = tuple(f"{one.name}_weight" for one in fields(Weights) if one.name not in {"classifier", "screen"})
"""What counts beside the networks."""


def choose(
    screen: Run,
    classifier: Run,
    datasets: Sequence[Dataset],
    *,
    keep_recall: float = 0.97,
    false_positive_rate: float = 1e-3,
    weights: Weights | None = None,
    threshold: float | None = None,
) -> Cascade:
    """Choose both thresholds on the validation split.

    The screen passes `keep_recall` of the visible hits. What passes is a hit where the log odds by `weights` (None: the
    usual ones) reach the threshold that keeps to `false_positive_rate` on candidates of recordings; generated scenes
    hold more specks than a camera sees, and would set it too high.

    A crop tells neither the camera's noise, beyond which motion counts, nor what moved there before, nor what else its
    scene proposes: a `threshold` that was found on whole clips takes the place of the rate's.

    Raises
    ------
    RunError
        `screen` is none.
    DatasetError
        The validation split holds no visible hit, or nothing that the threshold could be chosen on.

    """
    seen = screen.manifest.input
    if seen.planes == "rgb" or seen.crop_size % 2 == 0:
        problem = f"it is no screen: it takes {seen.planes} crops of {seen.crop_size} pixels"
        raise RunError(
            screen.path, problem, "name a run of three frames and an odd --crop-size (`fit --network screen`)"
        )
    margins = []
    fitted = screen.manifest.fit
    for run in (screen, classifier):
        contract = run.manifest.input
        crops = read_crops(
            datasets,
            "validation",
            contract,
            # what neither was fitted to sets no threshold
            max_spot_pixels=(fitted.max_spot_pixels, fitted.max_sensor_spot_pixels),
            proposed_only=True,
        )
        judged = judge(run.load_model(), crops, contract)
        margins.append(judged.margin)
    label, strata = judged.crops.label, judged.crops.strata
    hits = (label == 1) & judged.visible
    met = np.array([one.get("recording") != "generated" and one.get("nuisance") is None for one in strata], bool)
    negatives = (label == 0) & met
    if not hits.any():
        raise DatasetError(datasets[0].path, "its validation split has no visible hit", "name a larger dataset")
    if threshold is None and not negatives.any():
        problem = "its validation split has no candidate of undisturbed recordings, on which the threshold is chosen"
        raise DatasetError(datasets[0].path, problem, "name a dataset with footage (`mine --footage`), or --threshold")
    least = float(np.quantile(margins[0][hits], 1 - keep_recall, method="lower"))
    first = Decision(threshold=float(sigmoid(np.array(least))))
    unset = (weights if weights is not None else Weights()).decision(threshold=0.5)
    odds = joint_odds(margins[0], margins[1], motion_of(judged.crops.strata), (first, unset))
    if threshold is None:
        threshold = float(sigmoid(np.array(_threshold(odds[negatives], odds[hits], false_positive_rate))))
    scores = sigmoid(odds)
    return Cascade(
        first,
        unset.model_copy(update={"threshold": threshold}),
        recall=float(np.mean(scores[hits] >= threshold)),
        false_positive_rate=float(np.mean(scores[negatives] >= threshold)) if negatives.any() else None,
        negatives=int(negatives.sum()),
        hits=int(hits.sum()),
    )


def joint_odds(
    screen_margin: NDArray[np.float64],
    classifier_margin: NDArray[np.float64],
    motion_dn: NDArray[np.float64],
    decisions: tuple[Decision, Decision],
) -> NDArray[np.float64]:
    """Return the log odds by which the agent decides, shape (n,), as far as crops show; STOPPED by the screen.

    Parameters
    ----------
    screen_margin, classifier_margin : float64 arrays, shape (n,)
        Logit1 − logit0 of each network.
    motion_dn : float64 array, shape (n,)
    decisions : (Decision, Decision)
        The screen's and the classifier's.

    """
    first, second = decisions
    odds = score_candidates(Context.of_crops(classifier_margin, screen_margin, motion_dn), second)
    passes = sigmoid(screen_margin, first.temperature) >= first.threshold
    return np.where(passes, np.maximum(odds, STOPPED), STOPPED)


def decisions_of(screen: Run, classifier: Run, bundle: Bundle | None = None) -> tuple[Decision, Decision]:
    """Give the screen's and the classifier's decision: a bundle's, or those that `cascade` wrote into the runs.

    Raises
    ------
    RunError
        None is there.

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
    """What screen and classifier made of the same samples."""

    screen: Judged
    classifier: Judged

    def joint(self, decisions: tuple[Decision, Decision]) -> Judged:
        """Give the samples with their joint log odds, STOPPED where the fast path proposes nothing."""
        crops = self.classifier.crops
        odds = joint_odds(self.screen.margin, self.classifier.margin, motion_of(crops.strata), decisions)
        return Judged(crops, np.where(proposed(crops), odds, STOPPED), self.classifier.visible)


def judge_both(screen: Run, classifier: Run, datasets: Sequence[Dataset], split: Split) -> Both:
    """Let both look at a split."""
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

    Figures are of what the fast path proposes, "whole_chain" of all samples, where what it does not propose counts as
    called none. "best_f1" leaves out the prior of motion, which a mixture that is half hits wherever it moves does not
    follow, and has the threshold of the greatest F1 on the validation split of `chosen_on`.

    Returns
    -------
    judged split (what is proposed), figures

    Raises
    ------
    DatasetError
        The validation split holds no visible hit, or nothing else, that the fast path proposes.

    """
    first, second = decisions
    even = first, second.model_copy(update=dict.fromkeys(_PRIOR, 0.0))
    chosen = judge_both(screen, classifier, chosen_on or datasets, "validation").joint(even)
    candidates = chosen.part(proposed(chosen.crops))
    need_both_labels(candidates, (chosen_on or datasets)[0])
    best = best_of_f1(candidates)
    looked = judge_both(screen, classifier, datasets, split)
    everything, without_prior = looked.joint(decisions), looked.joint(even)
    is_proposed = proposed(everything.crops)
    tested = everything.part(is_proposed)
    joint = Decision(threshold=second.threshold)  # the temperature is in the joint odds already
    found = {
        **figures(tested, joint),
        "best_f1": at_threshold(without_prior.part(is_proposed), best),
        "whole_chain": at_threshold(everything, joint),
        "whole_chain_best_f1": at_threshold(without_prior, best),
        "screen": {"run": screen.path.name, **first.model_dump()},
        "decision": second.model_dump(),
        "data": {dataset.path.name: dataset.sha256 for dataset in datasets},
        "chosen_on": {dataset.path.name: dataset.sha256 for dataset in chosen_on or datasets},
        "split": split,
    }
    return tested, without_nan(found)


def proposed(crops: Crops) -> NDArray[np.bool_]:
    """Tell which samples the fast path proposes, shape (n,)."""
    return np.array([bool(one.get("proposed", True)) for one in crops.strata], bool)


def _threshold(negatives: NDArray[np.float64], hits: NDArray[np.float64], rate: float) -> float:
    """Give the least value of a hit that keeps to the rate on the negatives."""
    falling = np.sort(negatives)[::-1]
    allowed = int(rate * len(falling))
    above = hits[hits > falling[allowed]] if allowed < len(falling) else hits
    return float(above[above > STOPPED].min())
