"""Limits are read strictly and named in the verdict."""

import pytest

from quantize.errors import QuantiseError
from quantize.limits import Limits, _false_positives, _within, parse_limits


def test_limits_default_to_those_of_the_shipped_bundle():
    limits = Limits()
    assert (limits.min_positives, limits.min_negatives) == (5000, 20000)
    assert (limits.max_recall_change, limits.min_label_agreement) == (0.005, 0.995)
    assert (limits.min_speedup, limits.max_size_share, limits.max_calibration_change) == (2.5, 0.30, 0.01)


def test_parse_limits_sets_a_limit():
    assert parse_limits(["min_speedup=3"]).min_speedup == 3


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("speed=3", "no NAME=VALUE of a known name"),
        ("min_speedup", "no NAME=VALUE of a known name"),
        ("min_speedup=fast", "--limits: min_speedup"),
        ("min_label_agreement=2", "expected at most 1"),
    ],
)
def test_parse_limits_refuses_wrong_limits(word, message):
    with pytest.raises(QuantiseError, match=message):
        parse_limits([word])


@pytest.mark.parametrize(("found", "worse_only", "passed"), [(0.90, -1, False), (0.98, -1, True), (0.98, 0, False)])
def test_within_allows_a_gain_where_only_a_loss_harms(found, worse_only, passed):
    assert _within("recall", 0.95, found, 0.005, worse_only=worse_only).passed is passed


def test_false_positives_beyond_chance_exceed_the_limit():
    limits = Limits()
    assert _false_positives(100, 160, 20000, limits).passed
    assert not _false_positives(100, 200, 20000, limits).passed
    assert _false_positives(0, 3, 20000, limits).passed
