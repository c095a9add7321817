import numpy as np
import pytest

from edge.simulation.background import BackgroundModel
from edge.simulation.hit_train import SIZE


@pytest.mark.parametrize("dispersion", [1.0, 1.5, 4.0])
@pytest.mark.parametrize("rate_hz", [0.05, 2.0])
def test_background_has_its_rate_and_dispersion(rate_hz, dispersion):
    hits = BackgroundModel(rate_hz, dispersion, cell_s=10.0).draw(np.random.default_rng(1), 500.0, 400_000.0, 0.5)
    counts = np.bincount(((hits.times_s - 500) // 10).astype(int), minlength=40_000)
    assert counts.mean() == pytest.approx(rate_hz * 10 * 0.5, rel=0.05)
    assert counts.var() / counts.mean() == pytest.approx(dispersion, rel=0.1)


def test_background_swings_with_the_day():
    hits = BackgroundModel(1.0, day_swing=0.9).draw(np.random.default_rng(2), 0.0, 86400.0)
    by_hour = np.bincount((hits.times_s // 3600).astype(int), minlength=24)
    assert by_hour[6] == pytest.approx(1.9 * 3600, rel=0.05)
    assert by_hour[18] == pytest.approx(0.1 * 3600, rel=0.2)


def test_background_lies_in_the_picture_and_in_order():
    hits = BackgroundModel(5.0).draw(np.random.default_rng(3), 10.0, 1000.0)
    assert (np.diff(hits.times_s) >= 0).all()
    assert (hits.places >= 0).all()
    assert (hits.places < SIZE).all()
    assert hits.places.max(axis=0) == pytest.approx(np.array(SIZE), rel=0.01)
