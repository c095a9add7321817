from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.detect.compact import compact_excess, compact_peaks
from edge.detect.describe import compact_candidates
from edge.detect.fast_path import find_candidates
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair


def passing_car(seed=1, hit_dn=0):
    """A bright thing that moves 20 pixels a frame over noisy ground, and a hit on ground that it has just left."""
    rng = np.random.default_rng(seed)
    greys = []
    for number in range(3):
        grey = np.full((240, 320), 70.0)
        grey[60:180, 40 + 20 * number : 160 + 20 * number] = 180
        greys.append(grey)
    greys[1][100:102, 50:52] += hit_dn
    return tuple(np.clip(grey + rng.normal(0, 2, grey.shape), 0, 255).astype(np.uint8) for grey in greys)


def near(found, x, y):
    return [candidate for candidate in found.candidates if abs(candidate.x - x) <= 2 and abs(candidate.y - y) <= 2]


@pytest.mark.parametrize("hit_dn", [40, 90])
def test_hit_beside_a_brighter_neighbour_is_proposed(hit_dn):
    greys = passing_car(hit_dn=hit_dn)
    still = np.full_like(greys[0], 70)
    noisy = np.clip(still + np.random.default_rng(2).normal(0, 2, still.shape), 0, 255).astype(np.uint8)
    noise = noise_of_pair(noisy, still, CandidateRules())
    assert int(greys[0][100, 50]) > int(greys[1][100, 50]), "the car was there: no spike"
    found = near(find_candidates(greys, CandidateRules(), noise), 50, 100)
    assert len(found) == 1
    assert found[0].spike_dn == pytest.approx(hit_dn, abs=20)


def test_moving_spot_has_no_excess():
    greys = np.full((3, 60, 60), 80, np.uint8)
    for number in range(3):
        greys[number, 30:32, 20 + 3 * number : 22 + 3 * number] = 200
    assert not compact_excess(tuple(greys))[28:34, 20:30].any()


def test_peaks_do_not_depend_on_the_tiles():
    rng = np.random.default_rng(3)
    greys = tuple(np.clip(80 + rng.normal(0, 3, (3, 150, 200)), 0, 255).astype(np.uint8))
    greys[1][rng.integers(0, 150, 90), rng.integers(0, 200, 90)] = 160
    floor = np.full((150, 200), 20, np.uint8)
    every = np.ones((3, 4), bool)
    places, heights = compact_peaks(greys, floor, every, 64)
    whole = dict(zip(places.tolist(), heights.tolist(), strict=True))
    assert len(whole) > 40
    for row, column in np.ndindex(3, 4):
        one = np.zeros_like(every)
        one[row, column] = True
        for place, height in zip(*compact_peaks(greys, floor, one, 64), strict=True):
            y, x = divmod(int(place), 200)
            assert (y // 64, x // 64) == (row, column)
            assert whole[int(place)] == height


def test_peaks_of_no_tile_are_none():
    greys = tuple(np.zeros((3, 64, 64), np.uint8))
    places, heights = compact_peaks(greys, greys[0], np.zeros((1, 1), bool), 64)
    assert (places.size, heights.size) == (0, 0)


@pytest.mark.parametrize("size", [(150, 200), (64, 700), (300, 64)], ids=str)
def test_peaks_are_those_of_the_whole_picture(size):
    rng = np.random.default_rng(4)
    greys = rng.integers(0, 256, (3, *size), dtype=np.uint8)
    floor = np.full(size, 20, np.uint8)
    excess = compact_excess(tuple(greys))
    highest = (excess > floor) & (excess == cv2.dilate(excess, np.ones((9, 9), np.uint8)))
    places, heights = compact_peaks(tuple(greys), floor, np.ones((-(-size[0] // 64), -(-size[1] // 64)), bool), 64)
    np.testing.assert_array_equal(np.sort(places), np.flatnonzero(highest))
    np.testing.assert_array_equal(heights, excess.ravel()[places])


def test_peaks_of_more_tiles_than_are_laid_side_by_side_are_all_found():
    rng = np.random.default_rng(5)
    greys = np.full((3, 200, 4000), 80, np.uint8)
    ys, xs = rng.integers(0, 200, 40), np.arange(40) * 100 + 20
    greys[1, ys, xs] = 160
    places, heights = compact_peaks(tuple(greys), np.full(greys.shape[1:], 20, np.uint8), np.ones((4, 63), bool), 64)
    assert sorted(places.tolist()) == sorted((ys * 4000 + xs).tolist())
    assert (heights == 80).all()


def test_candidates_at_the_border_are_described_by_what_lies_inside():
    rng = np.random.default_rng(6)
    greys = np.clip(80 + rng.normal(0, 2, (3, 70, 90)), 0, 255).astype(np.uint8)
    spots = {(0, 0), (89, 0), (0, 69), (89, 69), (1, 30), (45, 68), (45, 30)}
    for x, y in spots:
        greys[1, y, x] = 170
    greys[2] = cv2.add(greys[2], 100)  # brighter, so that nothing is a spike
    noise = noise_of_pair(greys[0], greys[0], CandidateRules())
    found = compact_candidates(tuple(greys), np.ones((9, 12), bool), (), noise)
    assert {(candidate.x, candidate.y) for candidate in found} == spots
    for candidate in found:
        x, y = candidate.x, candidate.y
        inside = (slice(max(y - 4, 0), y + 5), slice(max(x - 4, 0), x + 5))
        assert candidate.pixels == 1
        assert candidate.motion_dn == pytest.approx(cv2.absdiff(greys[0], greys[2])[inside].mean())
    other = [candidate for candidate in found if (candidate.x, candidate.y) == (45, 30)]
    near = (replace(other[0], x=47, y=32),)
    assert len(compact_candidates(tuple(greys), np.ones((9, 12), bool), near, noise)) == len(spots) - 1
