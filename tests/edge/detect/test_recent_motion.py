import numpy as np
import pytest

from edge.bundle import Decision
from edge.detect.hit import Candidate
from edge.detect.recent_motion import (
    LATELY_S,
    RecentMotion,
    colour_decides,
    credible,
    doubts,
    drifts,
    entering,
    extents,
    restless_odds,
)

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


DECISION = Decision(threshold=0.5, extent_weight=2.0, drift_weight=1.5, colour_weight=1.4)
DOUBT = np.array([0.0, 1.0, 2.5, 5.0, 9.0])


def greys(spot, *, drift=0.0, noise=0.0):
    """Three frames of ground at 80 that brightens by `drift` in all, the middle one with a spot added at (30, 20)."""
    rng = np.random.default_rng(4)
    ground = [np.full((60, 80), 80 + step * drift / 2) + rng.normal(0, noise or 1e-9, (60, 80)) for step in range(3)]
    height, width = spot.shape
    ground[1][20 - height // 2 :][:height, 30 - width // 2 :][:, :width] += spot
    return tuple(np.rint(one).astype(np.uint8) for one in ground)


SHARP, SOFT = np.full((1, 1), 40.0), np.array([[10, 20, 10], [20, 40, 20], [10, 20, 10.0]])
HERE = (np.array([30]), np.array([20]))


def test_extent_is_the_light_of_a_spot_in_units_of_its_brightest_pixel():
    assert extents(greys(SHARP), *HERE) == pytest.approx([1])
    assert extents(greys(SOFT), *HERE) == pytest.approx([3])  # its corners are not above a quarter
    assert extents(greys(np.full((3, 3), 30.0)), *HERE) == pytest.approx([9])
    assert extents(greys(np.zeros((1, 1))), *HERE) == pytest.approx([1]), "no spot at all"
    assert 1 <= extents(greys(SOFT, noise=3), *HERE)[0] < 5


@pytest.mark.parametrize("change", [2.0, -2.0])
def test_drift_is_the_change_of_the_ground_and_not_of_the_spot(change):
    for spot in (SHARP, SOFT):
        assert drifts(greys(spot, drift=change), *HERE) == pytest.approx([2])
        assert drifts(greys(spot), *HERE) == pytest.approx([0])
        assert drifts(greys(spot, drift=change, noise=4), *HERE) == pytest.approx([2], abs=0.6)


def test_what_a_spot_leaves_in_the_next_frame_is_no_drift():
    first, current, last = greys(SOFT)
    last = last.copy()
    last[15:26, 25:36] += 60
    assert drifts((first, current, last), *HERE) == pytest.approx([0])
    last[26, 30] += 60
    assert drifts((first, current, last), *HERE) == pytest.approx([60 / (33 * 33 - 11 * 11)])


def test_a_spot_at_the_border_has_the_extent_and_drift_of_one_inside():
    first, current, last = greys(np.zeros((1, 1)), drift=2.0)
    current = current.copy()
    current[:2, :2] = 120
    corner = (np.array([0]), np.array([0]))
    assert extents((first, current, last), *corner) == pytest.approx([9], rel=0.05)  # mirrored: three by three
    assert drifts((first, current, last), *corner) == pytest.approx([2])


def test_points_and_great_lights_at_the_border_may_be_what_enters():
    ground = np.full((60, 80), 80, np.uint8)
    current = ground.copy()
    points = [(0, 30), (79, 30), (30, 1), (30, 58), (2, 10), (40, 40)]
    for x, y in points:
        current[y, x] = 130
    current[57:60, 50:53] = 110  # three by three
    current[57:60, 20:23] = 180
    spots = [Candidate(x, y, 50.0, 1, 0.0, 1.0) for x, y in points]
    spots += [Candidate(51, 58, 30.0, 9, 0.0, 1.0), Candidate(21, 58, 100.0, 9, 0.0, 1.0)]
    assert entering((ground, current, ground), spots).tolist() == [True] * 4 + [False] * 3 + [True]
    assert entering((ground, current, ground), []).shape == (0,)


def test_soft_spots_on_changing_light_are_doubted_most_and_not_without_end():
    def doubt(spot, drift):
        (value,) = doubts(DECISION, greys(spot, drift=drift), [Candidate(30, 20, 40.0, 1, 0.0, 1.0)])
        return value

    assert doubt(SHARP, 0) == pytest.approx(0)
    assert doubt(SOFT, 0) == pytest.approx(2 * np.log(3))
    assert doubt(SHARP, 2) == pytest.approx(1.5 * np.log(3))
    assert doubt(np.full((5, 5), 40.0), 40) == pytest.approx(2 * np.log(12) + 1.5 * np.log(4))
    assert doubts(DECISION, greys(SOFT), []).shape == (0,)


def test_colour_gives_back_what_restless_ground_takes_away_and_no_more():
    colour = np.array([500.0, 9.0, 0.0, 500.0, np.nan])
    got = restless_odds(DECISION, DOUBT, colour)
    assert got == pytest.approx([0, 0, -2.5, 1.4 * np.log(26) - 5, 1.4 * np.log(4) - 9])
    assert restless_odds(DECISION, DOUBT[4:]) == pytest.approx(got[4:])
    assert (restless_odds(DECISION, np.zeros(3)) == 0).all()


def test_more_colour_than_height_speaks_for_no_hit():
    spots = [Candidate(30, 20, height, 1, 0.0, 1.0) for height in (40.0, 18.0, 18.0)]
    taken = credible(np.array([39.0, 34.0, np.nan]), spots)
    np.testing.assert_array_equal(taken, [39, 0, np.nan])


@pytest.mark.parametrize("doubt", DOUBT)
def test_colour_is_asked_for_only_where_the_decision_hangs_on_it(doubt):
    odds = np.linspace(-4, 9, 131)
    doubted = np.full(131, doubt)
    asked = colour_decides(DECISION, odds, doubted)
    without, with_most = (odds + restless_odds(DECISION, doubted, np.full(131, one)) for one in (0.0, 25.0))
    unknown = odds + restless_odds(DECISION, doubted)
    assert (asked == ((without < 0) & (with_most >= 0))).all()
    assert asked.any() == (doubt > 0)
    assert ((unknown >= 0) == (without >= 0))[~asked].all()
    assert not colour_decides(Decision(threshold=0.5), odds, doubted).any()
