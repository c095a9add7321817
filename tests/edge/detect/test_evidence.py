from datetime import datetime, timezone

import numpy as np
import pytest

from edge.capture.frame import Frame
from edge.detect.evidence import Spots, context_of, drifts, entering, extents, motion_beyond_noise
from edge.detect.hit import Candidate
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair
from edge.detect.view import View


def greys(spot, *, drift=0.0, noise=0.0):
    """Three frames of ground at 80 that brightens by `drift` in all, the middle one with a spot added at (30, 20)."""
    rng = np.random.default_rng(4)
    ground = [np.full((60, 80), 80 + step * drift / 2) + rng.normal(0, noise or 1e-9, (60, 80)) for step in range(3)]
    height, width = spot.shape
    ground[1][20 - height // 2 :][:height, 30 - width // 2 :][:, :width] += spot
    return tuple(np.rint(picture).astype(np.uint8) for picture in ground)


def candidate(x=30, y=20, spike_dn=40.0, motion_dn=0.0):
    return Candidate(x, y, spike_dn, 1, motion_dn, 1.0)


SHARP, SOFT = np.full((1, 1), 40.0), np.array([[10, 20, 10], [20, 40, 20], [10, 20, 10.0]])
HERE = (np.array([30]), np.array([20]))


def test_extents_count_light_in_units_of_the_peak():
    assert extents(greys(SHARP), *HERE) == pytest.approx([1])
    assert extents(greys(SOFT), *HERE) == pytest.approx([3])  # its corners are not above a quarter
    assert extents(greys(np.full((3, 3), 30.0)), *HERE) == pytest.approx([9])
    assert extents(greys(np.zeros((1, 1))), *HERE) == pytest.approx([1]), "no spot at all"
    assert 1 <= extents(greys(SOFT, noise=3), *HERE)[0] < 5


@pytest.mark.parametrize("change", [2.0, -2.0])
def test_drifts_are_of_the_ground_and_not_of_the_spot(change):
    for spot in (SHARP, SOFT):
        assert drifts(greys(spot, drift=change), *HERE) == pytest.approx([2])
        assert drifts(greys(spot), *HERE) == pytest.approx([0])
        assert drifts(greys(spot, drift=change, noise=4), *HERE) == pytest.approx([2], abs=0.6)


def test_drifts_leave_out_the_trace_of_a_spot():
    first, current, last = greys(SOFT)
    last = last.copy()
    last[15:26, 25:36] += 60
    assert drifts((first, current, last), *HERE) == pytest.approx([0])
    last[26, 30] += 60
    assert drifts((first, current, last), *HERE) == pytest.approx([60 / (33 * 33 - 11 * 11)])


def test_extents_and_drifts_are_the_same_at_the_border():
    first, current, last = greys(np.zeros((1, 1)), drift=2.0)
    current = current.copy()
    current[:2, :2] = 120
    corner = (np.array([0]), np.array([0]))
    assert extents((first, current, last), *corner) == pytest.approx([9], rel=0.05)  # mirrored: three by three
    assert drifts((first, current, last), *corner) == pytest.approx([2])


def test_entering_are_points_and_great_lights_at_the_border():
    ground = np.full((60, 80), 80, np.uint8)
    current = ground.copy()
    points = [(0, 30), (79, 30), (30, 1), (30, 58), (2, 10), (40, 40)]
    for x, y in points:
        current[y, x] = 130
    current[57:60, 50:53] = 110  # three by three
    current[57:60, 20:23] = 180
    spots = [candidate(x, y, 50.0) for x, y in points]
    spots += [candidate(51, 58, 30.0), candidate(21, 58, 100.0)]
    assert entering((ground, current, ground), spots).tolist() == [True] * 4 + [False] * 3 + [True]
    assert entering((ground, current, ground), []).shape == (0,)


def test_motion_beyond_noise_is_0_on_ground_at_rest():
    first, _, last = greys(SHARP, noise=4)
    noise = noise_of_pair(first, last, CandidateRules())
    resting_dn = 1.5 * float(noise.sigma_dn[2, 3])
    spots = [candidate(motion_dn=resting_dn + 7.5), candidate(motion_dn=resting_dn / 2)]
    assert motion_beyond_noise(spots, noise).tolist() == [pytest.approx(7.5), 0]
    assert motion_beyond_noise([], noise).shape == (0,)


def test_spots_measure_only_the_chosen_ones(monkeypatch):
    pictures = greys(SOFT, drift=2.0)
    view = View(Frame(1, 0.04, datetime(2026, 1, 1, tzinfo=timezone.utc), pictures[1]), pictures)
    candidates = [candidate(60, 40), candidate(), candidate(10, 10)]
    spots = Spots(view, candidates)
    chosen = np.array([1])
    assert spots.extents(chosen) == pytest.approx([115 / 39])  # the drift takes a grey level from its peak
    assert spots.drifts(chosen) == pytest.approx([2])
    asked = []
    monkeypatch.setattr(
        "edge.detect.evidence.spot_colours", lambda _, some, __: asked.append(some) or np.array([9.0] * len(some))
    )
    assert spots.colours(chosen).tolist() == [9]
    assert asked == [[candidates[1]]]


def test_spots_of_more_colour_than_height_have_none(monkeypatch):
    colours = np.array([39.0, 34.0, np.nan])
    monkeypatch.setattr("edge.detect.evidence.spot_colours", lambda *_: colours)
    spots = Spots(View(None, None), [candidate(spike_dn=height) for height in (40.0, 18.0, 18.0)])
    np.testing.assert_array_equal(spots.colours(np.arange(3)), [39, 0, np.nan])


def test_context_of_no_candidates_is_empty():
    pictures = greys(SHARP)
    view = View(Frame(1, 0.04, datetime(2026, 1, 1, tzinfo=timezone.utc), pictures[1]), pictures)
    context = context_of(
        view,
        [],
        noise_of_pair(pictures[0], pictures[2], CandidateRules()),
        classifier_margin=np.zeros(0),
        screen_margin=None,
        stopped_per_frame=None,
        near_recent_motion=np.zeros(0, bool),
    )
    assert context.motion_dn.shape == context.entering.shape == (0,)
