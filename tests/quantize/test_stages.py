"""What a network alone and both together decide is what the agent's own classes decide."""

import numpy as np
import pytest

from edge.bundle import Decision
from quantize.stages import (
    Decided,
    agreement_of,
    alone_decisions,
    decided_alone,
    decided_together,
    min_margins,
    strata_of,
)
from trainer.judging.strata import motion_of

JOINT = Decision(threshold=0.6, temperature=2.0, screen_weight=0.8, motion_weight=1.5)
FIRST = Decision(threshold=0.2)


@pytest.fixture
def logits():
    rng = np.random.default_rng(1)
    return rng.normal(0, 3, (2, 500, 2)).astype(np.float32)


@pytest.fixture
def motion():
    return np.random.default_rng(2).exponential(2, 500)


def test_both_together_follow_the_formula_of_the_manifest(logits, motion):
    both = decided_together(logits[0], logits[1], (JOINT, FIRST), motion)
    for i in range(0, 500, 7):
        first = float(logits[1, i, 1]) - float(logits[1, i, 0])
        odds = (float(logits[0, i, 1]) - float(logits[0, i, 0])) / 2.0 + 0.8 * first - 1.5 * np.log1p(motion[i])
        passes = 1 / (1 + np.exp(-first)) >= 0.2
        assert both.hit[i] == (passes and 1 / (1 + np.exp(-odds)) >= 0.6)
        assert both.score[i] == pytest.approx(1 / (1 + np.exp(-odds)) if passes else 0.0)
    assert 0 < both.hit.sum() < 500


def test_without_a_screen_the_classifier_decides_alone(logits, motion):
    plain = Decision(threshold=0.6, temperature=2.0)
    together = decided_together(logits[0], None, (plain, None), motion)
    assert np.array_equal(together.hit, decided_alone(logits[0], plain).hit)


@pytest.mark.parametrize("screened", [True, False])
def test_the_least_margin_says_the_same_as_the_score(logits, motion, screened):
    screen = (logits[1], FIRST) if screened else (None, None)
    both = decided_together(logits[0], screen[0], (JOINT, screen[1]), motion)
    margins = logits[0, :, 1].astype(float) - logits[0, :, 0]
    assert np.array_equal(margins >= min_margins(JOINT, motion, *screen), both.hit)


def test_a_network_that_decides_only_together_is_judged_at_a_stated_rate(logits):
    label = np.arange(500, dtype=np.uint8) % 2
    reference, own, used = alone_decisions(logits[0], label, JOINT, JOINT)
    assert (reference, used) == (own, False)
    assert decided_alone(logits[0], reference).hit[label == 0].mean() <= 0.01
    assert alone_decisions(logits[0], label, FIRST, FIRST) == (FIRST, FIRST, True)


def test_hits_alike_are_counted_among_hits_only():
    wanted = Decided(0.5, np.zeros(4), np.array([True, True, False, False]))
    found = Decided(0.5, np.zeros(4), np.array([True, False, False, False]))
    agreement = agreement_of(wanted, found, np.array([1, 1, 0, 0], np.uint8), np.random.default_rng(1))
    assert (agreement.labels, agreement.hits) == (0.75, 0.5)


def test_equal_models_agree_in_everything(logits, motion):
    label = (np.random.default_rng(3).random(500) < 0.5).astype(np.uint8)
    both = decided_together(logits[0], logits[1], (JOINT, FIRST), motion)
    found = agreement_of(both, both, label, np.random.default_rng(1))
    assert found.labels == found.hits == 1
    assert all(one.change == 0 for one in found.recall.values())
    notes = tuple({"motion_dn": float(one), "proposed": bool(i % 2)} for i, one in enumerate(motion))
    rows = {row.name: row for row in strata_of(both, both, label, notes)}
    assert rows["proposed yes"].crops == rows["proposed no"].crops == 250
    assert np.array_equal(motion_of(notes), motion)
    assert motion_of(({"motion_dn": None}, {})).tolist() == [0, 0]
