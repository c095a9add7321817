import numpy as np
import pytest

from trainer.filming.picture_noise import PictureNoise


def test_picture_noise_has_the_variance_asked_for() -> None:
    flat = np.full((200, 200, 3), 100, np.float32)
    noise = PictureNoise(2.0, 0.05, 0.0)
    noisy = noise.add(flat, noise.draw(flat.shape, np.random.default_rng(1))).astype(np.float64)
    assert abs(noisy.mean() - 100) < 0.1
    assert abs(noisy[..., 0].var() - (4 + 5 + 1 / 12)) < 0.2
    assert np.array_equal(noisy[..., 0], noisy[..., 2])


@pytest.mark.parametrize("chroma", [0.2, 0.5, 1.0])
def test_picture_noise_of_colours_has_a_common_part(chroma: float) -> None:
    drawn = PictureNoise(1.0, 0.0, chroma).draw((300, 300, 3), np.random.default_rng(1)).reshape(-1, 3)
    assert drawn.dtype == np.float32
    assert np.allclose(np.cov(drawn.T), np.ones((3, 3)) + chroma**2 * np.eye(3), atol=0.03)
    assert np.allclose(drawn.mean(axis=0), 0, atol=0.02)
