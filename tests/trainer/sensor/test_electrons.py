"""Tracks conserve energy and charge, obey stopping power, and are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.electrons import draw_cosines, straight_tracks, transport
from trainer.sensor.interactions import Electrons
from trainer.sensor.photons import Spectrum
from trainer.sensor.stopping import MUON_MASS_KEV, csda_range_um

LINE = Spectrum("140.5 keV", np.array([140.5]), np.array([1.0]))


def beam(count: int, energy_kev: float) -> Electrons:
    start = np.zeros((count, 3))
    return Electrons(np.arange(count), np.full(count, energy_kev), start, np.tile([0.0, 0.0, 1.0], (count, 1)))


@settings(max_examples=15, deadline=None)
@given(energy_kev=st.floats(1.0, 150.0), seed=st.integers(0, 2**31))
def test_transport_in_boundless_silicon_conserves_energy(energy_kev: float, seed: int) -> None:
    left = transport(beam(40, energy_kev), (-1e5, 1e5), np.random.default_rng(seed))
    assert np.bincount(left.hit, left.energy_kev, 40) == pytest.approx(np.full(40, energy_kev), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(energy_kev=st.floats(2.0, 150.0), seed=st.integers(0, 2**31))
def test_transport_keeps_within_energy_and_range(energy_kev: float, seed: int) -> None:
    left = transport(beam(40, energy_kev), (-5.0, 5.0), np.random.default_rng(seed), (-50.0, 50.0))
    assert (np.bincount(left.hit, left.energy_kev, 40) <= energy_kev * (1 + 1e-9)).all()
    reach = 2.0 * csda_range_um(np.array([energy_kev]))[0] + 1.0  # straggling lets some go beyond
    assert (np.linalg.norm(left.position_um, axis=1) < reach).all()


def test_transport_scatters_back_the_measured_share() -> None:
    count = 1500
    left = transport(beam(count, 40.0), (0.0, 1e4), np.random.default_rng(1), (-1e-9, 1e5))
    share = (np.bincount(left.hit, left.energy_kev, count) < 38.0).mean()
    assert 0.11 < share < 0.22  # measured 0.17


def test_draw_cosines_has_the_mean_asked_for() -> None:
    for mean, within in ((0.001, 0.12), (0.05, 0.03), (0.5, 0.03)):
        drawn = draw_cosines(np.full(400_000, mean), np.random.default_rng(2))
        assert 1 - drawn.mean() == pytest.approx(mean, rel=within)
        assert (np.abs(drawn) <= 1).all()


def test_straight_tracks_has_the_measured_muon_loss() -> None:
    losses = straight_tracks(beam(1500, 4e6), MUON_MASS_KEV, (0.0, 300.0), np.random.default_rng(4), 30.0)
    total = np.bincount(losses.hit, losses.energy_kev, 1500)
    count, edges = np.histogram(total, np.arange(40, 200, 8))
    assert edges[count.argmax()] + 4 == pytest.approx(84, abs=10)
    assert np.median(total) < total.mean()  # the tail that Landau's law has
