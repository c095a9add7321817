import numpy as np
import pytest

from edge.detect.hit import Candidate
from edge.detect.recent_motion import RECENT_S, RecentMotion, lie_on

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


class Observed(RecentMotion):
    def __init__(self, *frames, step_s=0.04, sigma=SIGMA, picture=PICTURE):
        super().__init__(picture)
        for i, motion_dn in enumerate(frames):
            self.observe(motion_dn, sigma, 100 + i * step_s)

    def near(self, candidates):
        return lie_on(self.ground(), candidates)


BODY = motion(body=(slice(10, 13), slice(10, 14)))


def test_near_reaches_four_blocks_around_a_moving_one():
    near = Observed(BODY).near([at(12, 11), at(17, 11), at(18, 11), at(12, 6), at(12, 5), at(35, 25)])
    assert near.tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize("step_s", [0.04, 0.2, 3600.0])
def test_near_ends_after_two_seconds_of_camera_time(step_s):
    still = int(RECENT_S / step_s)
    assert Observed(BODY, *[motion()] * still, step_s=step_s).near([at(12, 11)]).tolist() == [True]
    assert Observed(BODY, *[motion()] * (still + 1), step_s=step_s).near([at(12, 11)]).tolist() == [False]


def test_near_ignores_up_to_three_blocks_of_a_hit():
    on_one, on_a_border = motion(hit=(11, 12)), motion(hit=(11, slice(12, 14)))
    on_a_corner_of_three = motion(hit=(slice(11, 13), 12), rest=(11, 13))
    assert not Observed(on_one, on_a_border, on_a_corner_of_three).near([at(12, 11), at(13, 12)]).any()


def test_near_ignores_a_hit_on_four_blocks_of_low_noise():
    quiet = np.full(SHAPE, 0.5, np.float32)
    moved = np.full(SHAPE, 0.6, np.float32)
    moved[11:13, 12:14] += 180 / 64  # one of its four pixels in each block
    assert not Observed(moved, sigma=quiet).near([at(12, 11)]).any()


def test_near_leaves_out_blocks_that_the_border_cuts():
    # The last row and column repeat their neighbours: one moving block in the corner would look like four.
    corner = motion(hit=(slice(28, 30), slice(38, 40)))
    assert Observed(corner).near([at(38, 28)]).any()
    assert not Observed(corner, picture=(29 * 8 + 4, 39 * 8 + 4)).near([at(38, 28)]).any()


def test_near_ignores_a_change_of_the_whole_picture():
    assert not Observed(np.full(SHAPE, 30, np.float32)).near([at(12, 11)]).any()


def test_near_is_false_before_the_first_frame():
    assert Observed().near([at(3, 3)]).tolist() == [False]
    assert Observed(BODY).near([]).shape == (0,)
