import numpy as np
import pytest

from trainer.judging.lighting import WHITE_DN, median_grey_dn, relighting


@pytest.mark.parametrize("median_dn", [12, 60, 185])
def test_relighting_reaches_the_median(median_dn):
    picture = np.random.default_rng(1).integers(20, 120, (60, 80, 1), dtype=np.uint8).repeat(3, axis=2)
    lit = relighting(picture, median_dn)[picture]
    assert median_grey_dn(lit) == pytest.approx(median_dn, abs=3)
    assert lit.max() <= WHITE_DN


def test_relighting_keeps_black_and_order():
    picture = np.full((8, 8, 3), 60, np.uint8)
    table = relighting(picture, 120).astype(int)
    assert table[0] == 0
    assert (np.diff(table) >= 0).all()
    assert table[60] == 120
