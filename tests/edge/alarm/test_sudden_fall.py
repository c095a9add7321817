from datetime import datetime, timezone

import pytest

from edge.alarm.live_time import Observation
from edge.alarm.sudden_fall import SuddenFall

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def play(fall, seconds, *, hits=0.0, candidates=0, live=0.95):
    for number in range(round(seconds * 25)):
        observation = Observation(
            sequence=number,
            monotonic_s=number / 25,
            utc=NOW,
            hits=int((number + 1) * hits) - int(number * hits),
            live_s=0.04 * live,
            period_s=0.04,
            exposure_known=True,
            live_fraction=live,
            unclassified=0,
        )
        fall.update(observation, candidates)
    return fall.faults


def test_sudden_fall_of_live_ground_is_a_fault_that_ends():
    fall = SuddenFall()
    assert play(fall, 300) == {}
    assert play(fall, 5, live=0.2) == {}  # somebody walks past
    assert "fell from 95% to" in play(fall, 15, live=0.2)["live ground"]
    assert play(fall, 30) == {}


def test_sudden_fall_becomes_usual_in_the_end():
    fall = SuddenFall()
    play(fall, 300)
    assert play(fall, 3600, live=0.2) == {}


@pytest.mark.parametrize(
    ("before", "after", "faulty"),
    [
        ({"hits": 20, "candidates": 25}, {"hits": 1, "candidates": 400}, True),
        ({"hits": 20, "candidates": 25}, {"hits": 0.0, "candidates": 0}, False),
        ({"hits": 0.2, "candidates": 50}, {"hits": 0.0, "candidates": 50}, False),
        ({"hits": 0.002, "candidates": 0}, {"hits": 0.0, "candidates": 60}, False),
    ],
    ids=["hits drown", "a source leaves", "a source leaves the rain", "a quiet place gets rain"],
)
def test_sudden_fall_of_hits_needs_candidates_that_stay(before, after, faulty):
    fall = SuddenFall()
    assert play(fall, 180, **before) == {}
    assert ("hits" in play(fall, 30, **after)) is faulty


def test_sudden_fall_says_nothing_at_first():
    fall = SuddenFall()
    play(fall, 5)
    assert play(fall, 100, live=0.01) == {}
