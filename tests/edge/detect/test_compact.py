import numpy as np
import pytest

from edge.detect.compact import compact_excess, compact_peaks
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
