"""Dose rate and fluence are two sides of ICRP 74; sources fall off with distance, shields take their part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer, parse_layer, transmission
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
from trainer.sensor.tube import tube_spectrum


def test_the_table_of_icrp_74_comes_back_at_its_own_energies() -> None:
    assert dose_per_fluence_psv_cm2(ICRP74_KEV) == pytest.approx(ICRP74_PSV_CM2)


def test_a_usv_per_hour_of_140_5_kev_is_about_333_photons() -> None:
    line = Spectrum("line", np.array([140.5]), np.array([1.0]))
    assert fluence_rate_cm2_s(line, 1.0) == pytest.approx(333, rel=0.02)


@settings(deadline=None)
@given(
    dose=st.floats(1e-3, 1e6),
    energies=st.lists(st.floats(12, 9000), min_size=1, max_size=6, unique=True),
)
def test_dose_rate_to_fluence_and_back(dose: float, energies: list[float]) -> None:
    count = len(energies)
    field = Spectrum("any", np.sort(np.array(energies)), np.full(count, 1 / count))
    assert dose_rate_usv_h(field, fluence_rate_cm2_s(field, dose)) == pytest.approx(dose)


@pytest.mark.parametrize("dose", [-1.0, float("nan"), float("inf"), 1e9])
def test_impossible_dose_rates_are_refused(dose: float) -> None:
    with pytest.raises(SensorError, match="dose rate"):
        fluence_rate_cm2_s(source_spectrum("Tc-99m"), dose)


def test_the_papers_source_gives_about_1_5_msv_per_hour_at_10_cm() -> None:
    nuclide = load_nuclide("Tc-99m")
    fluence = point_source_fluence_rate_cm2_s(nuclide, 7e8, 0.1)
    assert dose_rate_usv_h(source_spectrum("Tc-99m"), fluence) == pytest.approx(1500, rel=0.1)


def test_twice_as_far_is_a_quarter_but_for_the_air() -> None:
    nuclide = load_nuclide("Cs-137")
    near, far = (point_source_fluence_rate_cm2_s(nuclide, 1e6, metres) for metres in (1.0, 2.0))
    assert far / near == pytest.approx(0.25, rel=0.02)
    assert far / near < 0.25


@pytest.mark.parametrize(("activity", "distance"), [(1e6, 0.0), (1e6, -1.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_impossible_sources_are_refused(activity: float, distance: float) -> None:
    with pytest.raises(SensorError):
        point_source_fluence_rate_cm2_s(load_nuclide("Tc-99m"), activity, distance)


def test_lead_hardens_and_thins_a_spectrum() -> None:
    bare = source_spectrum("I-131")
    behind, share = bare.behind((Layer("lead", 2.0),))
    assert 0 < share < 0.9
    assert behind.weights @ behind.energies_kev > bare.weights @ bare.energies_kev
    assert behind.weights.sum() == pytest.approx(1.0)


@settings(deadline=None)
@given(first=st.floats(0, 20), second=st.floats(0, 20))
def test_layers_multiply(first: float, second: float) -> None:
    energies = np.array([30.0, 140.5, 661.7, 1332.0])
    apart = transmission((Layer("aluminium", first),), energies) * transmission((Layer("aluminium", second),), energies)
    assert transmission((Layer("aluminium", first), Layer("aluminium", second)), energies) == pytest.approx(apart)


@pytest.mark.parametrize("text", ["lead", "lead:", "unobtainium:2", "lead:-1", "lead:nan", ":3"])
def test_bad_shields_are_refused(text: str) -> None:
    with pytest.raises(SensorError):
        parse_layer(text)


def test_a_tube_ends_at_its_voltage_and_aluminium_hardens_it() -> None:
    soft, hard = tube_spectrum(100.0), tube_spectrum(100.0, (Layer("aluminium", 20.0),))
    assert soft.energies_kev.max() < 100
    assert soft.weights.sum() == pytest.approx(1.0)
    assert hard.weights @ hard.energies_kev > soft.weights @ soft.energies_kev + 5


@pytest.mark.parametrize("kilovolt", [0.0, 19.0, 500.0, float("nan")])
def test_tubes_outside_the_model_are_refused(kilovolt: float) -> None:
    with pytest.raises(SensorError, match="kV"):
        tube_spectrum(kilovolt)
