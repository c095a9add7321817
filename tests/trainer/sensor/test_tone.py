import numpy as np
import pytest

from trainer.sensor.tone import encoded_light, linear_light, to_levels, to_linear


def test_to_levels_inverts_to_linear() -> None:
    levels = np.arange(256, dtype=np.float32).reshape(16, 16)
    assert np.allclose(to_levels(to_linear(levels)), levels, atol=0.02)


@pytest.mark.parametrize("tone_gamma", [0.0, 1.0, 2.2])
def test_encoded_light_inverts_linear_light(tone_gamma: float) -> None:
    encoded = np.linspace(0, 1, 200)
    assert np.allclose(encoded_light(linear_light(encoded, tone_gamma), tone_gamma), encoded, atol=1e-6)


def test_to_linear_agrees_with_linear_light() -> None:
    levels = np.arange(256, dtype=np.float32)
    assert np.allclose(to_linear(levels), linear_light(levels / 255), atol=1e-6)
    assert float(linear_light(128 / 255)) == pytest.approx(0.2158605)
