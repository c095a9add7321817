import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.camera import OV2710, change
from trainer.sensor.interactions import compton_edge_kev, draw_vertices, interactions_per_photon, rotated
from trainer.sensor.photons import Spectrum

LINE = Spectrum("140.5 keV", np.array([140.5]), np.array([1.0]))
NOTHING_AROUND = {"cover_um": 0, "window_um": 0, "substrate_um": 0, "housing_mm": 0, "board_mm": 0}


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_rotated_keeps_unit_vectors_and_the_angle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.standard_normal((50, 3))
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    before[0] = [0, 0, 1]
    before[1] = [0, 0, -1]
    cosine = rng.uniform(-1, 1, 50)
    after = rotated(before, cosine, rng.uniform(0, 2 * np.pi, 50))
    assert np.linalg.norm(after, axis=1) == pytest.approx(np.ones(50))
    assert (before * after).sum(axis=1) == pytest.approx(cosine, abs=1e-6)


def test_draw_vertices_ends_at_the_compton_edge() -> None:
    bare = change(OV2710, window_um=0, housing_mm=0)
    drawn = draw_vertices(bare, LINE, 20_000, np.random.default_rng(3))
    scattered = drawn.electrons.energy_kev[~drawn.photoelectric]
    assert compton_edge_kev(140.5) == pytest.approx(49.9, abs=0.1)
    assert scattered.max() <= compton_edge_kev(140.5) * (1 + 1e-6)
    assert drawn.photoelectric.mean() == pytest.approx(0.0084 / (0.0084 + 0.133), rel=0.1)


def test_interactions_per_photon_follow_the_thickness() -> None:
    thin, thick = (interactions_per_photon(change(OV2710, epi_um=t, **NOTHING_AROUND), LINE).sum() for t in (5.0, 10.0))
    assert thick == pytest.approx(2 * thin)
    assert thin == pytest.approx((0.0084 + 0.1331) * 2.329 * 5e-4, rel=0.01)


def test_draw_vertices_reach_as_far_as_electrons_do() -> None:
    """Electrons of a hard source come out of housing and board, those of a soft one from the silicon alone."""
    soft, hard = (
        draw_vertices(OV2710, Spectrum("line", np.array([kev]), np.array([1.0])), 4000, np.random.default_rng(1)).z_um
        for kev in (60.0, 1250.0)
    )
    assert -40 < soft.min() < soft.max() < 60
    assert hard.min() < -1500
    assert hard.max() > 1500


def test_glass_makes_fewer_photoelectrons_than_silicon() -> None:
    line = Spectrum("line", np.array([140.5]), np.array([1.0]))
    drawn = draw_vertices(change(OV2710, cover_um=0.0), line, 40_000, np.random.default_rng(1))
    glass = drawn.z_um < 0
    assert drawn.photoelectric[glass].mean() / drawn.photoelectric[~glass].mean() == pytest.approx(0.5, abs=0.1)
