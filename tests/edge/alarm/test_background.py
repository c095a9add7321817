import math

import pytest

from edge.alarm.background import Background, Rate, significance_sigma


@pytest.mark.parametrize("hits", [0.5, 1.0, 2.5, 10.0, 300.0])
@pytest.mark.parametrize(("sigmas", "probability"), [(0.0, 0.5), (1.96, 0.975), (2.326, 0.99)])
def test_rate_upper_quantiles_agree_with_scipy(hits, sigmas, probability):
    gamma = pytest.importorskip("scipy.stats").gamma
    exact = gamma.ppf(probability, hits, scale=1 / 20)
    within = 0.03 if sigmas else 0.15
    assert Rate(hits, 20).quantile_hz(sigmas) == pytest.approx(exact, rel=within)


def quiet(background, seconds, hits_each_10_s, start_s=0.0):
    """Let quiet seconds pass; every tenth one has hits."""
    for second in range(int(seconds)):
        now_s = start_s + second
        background.observe(now_s, hits_each_10_s if second % 10 == 5 else 0, 1.0, 1.0)
        background.learn(now_s, now_s)


def test_background_learns_a_rate_and_narrows_its_interval():
    background = Background(prior_hz=0.5, memory_s=1e6, lag_s=600)
    before = background.rate.interval_hz()
    quiet(background, 10_600, 2)
    low, high = background.rate.interval_hz()
    assert low < 0.2 < high
    assert high - low < 0.02 < before[1] - before[0]
    assert 9_900 <= background.learnt_s <= 10_010


def test_background_forgets_old_counts():
    background = Background(prior_hz=0.5, memory_s=100, lag_s=0)
    quiet(background, 100, 100)
    quiet(background, 1000, 1, start_s=100)
    assert background.rate.mean_hz == pytest.approx(0.1, rel=0.1)


def test_background_learns_only_what_lies_the_lag_back():
    background = Background(prior_hz=0.5, memory_s=1e6, lag_s=600, known=Rate(360, 3600))
    quiet(background, 590, 50)
    assert background.rate.mean_hz == pytest.approx(0.1, rel=0.01)
    quiet(background, 600, 50, start_s=590)
    assert background.rate.mean_hz > 0.5


def test_background_drops_what_waits_since_an_onset():
    background = Background(prior_hz=0.5, memory_s=1e6, lag_s=600, known=Rate(360, 3600))
    quiet(background, 300, 1)
    quiet(background, 100, 50, start_s=300)
    background.discard_since(300)
    quiet(background, 700, 1, start_s=400)
    assert background.rate.mean_hz == pytest.approx(0.1, rel=0.05)


def test_background_prior_allows_nearly_any_rate():
    assert Background(prior_hz=0.5, memory_s=1e6, lag_s=0).rate.quantile_hz(2.326) > 10


def test_significance_agrees_with_li_and_ma():
    # 140 on and 1000 off, with a tenth of the time on source.
    on, off, alpha = 140, 1000.0, 0.1
    by_hand = math.sqrt(2 * (on * math.log(1.1 / 0.1 * on / (on + off)) + off * math.log(1.1 * off / (on + off))))
    assert significance_sigma(on, 1.0, Rate(off, 10.0)) == pytest.approx(by_hand)
    # Far from small numbers it is close to (on − α off) / √(α (on + off)).
    assert by_hand == pytest.approx((on - alpha * off) / math.sqrt(alpha * (on + off)), rel=0.05)


def test_significance_is_zero_without_excess():
    assert significance_sigma(1, 10.0, Rate(100, 100)) == 0
    assert significance_sigma(0, 0.0, Rate(1, 1)) == 0


def test_background_is_assumed_no_lower_than_the_mean_of_the_last_days():
    background = Background(prior_hz=0.5, memory_s=1000, lag_s=0, known=Rate(8640, 86400))
    quiet(background, 5000, 0)
    assert background.rate.mean_hz < 0.01
    assert background.quantile_hz(2.326) == pytest.approx(0.1, rel=0.1)


def test_background_short_known_goes_on_without_a_lag():
    background = Background(prior_hz=0.5, memory_s=1e6, lag_s=3600, known=Rate(2, 10))
    quiet(background, 50, 2)
    assert background.learnt_s > 55
