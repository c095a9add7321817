import pytest

from edge.bench.method import Sighting
from edge.bench.scoring import score
from edge.truth import TrueHit


def at(x, y, value=0.9):
    return Sighting(x, y, x, y, value)


def hit(frame, x, y, added=60.0, reach=1):
    return TrueHit(frame, x, y, (x - reach, y - reach, x + reach, y + reach), added)


@pytest.mark.parametrize(
    ("sighted", "truth", "found", "false"),
    [
        ({1: [at(10, 10)]}, [hit(1, 10, 10)], 1, 0),
        ({1: [at(14, 10)]}, [hit(1, 10, 10)], 1, 0),  # 3 pixels from the box
        ({1: [at(15, 10)]}, [hit(1, 10, 10)], 0, 1),
        ({1: [at(10, 10), at(11, 10)]}, [hit(1, 10, 10)], 1, 1),  # a second one on the same hit is false
        ({1: [at(12, 10)]}, [hit(1, 10, 10, 20.0), hit(1, 14, 10)], 1, 0),  # the visible hit takes it
        ({1: [], 2: [at(10, 10)]}, [hit(1, 10, 10)], 0, 1),  # another frame's
        ({1: [Sighting(0, 0, 63, 63, 0.9)]}, [hit(1, 40, 40), hit(1, 20, 20)], 1, 0),  # a tile counts for one hit
        ({1: [Sighting(0, 0, 63, 63, 0.9), Sighting(32, 0, 95, 63, 0.9)]}, [hit(1, 40, 40)], 1, 0),  # two tiles hold it
        ({1: []}, [hit(5, 10, 10)], 0, 0),  # a frame that was not looked at
    ],
)
def test_score_matches_one_to_one_within_the_radius(sighted, truth, found, false):
    result = score(sighted, truth)
    assert (result.found, result.false) == (found, false)
    assert result.false_per_frame == false / len(sighted)


def test_score_ignores_faint_hits():
    result = score({1: [at(10, 10)]}, [hit(1, 10, 10, added=12.0)])
    assert (result.visible, result.found, result.false, result.recall) == (0, 0, 0, None)
