import pytest

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer
from trainer.sensor.tube import tube_spectrum


def test_tube_spectrum_ends_at_its_voltage() -> None:
    soft, hard = tube_spectrum(100.0), tube_spectrum(100.0, (Layer("aluminium", 20.0),))
    assert soft.energies_kev.max() < 100
    assert soft.weights.sum() == pytest.approx(1.0)
    assert hard.weights @ hard.energies_kev > soft.weights @ soft.energies_kev + 5


@pytest.mark.parametrize("kilovolt", [0.0, 19.0, 500.0, float("nan")])
def test_tube_spectrum_refuses_other_voltages(kilovolt: float) -> None:
    with pytest.raises(SensorError, match="kV"):
        tube_spectrum(kilovolt)
