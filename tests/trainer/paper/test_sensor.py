import numpy as np
import pytest

from trainer.filming.exposure import PlacedCharge
from trainer.paper.sensor import blotch_rise, box_of, draw_window, hits_of, positive_poisson, sensor_of, window_of


def test_sensor_blotches_are_bright_pixels_of_its_pattern(conditions) -> None:
    sensor = sensor_of(conditions)
    usual = np.median(sensor.pattern.dark_e_s)
    at = {tuple(place) for place in sensor.pattern.telegraph_at.tolist()}
    assert len(sensor.blotches) > 5
    for row, column in sensor.blotches.tolist():
        near = sensor.pattern.dark_e_s[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        beside = any((row + dy, column + dx) in at for dy in (-1, 0, 1) for dx in (-1, 0, 1))
        assert near.max() > 4 * usual or beside


def test_window_holds_the_blotch_that_it_is_cut_around(conditions) -> None:
    sensor, rng = sensor_of(conditions), np.random.default_rng(1)
    known = {(int(column), int(row)) for row, column in sensor.blotches}
    for _ in range(50):
        window = draw_window(sensor, 64, rng, selected=True)
        x, y = window.blotches[0]
        assert (window.column + window.crop_column + x, window.row + window.crop_row + y) in known
        assert max(x, y) < 64
        assert min(x, y) >= 0
        assert window.row % 2 == window.column % 2 == 0


def test_window_of_keeps_the_faults_at_their_places(conditions) -> None:
    pattern = sensor_of(conditions).pattern
    window = window_of(pattern, 40, 60, 96)
    np.testing.assert_array_equal(window.dark_e_s, pattern.dark_e_s[40:136, 60:156])
    assert {(int(y) + 40, int(x) + 60) for y, x in window.telegraph_at} <= {
        (int(y), int(x)) for y, x in pattern.telegraph_at
    }


def test_hits_stand_out_and_are_as_many_as_the_dose_gives(conditions) -> None:
    hits, rng = hits_of(conditions), np.random.default_rng(2)
    mean = hits.per_pixel * 64**2 * len(hits.visible) / len(hits.library)
    counts = [len(hits.draw(64, rng)) for _ in range(400)]
    others = hits.per_pixel * 64**2 * len(hits.faint) / len(hits.library)
    assert min(counts) >= 1
    assert np.mean(counts) == pytest.approx(mean / -np.expm1(-mean) + others, rel=0.05)
    assert blotch_rise(hits.library.maps[int(hits.visible[0])], conditions.covered) >= conditions.blotch_dn


@pytest.mark.parametrize("mean", [1e-6, 0.3, 3.0])
def test_positive_poisson_has_its_mean_and_no_zero(mean: float) -> None:
    rng = np.random.default_rng(3)
    drawn = np.array([positive_poisson(mean, rng) for _ in range(4000)])
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(mean / -np.expm1(-mean), rel=0.05)


def test_blotch_rise_grows_with_gain_and_charge(conditions) -> None:
    weak, strong = np.float32([[60]]), np.float32([[180]])
    covered = conditions.covered
    low = conditions.with_gain(4.0).covered
    assert blotch_rise(weak, covered) < blotch_rise(strong, covered)
    assert blotch_rise(strong, low) < blotch_rise(strong, covered)


def test_box_of_ends_at_the_border() -> None:
    charge = np.zeros((5, 5), np.float32)
    charge[1:4, 2] = 100
    assert box_of(PlacedCharge(10, 20, charge), 64) == [12, 21, 12, 23]
    assert box_of(PlacedCharge(-2, 61, charge), 64) == [0, 62, 0, 63]
    assert box_of(PlacedCharge(70, 20, charge), 64) is None
