"""Charge is energy over 3.65 eV, and none is lost on the way to the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.charge import charge_maps, collected_electrons
from trainer.sensor.diffusion import first_passage_um2
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
    lost = electrons.sum() - made.maps[0].sum()  # single electrons far from the rest
    assert 0 <= lost <= 3 * (made.maps[0].shape[0] + made.maps[0].shape[1] + 4) * count
    assert lost <= 0.1 * electrons.sum() + 3 * count
    assert (made.maps[0] == np.rint(made.maps[0])).all()


def test_collected_electrons_loses_deep_charge() -> None:
    deep = Deposits(np.zeros(1, np.int64), np.array([[0.0, 0.0, 60.0]]), np.array([50.0]))
    assert collected_electrons(OV2710, deep, np.random.default_rng(1)).sum() == 0


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        pytest.param(change(OV2710, diffusion_um=0.0), 0.74, id="gaussian"),
        pytest.param(change(OV2710, diffusion_um=0.0, charge_spread="first_passage"), 0.46, id="first_passage"),
    ],
)
def test_charge_maps_share_of_the_own_pixel(camera: Camera, expected: float) -> None:
    """Charge from 0.75 µm below the depleted part: the own pixel is the one above, anywhere in it."""
    depth = camera.depletion_um + 0.75
    rng = np.random.default_rng(4)
    hits = 1500
    position = np.tile([0.0, 0.0, depth], (hits, 1))
    made = charge_maps(camera, Deposits(np.arange(hits), position, np.full(hits, 3.65)), rng)
    shares = [charge.max() / 1000 for charge in made.maps]  # the own pixel is the brightest but near its border
    assert np.mean(shares) == pytest.approx(expected, abs=0.03)


def test_first_passage_has_the_mean_of_its_theory_and_heavy_tails() -> None:
    drawn = first_passage_um2(np.full(200_000, 0.75), 3.0, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(0.75 * (2 * 3.0 - 0.75), rel=0.03)
    assert np.quantile(drawn, 0.5) < 0.4 * drawn.mean()
    assert (first_passage_um2(np.zeros(5), 3.0, np.random.default_rng(1)) == 0).all()


def test_charge_of_the_substrate_spreads_the_further_the_deeper() -> None:
    camera = change(OV2710, charge_spread="first_passage", substrate_diffusion_um=5.0)
    widths = []
    for depth in (1.0, 4.0, 8.0):
        deposits = Deposits(np.arange(60), np.tile([0.0, 0.0, depth], (60, 1)), np.full(60, 20.0))
        made = charge_maps(camera, deposits, np.random.default_rng(2))
        widths.append(np.mean([charge.shape[0] for charge in made.maps]))
    assert widths == sorted(widths)
    assert widths[2] > widths[0] + 2
