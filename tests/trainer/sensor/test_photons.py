"""Dose rate and fluence are two sides of ICRP 74; sources fall off with distance, shields take their part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer
from trainer.sensor.nuclides import load_nuclide
from trainer.sensor.photons import (
    ICRP74_KEV,
    ICRP74_PSV_CM2,
    Spectrum,
    dose_per_fluence_psv_cm2,
    dose_rate_usv_h,
    fluence_rate_cm2_s,
    point_source_fluence_rate_cm2_s,
    source_spectrum,
)


def test_dose_per_fluence_reproduces_icrp_74() -> None:
    assert dose_per_fluence_psv_cm2(ICRP74_KEV) == pytest.approx(ICRP74_PSV_CM2)


def test_fluence_rate_of_a_microsievert_per_hour() -> None:
    line = Spectrum("line", np.array([140.5]), np.array([1.0]))
    assert fluence_rate_cm2_s(line, 1.0) == pytest.approx(333, rel=0.02)


@settings(deadline=None)
@given(
    dose=st.floats(1e-3, 1e6),
    energies=st.lists(st.floats(12, 9000), min_size=1, max_size=6, unique=True),
)
def test_dose_rate_inverts_fluence_rate(dose: float, energies: list[float]) -> None:
    count = len(energies)
    field = Spectrum("any", np.sort(np.array(energies)), np.full(count, 1 / count))
    assert dose_rate_usv_h(field, fluence_rate_cm2_s(field, dose)) == pytest.approx(dose)


@pytest.mark.parametrize("dose", [-1.0, float("nan"), float("inf"), 1e9])
def test_fluence_rate_refuses_impossible_dose_rates(dose: float) -> None:
    with pytest.raises(SensorError, match="dose rate"):
        fluence_rate_cm2_s(source_spectrum("Tc-99m"), dose)


def test_point_source_dose_rate_of_the_papers_source() -> None:
    nuclide = load_nuclide("Tc-99m")
    fluence = point_source_fluence_rate_cm2_s(nuclide, 7e8, 0.1)
    assert dose_rate_usv_h(source_spectrum("Tc-99m"), fluence) == pytest.approx(1500, rel=0.1)


def test_point_source_falls_with_distance_squared() -> None:
    nuclide = load_nuclide("Cs-137")
    near, far = (point_source_fluence_rate_cm2_s(nuclide, 1e6, metres) for metres in (1.0, 2.0))
    assert far / near == pytest.approx(0.25, rel=0.02)
    assert far / near < 0.25


@pytest.mark.parametrize(("activity", "distance"), [(1e6, 0.0), (1e6, -1.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_point_source_refuses_impossible_figures(activity: float, distance: float) -> None:
    with pytest.raises(SensorError):
        point_source_fluence_rate_cm2_s(load_nuclide("Tc-99m"), activity, distance)


def test_spectrum_behind_lead_is_harder() -> None:
    bare = source_spectrum("I-131")
    behind, share = bare.behind((Layer("lead", 2.0),))
    assert 0 < share < 0.9
    assert behind.weights @ behind.energies_kev > bare.weights @ bare.energies_kev
    assert behind.weights.sum() == pytest.approx(1.0)
