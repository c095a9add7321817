from dataclasses import replace

import numpy as np
import pytest

from edge.detect.decision import (
    Context,
    Decision,
    border_odds,
    classifier_odds,
    colour_credit,
    drift_penalty,
    extent_penalty,
    is_joint,
    motion_odds,
    recent_motion_odds,
    scene_odds,
    score_candidates,
    screen_odds,
)

AFTER_MOTION = Decision(threshold=0.5, extent_weight=5.0, drift_weight=1.5, colour_weight=1.4)
PENALTY = np.array([0.0, 1.0, 2.5, 5.0, 9.0])


def known(values):
    """A measure of candidates whose values are known."""
    return lambda chosen: np.asarray(values, np.float64)[chosen]


def after_motion(odds, penalty, colours=None):
    """A context whose extents lead to these penalties by AFTER_MOTION, and the odds of all other terms."""
    odds = np.asarray(odds, np.float64)
    context = replace(
        Context.of_crops(odds, None, None),
        near_recent_motion=np.ones(len(odds), bool),
        extents=known(np.exp(np.asarray(penalty) / AFTER_MOTION.extent_weight)),
        colours=None if colours is None else known(colours),
    )
    return context, odds


@pytest.mark.parametrize(
    ("decision", "joint"),
    [
        (None, False),
        (Decision(threshold=0.4, temperature=2.0), False),
        (Decision(threshold=0.4, screen_weight=0.1), True),
        (Decision(threshold=0.4, motion_weight=0.1), True),
        (Decision(threshold=0.4, scene_weight=0.1), True),
        (Decision(threshold=0.4, extent_weight=0.1), True),
    ],
)
def test_is_joint_where_more_than_the_classifier_weighs(decision, joint):
    assert is_joint(decision) is joint


def test_terms_follow_their_formulas():
    decision = Decision(
        threshold=0.5, temperature=2.0, screen_weight=0.5, motion_weight=2.0, scene_weight=1.5, border_weight=2.5
    )
    context = replace(
        Context.of_crops(np.array([4.0, 6.0]), np.array([1.0, -2.0]), np.array([0.0, 9.0])),
        stopped_per_frame=430.0,
        entering=np.array([True, False]),
    )
    assert classifier_odds(context, decision) == pytest.approx([2, 3])
    assert screen_odds(context, decision) == pytest.approx([0.5, -1])
    assert motion_odds(context, decision) == pytest.approx([0, -2 * np.log(10)])
    assert scene_odds(context, decision) == pytest.approx([-1.5 * np.log(4)] * 2)
    assert border_odds(context, decision) == pytest.approx([-2.5, 0])
    terms = (classifier_odds, screen_odds, motion_odds, scene_odds, border_odds)
    assert score_candidates(context, decision) == pytest.approx(sum(term(context, decision) for term in terms))
    crowdless = replace(context, stopped_per_frame=0.0)
    assert scene_odds(crowdless, decision) == pytest.approx([1.5 * np.log(11)] * 2)


def test_score_leaves_out_what_is_not_known():
    weights = {name: 3.0 for name in Decision.model_fields if name.endswith("_weight")}
    decision = Decision(threshold=0.5, temperature=4.0, **weights)
    margin = np.array([8.0, -2.0])
    assert score_candidates(Context.of_crops(margin, None, None), decision).tolist() == [2, -0.5]
    usual = replace(Context.of_crops(margin, None, None), stopped_per_frame=100.0)
    assert scene_odds(usual, decision).tolist() == [0, 0]


def test_score_of_no_candidates_is_empty():
    assert score_candidates(Context.of_crops(np.zeros(0), None, None), AFTER_MOTION).shape == (0,)


def test_penalties_grow_with_extent_and_drift_up_to_a_limit():
    context = replace(
        Context.of_crops(np.zeros(4), None, None), extents=known([1, 3, 9, 25]), drifts=known([0, 2, 0, 40])
    )
    chosen = np.arange(4)
    assert extent_penalty(context, AFTER_MOTION, chosen) == pytest.approx(5 * np.log([1, 3, 9, 12]))
    assert drift_penalty(context, AFTER_MOTION, chosen) == pytest.approx(1.5 * np.log([1, 3, 1, 4]))
    assert drift_penalty(context, AFTER_MOTION, np.zeros(0, np.intp)).shape == (0,)


def test_penalty_of_weight_0_is_not_measured():
    def fail(_):
        raise AssertionError("measured")

    context = replace(Context.of_crops(np.zeros(1), None, None), extents=fail, drifts=fail)
    assert extent_penalty(context, Decision(threshold=0.5), np.zeros(1, np.intp)).tolist() == [0]
    assert drift_penalty(context, Decision(threshold=0.5), np.zeros(1, np.intp)).tolist() == [0]


def test_colour_credit_grows_to_a_limit_and_knows_a_usual_value():
    credit = colour_credit(np.array([0.0, 9.0, 25.0, 500.0, np.nan]), AFTER_MOTION)
    assert credit == pytest.approx(1.4 * np.log([1, 10, 26, 26, 4]))


def test_recent_motion_takes_what_colour_does_not_give_back():
    # Near the threshold the colour decides; a colour that does not decide counts as not known.
    context, odds = after_motion([0.5, 0.5, 1.0, 1.0], [0.0, 1.0, 2.5, 5.0], colours=[500.0, 9.0, 0.0, 500.0])
    expected = [0, 0, -2.5, 1.4 * np.log(26) - 5]
    assert recent_motion_odds(context, AFTER_MOTION, odds) == pytest.approx(expected)
    context, odds = after_motion([1.0], [9.0])
    assert recent_motion_odds(context, AFTER_MOTION, odds) == pytest.approx([1.4 * np.log(4) - 9])


def test_recent_motion_leaves_out_ground_at_rest_and_no_hits():
    context, odds = after_motion([5.0, 5.0, -1.0], [4.0, 4.0, 4.0])
    context = replace(context, near_recent_motion=np.array([False, True, True]))
    change = recent_motion_odds(context, AFTER_MOTION, odds)
    assert change == pytest.approx([0, 1.4 * np.log(4) - 4, 0])
    unknown = replace(context, near_recent_motion=None)
    assert recent_motion_odds(unknown, AFTER_MOTION, odds).tolist() == [0, 0, 0]


@pytest.mark.parametrize("penalty", PENALTY)
def test_colour_is_measured_only_where_it_decides(penalty):
    odds = np.linspace(-4, 9, 131)
    measured = np.zeros(131, bool)

    def colours(chosen):
        measured[chosen] = True
        return np.full(len(chosen), np.nan)

    context, _ = after_motion(odds, np.full(131, penalty))
    change = recent_motion_odds(replace(context, colours=colours), AFTER_MOTION, odds)
    without, with_most, unknown = (
        odds - np.maximum(penalty - 1.4 * np.log(1 + colour), 0) for colour in (0.0, 25.0, 3.0)
    )
    assert (measured == ((without < 0) & (with_most >= 0))).all()
    assert measured.any() == (penalty > 0)
    assert ((unknown >= 0) == (without >= 0))[~measured].all()
    assert change[odds >= 0] == pytest.approx((unknown - odds)[odds >= 0])
    weightless = replace(context, colours=colours)
    measured[:] = False
    recent_motion_odds(weightless, Decision(threshold=0.5), odds)
    assert not measured.any()
