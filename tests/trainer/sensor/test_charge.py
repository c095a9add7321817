"""Charge is energy over 3.65 eV, and none is lost on the way to the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.camera import OV2710
from trainer.sensor.charge import charge_maps, collected_electrons
from trainer.sensor.electrons import Deposits


@settings(max_examples=20, deadline=None)
@given(
    energies=st.lists(st.floats(0.05, 60.0), min_size=1, max_size=8),
    depth=st.floats(0.0, 4.9),
    seed=st.integers(0, 2**31),
)
def test_charge_maps_conserves_charge(energies: list[float], depth: float, seed: int) -> None:
    count = len(energies)
    position = np.tile([1.0, -2.0, depth], (count, 1))
    deposits = Deposits(np.zeros(count, np.int64), position, np.array(energies))
    electrons = collected_electrons(OV2710, deposits, np.random.default_rng(seed))
    pairs = sum(energies) * 1000 / 3.65
    assert electrons.sum() == pytest.approx(pairs, abs=6 * np.sqrt(0.115 * pairs) + count)
    made = charge_maps(OV2710, deposits, np.random.default_rng(seed))
    assert made.maps[0].sum() == electrons.sum()  # whole electrons, each in one pixel
    assert (made.maps[0] == np.rint(made.maps[0])).all()


def test_collected_electrons_loses_deep_charge() -> None:
    deep = Deposits(np.zeros(1, np.int64), np.array([[0.0, 0.0, 60.0]]), np.array([50.0]))
    assert collected_electrons(OV2710, deep, np.random.default_rng(1)).sum() == 0
