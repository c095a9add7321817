import numpy as np
import pytest

from edge.bundle import Decision
from edge.detect.hit import Candidate
from edge.detect.restless import LATELY_FRAMES, RecentMotion, colour_decides, restless_odds

SHAPE = (30, 40)
SIGMA = np.full(SHAPE, 2.0, np.float32)


def at(column, row):
    return Candidate(column * 8 + 3, row * 8 + 3, 30.0, 2, 0.0, 1.0)


def motion(**blocks):
    """Ground at rest, 1.13 σ, with the named (rows, columns) at 5 σ."""
    moved = np.full(SHAPE, 1.13 * 2, np.float32)
    for rows, columns in blocks.values():
        moved[rows, columns] = 10
    return moved


def seen(*frames):
    recent = RecentMotion()
    for one in frames:
        recent.observe(one, SIGMA)
    return recent


BODY = motion(body=(slice(10, 13), slice(10, 14)))


def test_ground_near_what_moves_is_restless_and_far_ground_is_not():
    told = seen(BODY).near([at(12, 11), at(17, 11), at(18, 11), at(12, 6), at(12, 5), at(35, 25)])
    assert told.tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize(("frames_later", "restless"), [(0, True), (LATELY_FRAMES, True), (LATELY_FRAMES + 1, False)])
def test_it_comes_to_rest_after_two_seconds(frames_later, restless):
    assert seen(BODY, *[motion()] * frames_later).near([at(12, 11)]).tolist() == [restless]


def test_a_hit_of_the_frame_before_or_after_moves_nothing():
    on_one, on_a_border = motion(hit=(11, 12)), motion(hit=(11, slice(12, 14)))
    on_a_corner_of_three = motion(hit=(slice(11, 13), 12), rest=(11, 13))
    assert not seen(on_one, on_a_border, on_a_corner_of_three).near([at(12, 11), at(13, 12)]).any()


def test_a_change_of_the_whole_picture_is_nobodys_motion():
    assert not seen(np.full(SHAPE, 30, np.float32)).near([at(12, 11)]).any()


def test_before_the_first_frame_and_without_candidates_nothing_is_restless():
    assert RecentMotion().near([at(3, 3)]).tolist() == [False]
    assert seen(BODY).near([]).shape == (0,)


def test_colour_gives_back_what_restless_ground_takes_away():
    decision = Decision(threshold=0.5, restless_weight=3.5, colour_weight=1.0)
    restless = np.array([True, True, True, True, False])
    colour = np.array([0.0, 9.0, 500.0, np.nan, 500.0])
    odds = restless_odds(decision, restless, colour)
    assert odds == pytest.approx([-3.5, -3.5 + np.log(10), -3.5 + np.log(26), -3.5 + np.log(4), 0])
    assert restless_odds(decision, restless[:1]) == pytest.approx([-3.5 + np.log(4)])
    assert not restless_odds(Decision(threshold=0.5), restless, colour).any()


def test_colour_is_asked_for_only_where_the_decision_hangs_on_it():
    decision = Decision(threshold=0.5, restless_weight=3.5, colour_weight=1.0)
    odds = np.linspace(-4, 6, 101)
    asked = colour_decides(decision, odds)
    restless = np.ones(101, bool)
    without, with_most = (odds + restless_odds(decision, restless, np.full(101, one)) for one in (0.0, 25.0))
    unknown = odds + restless_odds(decision, restless)
    assert (asked == ((without < 0) & (with_most >= 0))).all()
    assert asked.any()
    settled = ~asked
    assert ((unknown >= 0) == (without >= 0))[settled].all()
    assert not colour_decides(Decision(threshold=0.5, restless_weight=3.5), odds).any()
