import itertools

import pytest

from edge.capture.stamps import CameraStamps


def seconds_of(stamps, arrivals):
    camera = CameraStamps()
    return [camera.seconds(stamp, arrived_s=arrived_s) for stamp, arrived_s in zip(stamps, arrivals, strict=True)]


ARRIVALS = [number / 25 for number in range(200)]


@pytest.mark.parametrize("unit", [1, 1000, 1e6])
def test_stamps_count_in_the_unit_that_fits(unit):
    known = seconds_of([(1.7e9 + s) * unit for s in ARRIVALS], ARRIVALS)
    assert known[:50] == [None] * 50
    assert [b - a for a, b in itertools.pairwise(known[60:])] == pytest.approx([0.04] * 139, abs=1e-5)


def test_stamps_of_lost_pictures_jump():
    kept = [number for number in range(200) if number not in {120, 121}]
    known = seconds_of([ARRIVALS[number] for number in kept], [ARRIVALS[number] for number in kept])
    assert known[120] - known[119] == pytest.approx(0.12)


@pytest.mark.parametrize(
    "stamps",
    [[0.0] * 200, list(range(200)), [int(s) for s in ARRIVALS], [90_000 * s for s in ARRIVALS], [None] * 200],
    ids=["still", "numbers", "seconds", "ticks", "none"],
)
def test_stamps_that_are_no_times_are_not_used(stamps):
    assert set(seconds_of(stamps, ARRIVALS)) == {None}


def test_stamps_are_learnt_anew_when_the_camera_starts_again():
    known = seconds_of([s if s < 3 else s - 3 for s in ARRIVALS], ARRIVALS)
    assert known[74] == pytest.approx(2.96)
    assert known[75] is None
    assert known[199] == pytest.approx(4.96)
