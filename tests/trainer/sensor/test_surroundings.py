"""Fields that are no bare nuclide: soft X-rays stay in a patient, natural gammas make a hit in some minutes."""

import numpy as np
import pytest

from trainer.errors import SensorError
from trainer.sensor.camera import OV2710
from trainer.sensor.library import simulate_hits
from trainer.sensor.photons import source_spectrum
from trainer.sensor.radiation import at_sensor, nuclide_field
from trainer.sensor.surroundings import natural_spectrum, patient_spectrum


def test_patient_spectrum_is_scattered() -> None:
    inside = patient_spectrum("Tc-99m")
    assert inside.weights.sum() == pytest.approx(1.0)
    assert inside.energies_kev.max() < 145
    assert inside.weights[inside.energies_kev < 25].sum() < 0.01
    primary = inside.weights[inside.energies_kev > 139].sum()
    assert 0.2 < primary < 0.6


def test_patient_spectrum_refuses_what_stays_in_the_body() -> None:
    with pytest.raises(SensorError, match="Fe-55"):
        patient_spectrum("Fe-55")
    with pytest.raises(SensorError, match="dose rate"):
        nuclide_field("Tc-99m", activity_bq=1e8, distance_m=1.0, patient=True)


def test_natural_gammas_make_a_hit_in_some_minutes() -> None:
    outside = natural_spectrum()
    inside, share = at_sensor(OV2710, outside)
    library = simulate_hits(OV2710, inside, 60, 1)
    a_minute = 60 * library.hits_per_s_per_usv_h(OV2710, outside) * share
    assert 0.05 * a_minute == pytest.approx(0.12, rel=0.4)
    assert (np.diff(outside.energies_kev) > 0).all()


def test_source_spectrum_keeps_the_soft_lines_of_technetium() -> None:
    bare = source_spectrum("Tc-99m")
    assert bare.weights[bare.energies_kev < 25].sum() > 0.01
