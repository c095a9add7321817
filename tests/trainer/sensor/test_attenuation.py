import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer, parse_layer, transmission


@settings(deadline=None)
@given(first=st.floats(0, 20), second=st.floats(0, 20))
def test_transmission_of_layers_multiplies(first: float, second: float) -> None:
    energies = np.array([30.0, 140.5, 661.7, 1332.0])
    apart = transmission((Layer("aluminium", first),), energies) * transmission((Layer("aluminium", second),), energies)
    assert transmission((Layer("aluminium", first), Layer("aluminium", second)), energies) == pytest.approx(apart)


@pytest.mark.parametrize("text", ["lead", "lead:", "unobtainium:2", "lead:-1", "lead:nan", ":3"])
def test_parse_layer_refuses_bad_text(text: str) -> None:
    with pytest.raises(SensorError):
        parse_layer(text)


def test_transmission_from_everywhere_follows_the_exponential_integral() -> None:
    glass, soft = (Layer("glass", 2.0),), np.array([18.3])
    straight, oblique = (float(transmission(glass, soft, from_everywhere=way)[0]) for way in (False, True))
    assert straight == pytest.approx(0.23, abs=0.02)
    assert oblique == pytest.approx(0.08, abs=0.01)  # E2 of the optical depth


def test_transmission_of_a_broad_beam_keeps_scattered_photons() -> None:
    glass, hard = (Layer("glass", 20.0),), np.array([661.7])
    narrow, broad = (float(transmission(glass, hard, broad=beam)[0]) for beam in (False, True))
    assert narrow == pytest.approx(np.exp(-0.077 * 2.23 * 2), abs=0.01)
    assert broad == pytest.approx(np.exp(-0.0293 * 2.23 * 2), abs=0.01)  # by the energy-absorption coefficient
