"""Which decision a network is judged by: the run's own, carried unchanged or matched to the converted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.bundle import Decision, is_joint
from edge.detect.classifier import probability, scores_of
from quantize.agreement import matched_threshold, threshold_at_fpr
from quantize.errors import QuantiseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.training.run import Run

DEFAULT_FPR = 1e-3


def carried(run: Run, screen: Run | None) -> bool:
    """Tell whether `cascade` decided for both runs, so that the bundle takes both decisions as they are.

    Raises
    ------
    QuantiseError
        If it did, and the screen's run is not named or has no decision.

    """
    decision = run.manifest.decision
    if decision is None or not is_joint(decision):
        return False
    if screen is None and decision.screen_weight:
        raise QuantiseError(
            str(run.path),
            "its decision weighs a screen and no screen is named",
            "give the screen's run with --screen, or decide without one: `gammabox-trainer evaluate --decide-anew`",
        )
    if screen is not None and screen.manifest.decision is None:
        raise QuantiseError(
            str(screen.path),
            f"its run.json has no decision and that of {run.path} was made with a screen",
            "choose both with `gammabox-trainer cascade`",
        )
    return True


def reference_decision(run: Run, logits: NDArray[np.float32], label: NDArray[np.uint8]) -> Decision:
    """Give the float model's decision: the run's own, or a false-positive rate of 1e-3 where `evaluate` set none."""
    if run.manifest.decision is not None:
        return run.manifest.decision
    scores = scores_of(logits)
    return Decision(threshold=threshold_at_fpr(scores, label, DEFAULT_FPR))


def matched_decision(
    reference: Decision, float_logits: NDArray[np.float32], own_logits: NDArray[np.float32], label: NDArray[np.uint8]
) -> Decision:
    """Give the decision of a converted model that agrees best with the float model's on the same crops."""
    wanted = scores_of(float_logits, reference.temperature)
    own = scores_of(own_logits, reference.temperature)
    threshold = matched_threshold(wanted, reference.threshold, own, label)
    return Decision(threshold=threshold, temperature=reference.temperature)


def at_unit_temperature(decision: Decision) -> Decision:
    """Give the same decision for scores without temperature, as the screen's are: sigmoid(T × logit(threshold))."""
    if decision.temperature == 1:  # as `cascade` chooses it: not one bit changes
        return Decision(threshold=decision.threshold)
    margin = decision.temperature * log_odds(decision.threshold)
    return Decision(threshold=float(probability(np.array(margin))))


def log_odds(threshold: float) -> float:
    """Give what a score comes from: log(p / (1 − p)), finite at 0 and 1."""
    inside = float(np.clip(threshold, 1e-12, 1 - 1e-12))
    return float(np.log(inside / (1 - inside)))
