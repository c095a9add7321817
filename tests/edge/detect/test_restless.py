import numpy as np
import pytest

from edge.bundle import Decision
from edge.detect.hit import Candidate
from edge.detect.restless import LATELY_S, RecentMotion, colour_decides, restless_odds

SHAPE = (30, 40)
PICTURE = (30 * 8, 40 * 8)
SIGMA = np.full(SHAPE, 2.0, np.float32)


def at(column, row):
    return Candidate(column * 8 + 3, row * 8 + 3, 30.0, 2, 0.0, 1.0)


def motion(**blocks):
    """Ground at rest, 1.13 σ, with the named (rows, columns) at 5 σ."""
    moved = np.full(SHAPE, 1.13 * 2, np.float32)
    for rows, columns in blocks.values():
        moved[rows, columns] = 10
    return moved


def seen(*frames, step_s=0.04, sigma=SIGMA, picture=PICTURE):
    recent = RecentMotion(picture)
    for i, one in enumerate(frames):
        recent.observe(one, sigma, 100 + i * step_s)
    return recent


BODY = motion(body=(slice(10, 13), slice(10, 14)))


def test_ground_near_what_moves_is_restless_and_far_ground_is_not():
    told = seen(BODY).near([at(12, 11), at(17, 11), at(18, 11), at(12, 6), at(12, 5), at(35, 25)])
    assert told.tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize("step_s", [0.04, 0.2, 3600.0])
def test_it_comes_to_rest_after_two_seconds_of_the_cameras_time(step_s):
    still = int(LATELY_S / step_s)
    assert seen(BODY, *[motion()] * still, step_s=step_s).near([at(12, 11)]).tolist() == [True]
    assert seen(BODY, *[motion()] * (still + 1), step_s=step_s).near([at(12, 11)]).tolist() == [False]


def test_up_to_three_blocks_as_a_hit_moves_them_are_no_motion():
    on_one, on_a_border = motion(hit=(11, 12)), motion(hit=(11, slice(12, 14)))
    on_a_corner_of_three = motion(hit=(slice(11, 13), 12), rest=(11, 13))
    assert not seen(on_one, on_a_border, on_a_corner_of_three).near([at(12, 11), at(13, 12)]).any()


def test_a_hit_over_the_corner_of_four_blocks_moves_nothing_before_a_camera_of_little_noise():
    quiet = np.full(SHAPE, 0.5, np.float32)
    moved = np.full(SHAPE, 0.6, np.float32)
    moved[11:13, 12:14] += 180 / 64  # one of its four pixels in each block
    assert not seen(moved, sigma=quiet).near([at(12, 11)]).any()


def test_blocks_that_the_border_cuts_are_left_out():
    # The last row and column repeat their neighbours: one moving block in the corner would look like four.
    corner = motion(hit=(slice(28, 30), slice(38, 40)))
    assert seen(corner).near([at(38, 28)]).any()
    assert not seen(corner, picture=(29 * 8 + 4, 39 * 8 + 4)).near([at(38, 28)]).any()


def test_a_change_of_the_whole_picture_is_nobodys_motion():
    assert not seen(np.full(SHAPE, 30, np.float32)).near([at(12, 11)]).any()


def test_before_the_first_frame_and_without_candidates_nothing_is_restless():
    assert RecentMotion(PICTURE).near([at(3, 3)]).tolist() == [False]
    assert RecentMotion((0, 0)).near([at(3, 3)]).tolist() == [False]
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
