import numpy as np
import pytest
from pydantic import ValidationError

from edge.detect.decision import Decision


def test_scores_are_the_sigmoid_of_margin_over_temperature():
    margins = np.array([-700.0, -3.0, 0.0, 3.0, 700.0])
    scores = Decision(threshold=0.5, temperature=1.5).scores(margins)
    assert scores == pytest.approx(1 / (1 + np.exp(-margins / 1.5)))
    assert (np.diff(scores) > 0).all()


def test_crowded_scenes_need_more_evidence():
    decision = Decision(threshold=0.5, temperature=1.5, crowd_weight=0.75)
    margins = np.array([4.0])
    assert decision.scores(margins, crowd=30.0) == pytest.approx(decision.scores(margins))
    scores = np.ravel([decision.scores(margins, crowd) for crowd in (0.0, 30.0, 80.0, 500.0)])
    odds = np.log(scores / (1 - scores))
    assert odds[0] - odds[1] == pytest.approx(0.75 * np.log(32 / 2))
    assert odds[1] - odds[2] == pytest.approx(0.75 * np.log(82 / 32))
    assert odds[3] == odds[2]


def test_scores_of_no_candidates_are_empty():
    assert Decision(threshold=0.5).scores(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 1.1}, {"threshold": 0.5, "temperature": 0}, {"threshold": 0.5, "motion_weight": 1}, {}],
    ids=["above one", "cold", "a term of its own", "no threshold"],
)
def test_decision_refuses_what_it_does_not_know(wrong):
    with pytest.raises(ValidationError):
        Decision(**wrong)
