import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from edge.statistics import sigmoid
from trainer.judging import metrics


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(3)
    label = (rng.random(3000) < 0.3).astype(np.uint8)
    margin = np.round(rng.normal(0, 2, 3000) + 2.5 * label, 2)  # rounded, so that ties occur
    return label, margin


def test_confusion_gives_the_figures_of_table_5() -> None:
    counts = metrics.Confusion(19472, 2209, 17791, 528)  # 20,000 of each label; recall and precision of Table 5
    assert counts.precision == pytest.approx(0.8981, abs=1e-4)
    assert counts.recall == pytest.approx(0.9736, abs=1e-4)
    assert counts.f1 == pytest.approx(0.9343, abs=1e-4)
    assert counts.accuracy == pytest.approx(0.9314, abs=3e-4)


def test_confusion_agrees_with_scikit_learn(scored) -> None:
    label, margin = scored
    called = margin > 1
    counts = metrics.confusion(label, called)
    assert counts.precision == pytest.approx(precision_score(label, called))
    assert counts.recall == pytest.approx(recall_score(label, called))
    assert counts.f1 == pytest.approx(f1_score(label, called))


def test_confusion_without_positive_calls_has_nan_precision() -> None:
    counts = metrics.confusion(np.array([0, 1]), np.array([False, False]))
    assert np.isnan(counts.precision)
    assert counts.recall == 0
    assert metrics.bootstrap(np.array([], int), np.array([], bool), np.random.default_rng(1))["recall"][0] != 0


def test_bootstrap_covers_the_truth_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        label = np.repeat([1, 0], 200)
        called = rng.random(400) < np.where(label == 1, 0.9, 0.1)
        low, high = metrics.bootstrap(label, called, rng, 300)["recall"]
        covered += low <= 0.9 <= high
    assert 178 <= covered <= 199


@pytest.mark.parametrize("target", [0.3, 0.1, 0.01, 0.001, 0.0])
def test_threshold_is_the_lowest_that_keeps_to_the_rate(scored, target: float) -> None:
    label, margin = scored
    point = metrics.at_false_positive_rate(label, margin, target)
    negatives = margin[label == 0]
    assert np.mean(negatives >= point.threshold) <= target
    lower = margin[margin < point.threshold].max()
    assert np.mean(negatives >= lower) > target
    assert point.recall == pytest.approx(np.mean(margin[label == 1] >= point.threshold))


def test_a_rate_needs_twenty_expected_false_positives() -> None:
    label = np.r_[np.zeros(19_999, int), 1]
    assert not metrics.at_false_positive_rate(label, np.zeros(20_000), 1e-3).supported
    label = np.r_[np.zeros(20_000, int), 1]
    assert metrics.at_false_positive_rate(label, np.zeros(20_001), 1e-3).supported


def test_fit_temperature_corrects_overconfidence() -> None:
    rng = np.random.default_rng(4)
    true_margin = rng.normal(0, 2, 20_000)
    label = (rng.random(20_000) < sigmoid(true_margin)).astype(int)
    assert metrics.fit_temperature(label, true_margin * 3) == pytest.approx(3, rel=0.05)
    after = metrics.calibration(label, sigmoid(true_margin * 3 / 3))
    before = metrics.calibration(label, sigmoid(true_margin * 3))
    assert after.error < 0.02 < before.error
    assert after.count.sum() == 20_000


@pytest.mark.parametrize("temperature", metrics.TEMPERATURES)
def test_fit_temperature_stays_within_bounds(temperature: float) -> None:
    margin = np.array([-9.0, 9.0])
    label = np.array([0, 1]) if temperature < 1 else np.array([1, 0])
    assert metrics.fit_temperature(label, margin) == pytest.approx(temperature, rel=1e-6)


def test_calibration_leaves_empty_bins_empty() -> None:
    found = metrics.calibration(np.array([0, 1, 1]), np.array([0.0, 0.05, 1.0]))
    assert found.count.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found.mean_score[[0, 9]] == pytest.approx([0.025, 1.0])
    assert np.isnan(found.share_of_hits[1:9]).all()
    assert found.error == pytest.approx((2 * 0.475 + 0) / 3)


def test_calibration_of_no_samples_has_no_error() -> None:
    assert metrics.calibration(np.array([], int), np.array([])).error == 0
