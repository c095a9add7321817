"""The decision: the terms of the log odds of a hit, what has to be known for them, and the one call that adds them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from pydantic import Field

from edge.config.strict import StrictModel
from edge.statistics import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Values: TypeAlias = NDArray[np.float64]
    Measure: TypeAlias = Callable[[NDArray[np.intp]], NDArray[np.float64]]
    """Measures the candidates with these indices when it is called, and returns a value for each."""

USUAL_STOPPED = 100.0
"""Candidates a frame that the screen stops before an ordinary scene, for which the term of the scene is 0."""
_ADDED_STOPPED = 10.0
"""Added to the stopped candidates, so that a dark or empty scene does not make everything a hit."""
MAX_EXTENT = 12.0
MAX_DRIFT_DN = 3.0
MAX_COLOUR = 25.0
"""Greater extents, drifts and colours say nothing more."""
USUAL_COLOUR = 3.0
"""Taken where the colour is not known: about the middle of those of real hits."""


class Decision(StrictModel):
    """The weights of the terms and the threshold of a hit: the `decision` in model.json.

    A candidate is a hit where the sigmoid of its log odds is at least `threshold`. `score_candidates` adds the log odds
    up, and each function `..._odds` of this module computes one of their terms. The terms of the two networks are
    evidence and the others a prior: candidates that are no radiation are hundreds of times as common where something
    moves or has moved, at the border of the picture, and in scenes with many candidates.
    """

    threshold: float = Field(ge=0, le=1, description="smallest score of a hit")
    temperature: float = Field(default=1.0, gt=0, description="divides the log odds of the classifier")
    screen_weight: float = Field(default=0.0, ge=0, description="of the log odds of the screen")
    motion_weight: float = Field(default=0.0, ge=0, description="of motion under the candidate")
    scene_weight: float = Field(default=0.0, ge=0, description="of the candidates that the screen stops")
    border_weight: float = Field(default=0.0, ge=0, description="of what may enter at the border of the picture")
    extent_weight: float = Field(default=0.0, ge=0, description="of soft spots, near recent motion")
    drift_weight: float = Field(default=0.0, ge=0, description="of ground whose light changes, near recent motion")
    colour_weight: float = Field(default=0.0, ge=0, description="of colour, which takes from the two before")


def is_joint(decision: Decision | None) -> bool:
    """Return whether a decision weighs more than the classifier's own logits: then `cascade` chose it."""
    if decision is None:
        return False
    return any(value for name, value in decision.model_dump().items() if name.endswith("_weight"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Context:
    """The facts known about the n candidates of one frame. None means "not known": the terms that need it are 0.

    Attributes
    ----------
    classifier_margin : float64 array, shape (n,)
        The classifier's logit1 − logit0.
    screen_margin : float64 array, shape (n,), or None
        The screen's logit1 − logit0.
    motion_dn : float64 array, shape (n,), or None
        Motion under each candidate beyond the noise, grey levels.
    stopped_per_frame : float or None
        Mean number of candidates that the screen stopped in each of the last frames.
    entering : bool array, shape (n,), or None
        Whether the candidate may be the tip of a thing that enters at the border of the picture.
    near_recent_motion : bool array, shape (n,), or None
        Whether the candidate lies near ground that moved in the last two seconds.
    extents : Measure or None
        The light of each spot in units of its brightest pixel, 1 or more.
    drifts : Measure or None
        Change of the light of the ground around each spot, grey levels.
    colours : Measure or None
        Difference between the colour of each spot and that of its ground, levels of 0..255; NaN where not known.

    """

    classifier_margin: Values
    screen_margin: Values | None
    motion_dn: Values | None
    stopped_per_frame: float | None
    entering: NDArray[np.bool_] | None
    near_recent_motion: NDArray[np.bool_] | None
    extents: Measure | None
    drifts: Measure | None
    colours: Measure | None

    @classmethod
    def of_crops(cls, classifier_margin: Values, screen_margin: Values | None, motion_dn: Values | None) -> Context:
        """Return the context of crops from a dataset.

        A crop does not show what else its scene proposes, where in the picture it lies, or what moved there before.
        """
        return cls(
            classifier_margin=classifier_margin,
            screen_margin=screen_margin,
            motion_dn=motion_dn,
            stopped_per_frame=None,
            entering=None,
            near_recent_motion=None,
            extents=None,
            drifts=None,
            colours=None,
        )


def score_candidates(context: Context, decision: Decision) -> Values:
    """Return the log odds that each candidate is a hit of radiation, shape (n,).

    Their sigmoid is the `score` of a `Hit`. They are

    classifier_odds + (screen_odds + motion_odds + scene_odds + border_odds) + recent_motion_odds

    The last term is measured only for candidates near recent motion that the others would make a hit. Sums are formed
    in the order of the brackets. A trained model that replaces the terms has to keep this signature.

    Examples
    --------
    >>> margin, motion_dn = np.array([6.0, 6.0]), np.array([0.0, 9.0])
    >>> decision = Decision(threshold=0.9, temperature=2.0, motion_weight=1.0)
    >>> score_candidates(Context.of_crops(margin, None, motion_dn), decision).round(2).tolist()
    [3.0, 0.7]

    """
    prior = (
        screen_odds(context, decision)
        + motion_odds(context, decision)
        + scene_odds(context, decision)
        + border_odds(context, decision)
    )
    odds = classifier_odds(context, decision) + prior
    return odds + recent_motion_odds(context, decision, odds)


def is_hit(log_odds: Values, threshold: float) -> NDArray[np.bool_]:
    """Return where log odds reach the threshold of a hit, shape (n,).

    sigmoid(log odds) ≥ threshold
    """
    reached: NDArray[np.bool_] = sigmoid(log_odds) >= threshold
    return reached


def classifier_odds(context: Context, decision: Decision) -> Values:
    """Return what the classifier says of each candidate, shape (n,).

    (logit1 − logit0) / temperature
    """
    return context.classifier_margin / decision.temperature


def screen_odds(context: Context, decision: Decision) -> Values:
    """Return what the screen says of each candidate, shape (n,).

    screen_weight × (the screen's logit1 − logit0)
    """
    if context.screen_margin is None:
        return np.zeros_like(context.classifier_margin)
    return decision.screen_weight * context.screen_margin


def motion_odds(context: Context, decision: Decision) -> Values:
    """Return what motion under each candidate takes from its log odds, shape (n,).

    −motion_weight × log(1 + motion)
    """
    if context.motion_dn is None:
        return np.zeros_like(context.classifier_margin)
    return -decision.motion_weight * np.log1p(context.motion_dn)


def scene_odds(context: Context, decision: Decision) -> Values:
    """Return what a scene with many candidates takes from the log odds of each, shape (n,).

    −scene_weight × log((10 + stopped per frame) / 110)
    """
    stopped = USUAL_STOPPED if context.stopped_per_frame is None else context.stopped_per_frame
    crowd = math.log((_ADDED_STOPPED + stopped) / (_ADDED_STOPPED + USUAL_STOPPED))
    return np.full_like(context.classifier_margin, -decision.scene_weight * crowd)


def border_odds(context: Context, decision: Decision) -> Values:
    """Return what is taken from the log odds of candidates that may be entering the picture, shape (n,).

    −border_weight where the candidate may be entering, else 0
    """
    if context.entering is None:
        return np.zeros_like(context.classifier_margin)
    odds: Values = np.negative(decision.border_weight * context.entering, dtype=np.float64)
    return odds


def recent_motion_odds(context: Context, decision: Decision, odds: Values) -> Values:
    """Return what ground that moved recently takes from the log odds of candidates near it, shape (n,).

    −max(extent_penalty + drift_penalty − colour_credit, 0) near recent motion, else 0

    Codecs and shadows leave spots there that are softer than hits, lie on ground whose light changes and have hardly
    any colour; a hit falls into single pixels of the colour mosaic.

    Parameters
    ----------
    context : Context
    decision : Decision
    odds : float64 array, shape (n,)
        The sum of all other terms. Only what would be a hit by them is measured, and the colour is measured only where
        the decision depends on it; elsewhere it counts as not known.

    """
    change = np.zeros_like(odds)
    if context.near_recent_motion is None:
        return change
    doubted = np.flatnonzero(context.near_recent_motion & is_hit(odds, decision.threshold))
    if not doubted.size:
        return change
    penalty = extent_penalty(context, decision, doubted) + drift_penalty(context, decision, doubted)
    colours = np.full(doubted.size, np.nan)
    if context.colours is not None:
        undecided = _colour_decides(odds[doubted], penalty, decision)
        if undecided.any():
            colours[undecided] = context.colours(doubted[undecided])
    change[doubted] = _less_colour(penalty, colours, decision)
    return change


def extent_penalty(context: Context, decision: Decision, chosen: NDArray[np.intp]) -> Values:
    """Return the penalty of the chosen candidates for being softer than a hit, one value an index.

    extent_weight × log(min(extent, 12))
    """
    if context.extents is None or not decision.extent_weight:
        return np.zeros(chosen.size)
    return decision.extent_weight * np.log(np.minimum(context.extents(chosen), MAX_EXTENT))


def drift_penalty(context: Context, decision: Decision, chosen: NDArray[np.intp]) -> Values:
    """Return the penalty of the chosen candidates for ground whose light changes, one value an index.

    drift_weight × log(1 + min(drift, 3))
    """
    if context.drifts is None or not decision.drift_weight:
        return np.zeros(chosen.size)
    return decision.drift_weight * np.log1p(np.minimum(context.drifts(chosen), MAX_DRIFT_DN))


def colour_credit(colours: Values, decision: Decision) -> Values:
    """Return what colour gives back of the two penalties, shape as `colours`.

    colour_weight × log(1 + min(colour, 25)), with a colour of 3 where it is not known (NaN)
    """
    known = np.where(np.isnan(colours), USUAL_COLOUR, colours)
    return decision.colour_weight * np.log1p(np.minimum(known, MAX_COLOUR))


def _less_colour(penalty: Values, colours: Values, decision: Decision) -> Values:
    return -np.maximum(penalty - colour_credit(colours, decision), 0.0)


def _colour_decides(odds: Values, penalty: Values, decision: Decision) -> NDArray[np.bool_]:
    """Return which candidates are a hit with the most colour and none without any."""
    without, with_most = (
        is_hit(odds + _less_colour(penalty, np.full_like(odds, colour), decision), decision.threshold)
        for colour in (0.0, MAX_COLOUR)
    )
    return with_most & ~without
