"""Figures of agreement are right on small cases that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantize.agreement import (
    calibration_error,
    matched_threshold,
    recall_at_fpr,
    recall_difference,
    sqnr_db,
    strata_rows,
    threshold_at_fpr,
)

LABEL = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def test_sqnr_of_a_tenth_of_noise_is_20_db():
    assert sqnr_db(np.array([3.0, 4.0]), np.array([3.3, 4.4])) == pytest.approx(20.0)


@pytest.mark.parametrize(("noisy", "expected"), [([1.0, 2.0], np.inf), ([2.0, 4.0], 0.0)])
def test_sqnr_at_its_ends(noisy, expected):
    assert sqnr_db(np.array([1.0, 2.0]), np.array(noisy)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "fpr", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], 0.0, 1.0),
        ([0.1, 0.2, 0.3, 0.75, 0.6, 0.7, 0.8, 0.9], 0.0, 0.5),
        ([0.1, 0.2, 0.3, 0.75, 0.6, 0.7, 0.8, 0.9], 0.25, 1.0),
        ([0.5] * 8, 0.25, 0.25),  # all alike: a decision by lot
    ],
)
def test_recall_at_a_false_positive_rate(scores, fpr, expected):
    assert recall_at_fpr(np.array(scores), LABEL, fpr) == pytest.approx(expected)


def test_recall_without_positives_is_not_a_number():
    assert np.isnan(recall_at_fpr(np.linspace(0, 1, 8), np.zeros(8), 0.1))


def test_equal_models_differ_by_nothing_with_certainty():
    scores = np.random.default_rng(1).random(200)
    label = (np.arange(200) % 2).astype(np.uint8)
    difference = recall_difference(scores, scores, label, 0.01, rng=np.random.default_rng(2), rounds=50)
    assert (difference.change, difference.low, difference.high) == (0, 0, 0)


def test_the_interval_of_a_real_loss_excludes_zero():
    rng = np.random.default_rng(1)
    label = (np.arange(4000) % 2).astype(np.uint8)
    good = rng.normal(size=4000) + 3 * label
    poor = good + rng.normal(size=4000) * 2
    difference = recall_difference(good, poor, label, 0.01, rng=rng, rounds=100)
    assert difference.low < difference.change < difference.high < 0


def test_calibration_error_counts_the_gap_of_each_bin():
    assert calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 1, 0, 0])) == pytest.approx(0.1)
    assert calibration_error(np.array([0.9] * 4), np.array([1, 0, 0, 0])) == pytest.approx(0.65)


def test_a_threshold_at_a_rate_lets_no_more_negatives_pass():
    scores = np.linspace(0, 1, 1001)
    threshold = threshold_at_fpr(scores, np.zeros(1001), 0.01)
    assert (scores >= threshold).mean() <= 0.01
    assert (scores >= threshold).sum() == 10


def test_a_matched_threshold_undoes_a_shift():
    reference = np.linspace(0.0, 1.0, 101)
    label = (reference > 0.5).astype(np.uint8)
    found = np.clip(reference - 0.2, 0, 1)
    threshold = matched_threshold(reference, 0.605, found, label)
    assert ((found >= threshold) == (reference >= 0.605)).all()


@settings(deadline=None)
@given(
    arrays(float, 30, elements=st.floats(0, 1)),
    arrays(int, 30, elements=st.integers(0, 8)),
    st.floats(0.01, 0.99),
)
def test_no_threshold_agrees_better_than_the_matched_one(reference, steps, threshold):
    label = np.arange(30) % 2
    found = (steps + 1) / 10  # a threshold lies within 0..1: above a score of exactly 1 there is none

    def cost(at):
        differs = (reference >= threshold) != (found >= at)
        return differs[label == 1].mean() + differs[label == 0].mean()

    best = min(cost(at) for at in np.linspace(-0.01, 1.01, 103))
    assert cost(matched_threshold(reference, threshold, found, label)) <= best + 1e-9


def test_strata_cover_every_noted_value_once():
    notes = tuple({"added_dn": added, "nuisance": name} for added, name in [(None, "rain"), (10, None), (30, None)])
    rows = dict(strata_rows(notes))
    assert {name: int(inside.sum()) for name, inside in rows.items()} == {
        "added_dn < 15": 1,
        "added_dn 25–40": 1,
        "nuisance none": 2,
        "nuisance rain": 1,
    }
