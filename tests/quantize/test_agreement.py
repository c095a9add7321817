"""Figures of agreement are right on small cases that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.statistics import wilson_interval
from quantize.agreement import (
    agreement_of,
    calibration_difference,
    matched_threshold,
    recall_difference,
    sqnr_db,
    strata_of,
)
from quantize.predictions import Predictions
from trainer.judging.metrics import calibration

LABEL = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def test_sqnr_of_one_tenth_of_noise_is_20_db():
    assert sqnr_db(np.array([3.0, 4.0]), np.array([3.3, 4.4])) == pytest.approx(20.0)


@pytest.mark.parametrize(("noisy", "expected"), [([1.0, 2.0], np.inf), ([2.0, 4.0], 0.0)])
def test_sqnr_of_no_noise_and_of_all_noise(noisy, expected):
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
def test_recall_difference_reads_recall_off_the_roc_curve(scores, fpr, expected):
    scores = np.array(scores)
    difference = recall_difference(scores, scores, LABEL, fpr, rng=np.random.default_rng(1), rounds=1)
    assert (difference.reference, difference.found) == pytest.approx((expected, expected))


def test_recall_difference_without_positives_is_nan():
    scores = np.linspace(0, 1, 8)
    difference = recall_difference(scores, scores, np.zeros(8), 0.1, rng=np.random.default_rng(1), rounds=1)
    assert np.isnan([difference.reference, difference.found, difference.low, difference.high]).all()


def test_recall_difference_of_equal_models_is_exactly_zero():
    scores = np.random.default_rng(1).random(200)
    label = (np.arange(200) % 2).astype(np.uint8)
    difference = recall_difference(scores, scores, label, 0.01, rng=np.random.default_rng(2), rounds=50)
    assert (difference.change, difference.low, difference.high) == (0, 0, 0)


def test_recall_difference_interval_of_a_loss_excludes_zero():
    rng = np.random.default_rng(1)
    label = (np.arange(4000) % 2).astype(np.uint8)
    good = rng.normal(size=4000) + 3 * label
    poor = good + rng.normal(size=4000) * 2
    difference = recall_difference(good, poor, label, 0.01, rng=rng, rounds=100)
    assert difference.low < difference.change < difference.high < 0


def test_calibration_difference_is_that_of_the_trainers_error():
    rng = np.random.default_rng(1)
    label, scores = (np.arange(1001) % 3 == 0).astype(np.uint8), rng.random((2, 1001))
    scores[:, :2] = [0.0, 1.0]
    difference = calibration_difference(*scores, label, rng=rng, rounds=50)
    wanted = [calibration(label, side).error for side in scores]
    assert (difference.reference, difference.found) == pytest.approx(wanted)
    assert difference.low < difference.change < difference.high


def test_calibration_difference_without_crops_is_nan():
    none = np.zeros(0)
    assert np.isnan(calibration_difference(none, none, none, rng=np.random.default_rng(1)).change)


def predictions(*hits, threshold=0.5):
    hit = np.array(hits, bool)
    return Predictions(threshold, np.where(hit, 0.9, 0.1), hit)


def test_agreement_counts_labels_hits_and_calibration_error():
    label = np.array([1, 1, 0, 0], np.uint8)
    rng = np.random.default_rng(1)
    agreement = agreement_of(predictions(1, 1, 0, 0), predictions(1, 0, 0, 0), label, rng)
    assert (agreement.labels, agreement.hits) == (0.75, 0.5)
    assert agreement.labels_interval == wilson_interval(3, 4)
    assert agreement.calibration_reference == pytest.approx(0.1)
    assert agreement.calibration_found == pytest.approx((0.1 + 3 * abs(0.1 - 1 / 3)) / 4)


def test_agreement_of_a_model_with_itself_is_complete():
    rng = np.random.default_rng(3)
    score, label = rng.random(500), (rng.random(500) < 0.5).astype(np.uint8)
    own = Predictions(0.5, score, score >= 0.5)
    agreement = agreement_of(own, own, label, np.random.default_rng(1))
    assert agreement.labels == agreement.hits == 1
    assert all(recall.change == 0 for recall in agreement.recall.values())


def test_strata_compare_within_each_bin_of_several():
    label = np.array([1, 1, 0, 1], np.uint8)
    notes = tuple({"nuisance": "rain", "proposed": bool(number % 2)} for number in range(4))
    rows = {row.name: row for row in strata_of(predictions(1, 1, 0, 1), predictions(1, 0, 0, 1), label, notes)}
    assert set(rows) == {"proposed yes", "proposed no"}
    assert (rows["proposed yes"].crops, rows["proposed yes"].positives, rows["proposed yes"].labels) == (2, 2, 0.5)
    assert (rows["proposed yes"].recall_reference, rows["proposed yes"].recall_found) == (1.0, 0.5)


def test_matched_threshold_undoes_a_shift():
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
def test_matched_threshold_agrees_best_of_all(reference, steps, threshold):
    label = np.arange(30) % 2
    found = (steps + 1) / 10  # a threshold lies within 0..1: above a score of exactly 1 there is none

    def cost(at):
        differs = (reference >= threshold) != (found >= at)
        return differs[label == 1].mean() + differs[label == 0].mean()

    best = min(cost(at) for at in np.linspace(-0.01, 1.01, 103))
    assert cost(matched_threshold(reference, threshold, found, label)) <= best + 1e-9
