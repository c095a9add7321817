import numpy as np
import pytest

from trainer.sensor.alphas import alpha_library
from trainer.sensor.camera import OV2710, change

SMALL_PIXELS = change(OV2710, pixel_um=1.4)


def test_alpha_discs_are_as_wide_as_those_of_a_real_camera() -> None:
    """Of 190 discs of an OV5647 beside Am-241 nearly all have 30 to 50 pixels."""
    alphas = alpha_library(SMALL_PIXELS, 400)
    full = [int((charge > OV2710.full_well_e / 2).sum()) for charge in alphas.maps]
    strong = [pixels for pixels, kev in zip(full, alphas.energy_kev, strict=True) if kev > 2000]
    assert 25 < np.median(strong) < 60


def test_alpha_charge_is_that_of_its_energy() -> None:
    alphas = alpha_library(OV2710, 100)
    for charge, kev in zip(alphas.maps, alphas.energy_kev, strict=True):
        assert charge.sum() == pytest.approx(1e3 * kev / OV2710.pair_ev, rel=0.05)
        assert charge.argmax() in range(charge.size)
        assert (charge[0] > 0).any()
