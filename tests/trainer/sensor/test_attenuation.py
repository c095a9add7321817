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
