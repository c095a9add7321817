"""Limits are read strictly, and each figure is judged with its 95 % interval."""

import numpy as np
import pytest

from quantize.agreement import Difference, agreement_of
from quantize.clip import ClipCheck
from quantize.errors import QuantiseError
from quantize.limits import Limits, _agreement_findings, _minimum, _within, judge_clip, parse_limits
from quantize.predictions import Predictions


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


@pytest.mark.parametrize(
    ("change", "half", "worse_only", "passed", "close"),
    [
        (-0.05, 0.04, -1, False, False),
        (-0.05, 0.046, -1, True, True),
        (0.03, 0.001, -1, True, False),
        (0.03, 0.001, 0, False, False),
        (0.03, 0.026, 0, True, True),
        (0.004, 0.1, 0, True, False),
        (float("nan"), float("nan"), 0, True, False),
    ],
)
def test_within_judges_a_change_with_its_interval(change, half, worse_only, passed, close):
    finding = _within(
        "recall", Difference(0.9, 0.9 + change, change - half, change + half), 0.005, worse_only=worse_only
    )
    assert (finding.passed, finding.close) == (passed, close)


@pytest.mark.parametrize(
    ("value", "interval", "accepted", "close"),
    [
        (0.996, (0.990, 0.999), True, False),
        (0.99483, (0.9940, 0.9955), True, True),
        (0.994, (0.9930, 0.9949), False, False),
        (0.994, None, False, False),
    ],
)
def test_minimum_fails_only_beyond_the_interval(value, interval, accepted, close):
    finding = _minimum("label agreement", value, 0.995, interval)
    assert (finding.passed, finding.close) == (accepted, close)


def agreement(reference, found, label):
    sides = (Predictions(0.5, np.where(hit, 0.9, 0.1), hit) for hit in (reference, found))
    return agreement_of(*sides, label, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("floats", "int8", "passed", "close"),
    [
        (100, 140, True, False),
        (100, 160, True, True),
        (100, 200, False, False),
        (0, 3, True, True),
        (0, 5, False, False),
    ],
)
def test_false_positives_beyond_chance_exceed_the_limit(floats, int8, passed, close):
    crops = np.arange(2000)
    found = agreement(crops < floats, crops < int8, np.zeros(2000, np.uint8))
    judged = _agreement_findings(found, 2000, Limits())
    (finding,) = [finding for finding in judged if finding.name.startswith("false positives")]
    assert (finding.passed, finding.close) == (passed, close)
    assert finding.text.startswith(f"{int8} (95 % ")


def test_label_agreement_of_a_lucky_sample_is_close():
    label = np.arange(30000) < 5000
    found = agreement(label, label ^ (np.arange(30000) % 193 == 0), label.astype(np.uint8))  # 0.99480 of 0.995
    first = next(iter(_agreement_findings(found, 25000, Limits())))
    assert (first.name, first.passed, first.close) == ("label agreement", True, True)


@pytest.mark.parametrize(
    ("hits", "common", "passed", "close"), [(100, 99, True, False), (100, 96, True, True), (100, 80, False, False)]
)
def test_judge_clip_judges_the_share_of_common_hits(hits, common, passed, close):
    (finding,) = judge_clip(ClipCheck("a.mkv", 50, hits, hits, common), Limits())
    assert (finding.passed, finding.close) == (passed, close)


def test_judge_clip_without_hits_fails():
    assert not judge_clip(ClipCheck("a.mkv", 50, 0, 0, 0), Limits())[0].passed
