"""What one network and the cascade decide is what the formula of the manifest says."""

import numpy as np
import pytest

from edge.detect.decision import Decision
from quantize.predictions import min_margin, predict, predict_cascade

MAIN = Decision(threshold=0.6, temperature=2.0)
FIRST = Decision(threshold=0.2)


@pytest.fixture
def logits():
    rng = np.random.default_rng(1)
    return rng.normal(0, 3, (2, 500, 2)).astype(np.float32)


def test_predict_cascade_follows_the_formula_of_the_manifest(logits):
    both = predict_cascade(logits[0], logits[1], (MAIN, FIRST))
    for i in range(0, 500, 7):
        first = float(logits[1, i, 1]) - float(logits[1, i, 0])
        odds = (float(logits[0, i, 1]) - float(logits[0, i, 0])) / 2.0
        passes = 1 / (1 + np.exp(-first)) >= 0.2
        assert both.hit[i] == (passes and 1 / (1 + np.exp(-odds)) >= 0.6)
        assert both.score[i] == pytest.approx(1 / (1 + np.exp(-odds)) if passes else 0.0)
    assert 0 < both.hit.sum() < predict(logits[0], MAIN).hit.sum()


@pytest.mark.parametrize("decision", [MAIN, FIRST])
def test_min_margin_decides_as_the_score_does(logits, decision):
    margins = logits[0, :, 1].astype(float) - logits[0, :, 0]
    assert np.array_equal(margins >= min_margin(decision), predict(logits[0], decision).hit)
