"""The decision of screen and classifier together: how much each counts, and the threshold for a stated rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.bundle import Decision
from trainer.evaluate import judge
from trainer.feed import read_crops
from trainer.metrics import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset
    from trainer.run import Run


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
    false_positive_rate: float
    negatives: int
    hits: int


def choose(
    screen: Run,
    classifier: Run,
    datasets: Sequence[Dataset],
    *,
    keep_recall: float = 0.97,
    false_positive_rate: float = 1e-3,
    classifier_weight: float = 0.43,
    motion_weight: float = 2.0,
) -> Cascade:
    """Choose both thresholds on the validation split.

    The screen passes `keep_recall` of the visible hits. What passes is a hit where classifier_weight × the classifier's
    log odds + the screen's − motion_weight × log(1 + motion) reach the threshold that keeps to `false_positive_rate` on
    candidates of recordings; generated scenes hold more specks than a camera sees, and would set it too high.
    """
    margins = []
    for run in (screen, classifier):
        contract = run.manifest.input
        judged = judge(run.load_model(), read_crops(datasets, "validation", contract, proposed_only=True), contract)
        margins.append(judged.margin)
    label, strata = judged.crops.label, judged.crops.strata
    hits = (label == 1) & judged.visible
    met = np.array([one.get("recording") != "generated" and one.get("nuisance") is None for one in strata], bool)
    negatives = (label == 0) & met
    motion = np.array([float(one.get("motion_dn") or 0.0) for one in strata])
    least = float(np.quantile(margins[0][hits], 1 - keep_recall, method="lower"))
    passes = margins[0] >= least
    odds = classifier_weight * margins[1] + margins[0] - motion_weight * np.log1p(motion)
    odds = np.where(passes, odds, -np.inf)
    threshold = _threshold(odds[negatives], odds[hits], false_positive_rate)
    return Cascade(
        Decision(threshold=float(sigmoid(np.array(least)))),
        Decision(
            threshold=float(sigmoid(np.array(threshold))),
            temperature=1 / classifier_weight,
            screen_weight=1.0,
            motion_weight=motion_weight,
        ),
        recall=float(np.mean(odds[hits] >= threshold)),
        false_positive_rate=float(np.mean(odds[negatives] >= threshold)),
        negatives=int(negatives.sum()),
        hits=int(hits.sum()),
    )


def _threshold(negatives: NDArray[np.float64], hits: NDArray[np.float64], rate: float) -> float:
    """Give the least value of a hit that keeps to the rate on the negatives."""
    falling = np.sort(negatives)[::-1]
    allowed = int(rate * len(falling))
    above = hits[hits > falling[allowed]] if allowed < len(falling) else hits
    return float(above[np.isfinite(above)].min())
