"""What one network and the cascade decide is what the formula of the manifest says."""

import numpy as np
import pytest

from edge.detect.decision import Decision
from quantize.predictions import min_margins, predict, predict_cascade

JOINT = Decision(threshold=0.6, temperature=2.0, screen_weight=0.8, motion_weight=1.5)
FIRST = Decision(threshold=0.2)


@pytest.fixture
def logits():
    rng = np.random.default_rng(1)
    return rng.normal(0, 3, (2, 500, 2)).astype(np.float32)


@pytest.fixture
def motion():
    return np.random.default_rng(2).exponential(2, 500)


def test_predict_cascade_follows_the_formula_of_the_manifest(logits, motion):
    both = predict_cascade(logits[0], logits[1], (JOINT, FIRST), motion)
    for i in range(0, 500, 7):
        first = float(logits[1, i, 1]) - float(logits[1, i, 0])
        odds = (float(logits[0, i, 1]) - float(logits[0, i, 0])) / 2.0 + 0.8 * first - 1.5 * np.log1p(motion[i])
        passes = 1 / (1 + np.exp(-first)) >= 0.2
        assert both.hit[i] == (passes and 1 / (1 + np.exp(-odds)) >= 0.6)
        assert both.score[i] == pytest.approx(1 / (1 + np.exp(-odds)) if passes else 0.0)
    assert 0 < both.hit.sum() < 500


def test_predict_cascade_without_a_screen_is_the_classifier(logits, motion):
    plain = Decision(threshold=0.6, temperature=2.0)
    together = predict_cascade(logits[0], None, (plain, None), motion)
    assert np.array_equal(together.hit, predict(logits[0], plain).hit)


@pytest.mark.parametrize("screened", [True, False])
def test_min_margins_decide_as_the_score_does(logits, motion, screened):
    screen = (logits[1], FIRST) if screened else (None, None)
    both = predict_cascade(logits[0], screen[0], (JOINT, screen[1]), motion)
    margins = logits[0, :, 1].astype(float) - logits[0, :, 0]
    assert np.array_equal(margins >= min_margins(JOINT, motion, *screen), both.hit)
