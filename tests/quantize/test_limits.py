"""Limits are read strictly and named in the verdict."""

import pytest

from quantize.errors import QuantiseError
from quantize.limits import Limits, parse_limits


def test_defaults_are_those_that_the_shipped_bundle_has_to_keep():
    limits = Limits()
    assert (limits.least_positives, limits.least_negatives) == (5000, 20000)
    assert (limits.most_recall_change, limits.least_label_agreement) == (0.005, 0.995)
    assert (limits.least_speedup, limits.most_size_share, limits.most_calibration_change) == (2.5, 0.30, 0.01)


def test_a_limit_can_be_set():
    assert parse_limits(["least_speedup=3"]).least_speedup == 3


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("speed=3", "no NAME=VALUE of a known name"),
        ("least_speedup", "no NAME=VALUE of a known name"),
        ("least_speedup=fast", "--limits least_speedup"),
        ("least_label_agreement=2", "less than or equal to 1"),
    ],
)
def test_a_wrong_limit_is_refused(word, message):
    with pytest.raises(QuantiseError, match=message):
        parse_limits([word])
