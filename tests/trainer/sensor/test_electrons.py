"""Tracks conserve energy and charge, obey stopping power, and are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.camera import OV2710, change
from trainer.sensor.charge import charge_maps, collected_electrons
from trainer.sensor.electrons import Deposits, draw_cosines, straight_tracks, transport
from trainer.sensor.interactions import Electrons, compton_edge_kev, draw_vertices, interactions_per_photon, rotated
from trainer.sensor.photons import Spectrum
from trainer.sensor.stopping import MUON_MASS_KEV, collision_stopping_mev_cm2_g, csda_range_um, transport_path_um

LINE = Spectrum("140.5 keV", np.array([140.5]), np.array([1.0]))


def beam(count: int, energy_kev: float) -> Electrons:
    start = np.zeros((count, 3))
    return Electrons(np.arange(count), np.full(count, energy_kev), start, np.tile([0.0, 0.0, 1.0], (count, 1)))


@pytest.mark.parametrize(
    ("energy_kev", "estar"),
    [(10.0, 16.89), (20.0, 10.10), (50.0, 5.175), (100.0, 3.265), (500.0, 1.638), (1000.0, 1.507)],
)
def test_collision_stopping_is_estars(energy_kev: float, estar: float) -> None:
    assert collision_stopping_mev_cm2_g(np.array([energy_kev]))[0] == pytest.approx(estar, rel=0.01)


def test_range_and_transport_path_grow_with_energy() -> None:
    energy = np.geomspace(1.0, 2000, 60)
    assert (np.diff(csda_range_um(energy)) > 0).all()
    assert (np.diff(transport_path_um(energy)) > 0).all()


@settings(max_examples=15, deadline=None)
@given(energy_kev=st.floats(1.0, 150.0), seed=st.integers(0, 2**31))
def test_in_boundless_silicon_every_electron_leaves_all_its_energy(energy_kev: float, seed: int) -> None:
    left = transport(beam(40, energy_kev), (-1e5, 1e5), np.random.default_rng(seed))
    assert np.bincount(left.hit, left.energy_kev, 40) == pytest.approx(np.full(40, energy_kev), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(energy_kev=st.floats(2.0, 150.0), seed=st.integers(0, 2**31))
def test_no_electron_leaves_more_than_it_has_nor_goes_further_than_its_range(energy_kev: float, seed: int) -> None:
    left = transport(beam(40, energy_kev), (-5.0, 5.0), np.random.default_rng(seed), (-50.0, 50.0))
    assert (np.bincount(left.hit, left.energy_kev, 40) <= energy_kev * (1 + 1e-9)).all()
    reach = 2.0 * csda_range_um(np.array([energy_kev]))[0] + 1.0  # straggling lets some go beyond
    assert (np.linalg.norm(left.position_um, axis=1) < reach).all()


def test_the_share_scattered_back_is_near_the_measured_one() -> None:
    count = 1500
    left = transport(beam(count, 40.0), (0.0, 1e4), np.random.default_rng(1), (-1e-9, 1e5))
    share = (np.bincount(left.hit, left.energy_kev, count) < 38.0).mean()
    assert 0.11 < share < 0.22  # measured 0.17


def test_scattering_cosines_have_the_mean_that_is_asked_for() -> None:
    for mean, within in ((0.001, 0.12), (0.05, 0.03), (0.5, 0.03)):
        drawn = draw_cosines(np.full(400_000, mean), np.random.default_rng(2))
        assert 1 - drawn.mean() == pytest.approx(mean, rel=within)
        assert (np.abs(drawn) <= 1).all()


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_turning_keeps_unit_vectors_and_the_angle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.standard_normal((50, 3))
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    before[0] = [0, 0, 1]
    before[1] = [0, 0, -1]
    cosine = rng.uniform(-1, 1, 50)
    after = rotated(before, cosine, rng.uniform(0, 2 * np.pi, 50))
    assert np.linalg.norm(after, axis=1) == pytest.approx(np.ones(50))
    assert (before * after).sum(axis=1) == pytest.approx(cosine, abs=1e-6)


def test_compton_electrons_end_at_the_edge() -> None:
    drawn = draw_vertices(OV2710, LINE, 20_000, np.random.default_rng(3))
    scattered = drawn.electrons.energy_kev[~drawn.photoelectric]
    assert compton_edge_kev(140.5) == pytest.approx(49.9, abs=0.1)
    assert scattered.max() <= compton_edge_kev(140.5) * (1 + 1e-6)
    assert drawn.photoelectric.mean() == pytest.approx(0.0084 / (0.0084 + 0.133), rel=0.1)


def test_interactions_follow_the_thickness() -> None:
    thin, thick = (
        interactions_per_photon(change(OV2710, epi_um=t, cover_um=0, window_um=0, substrate_um=0), LINE).sum()
        for t in (5.0, 10.0)
    )
    assert thick == pytest.approx(2 * thin)
    assert thin == pytest.approx((0.0084 + 0.1331) * 2.329 * 5e-4, rel=0.01)


def test_a_fast_muons_most_probable_loss_in_300_um_is_about_84_kev() -> None:
    losses = straight_tracks(beam(1500, 4e6), MUON_MASS_KEV, (0.0, 300.0), np.random.default_rng(4), 30.0)
    total = np.bincount(losses.hit, losses.energy_kev, 1500)
    count, edges = np.histogram(total, np.arange(40, 200, 8))
    assert edges[count.argmax()] + 4 == pytest.approx(84, abs=10)
    assert np.median(total) < total.mean()  # the tail that Landau's law has


@settings(max_examples=20, deadline=None)
@given(
    energies=st.lists(st.floats(0.05, 60.0), min_size=1, max_size=8),
    depth=st.floats(0.0, 4.9),
    seed=st.integers(0, 2**31),
)
def test_charge_is_energy_over_3_65_ev_and_none_is_lost_on_the_way_to_the_pixels(
    energies: list[float], depth: float, seed: int
) -> None:
    count = len(energies)
    position = np.tile([1.0, -2.0, depth], (count, 1))
    deposits = Deposits(np.zeros(count, np.int64), position, np.array(energies))
    electrons = collected_electrons(OV2710, deposits, np.random.default_rng(seed))
    pairs = sum(energies) * 1000 / 3.65
    assert electrons.sum() == pytest.approx(pairs, abs=6 * np.sqrt(0.115 * pairs) + count)
    made = charge_maps(OV2710, deposits, np.random.default_rng(seed))
    assert made.maps[0].sum() == electrons.sum()  # whole electrons, each in one pixel
    assert (made.maps[0] == np.rint(made.maps[0])).all()


def test_charge_deep_in_the_substrate_is_lost() -> None:
    deep = Deposits(np.zeros(1, np.int64), np.array([[0.0, 0.0, 60.0]]), np.array([50.0]))
    assert collected_electrons(OV2710, deep, np.random.default_rng(1)).sum() == 0
