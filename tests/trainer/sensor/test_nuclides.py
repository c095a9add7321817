"""Nuclides come from ICRP 107, by any common spelling, with progeny; an unknown one is refused with suggestions."""

import pytest

from trainer.errors import SensorError, UnknownNuclideError
from trainer.sensor.nuclides import canonical_name, load_nuclide


@pytest.mark.parametrize("spelling", ["Tc-99m", "tc99m", "TC-99M", "99mTc", " Tc 99m"])
def test_canonical_name_accepts_common_spellings(spelling: str) -> None:
    assert canonical_name(spelling) == "Tc-99m"


@pytest.mark.parametrize(
    ("name", "line_kev", "photons_per_decay", "half_life_s"),
    [
        ("Tc-99m", 140.511, 0.8906, 6.015 * 3600),
        ("Cs-137", 661.657, 0.8471, 30.1671 * 365.2422 * 86400),  # of its daughter Ba-137m
        ("Co-60", 1332.5, 0.9998, 5.2713 * 365.2422 * 86400),
        ("Am-241", 59.54, 0.359, 432.2 * 365.2422 * 86400),
        ("I-131", 364.49, 0.817, 8.0207 * 86400),
        ("Ir-192", 316.5, 0.827, 73.827 * 86400),
    ],
)
def test_load_nuclide_reads_principal_line_and_half_life(
    name: str, line_kev: float, photons_per_decay: float, half_life_s: float
) -> None:
    nuclide = load_nuclide(name)
    near = abs(nuclide.energies_kev - line_kev) < 0.2
    assert nuclide.photons_per_decay[near].sum() == pytest.approx(photons_per_decay, rel=0.01)
    assert nuclide.half_life_s == pytest.approx(half_life_s, rel=1e-3)


def test_nuclide_halves_in_a_half_life() -> None:
    nuclide = load_nuclide("Tc-99m")
    assert nuclide.remaining(0.0) == 1.0
    assert nuclide.remaining(nuclide.half_life_s) == pytest.approx(0.5)
    assert nuclide.remaining(24 * 3600) == pytest.approx(0.063, rel=0.02)  # a tenth in 20 h, as clinics reckon


def test_load_nuclide_suggests_names_for_an_unknown_one() -> None:
    with pytest.raises(UnknownNuclideError) as caught:
        load_nuclide("Tc-98m")
    assert "Tc-99m" in caught.value.suggestions
    assert "did you mean" in str(caught.value)


@pytest.mark.parametrize("name", ["", "Unobtainium-7", "../Tc-99m/..", "💥"])
def test_load_nuclide_refuses_nonsense_in_one_line(name: str) -> None:
    with pytest.raises(UnknownNuclideError) as caught:
        load_nuclide(name)
    assert "\n" not in str(caught.value)


def test_load_nuclide_refuses_a_nuclide_without_photons() -> None:
    with pytest.raises(SensorError, match="no photons"):
        load_nuclide("H-3")
