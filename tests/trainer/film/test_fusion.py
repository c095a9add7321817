import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.film.exposure import PlacedCharge, place_charge
from trainer.film.fusion import fuse_light, fuse_max
from trainer.film.picture_noise import PictureNoise
from trainer.sensor.tone import to_levels, to_linear

pictures = hnp.arrays(np.uint8, (3, 4, 3))


@given(pictures, pictures)
def test_the_maximum_is_equations_1_and_2_pixel_by_pixel(f1: np.ndarray, f2: np.ndarray) -> None:
    fused = fuse_max(f1, f2)
    for place in np.ndindex(f1.shape):
        w1 = 1 if f1[place] >= f2[place] else 0
        w2 = 1 - w1
        assert fused[place] == w1 * int(f1[place]) + w2 * int(f2[place])


@given(pictures, pictures)
def test_light_adds_and_never_takes_away(blotches: np.ndarray, monitoring: np.ndarray) -> None:
    levels = monitoring.astype(np.float32)
    fused = fuse_light(blotches, levels)
    assert (fused >= levels - 0.02).all()
    assert (fused <= 255).all()
    expected = np.minimum(to_linear(levels) + to_linear(blotches.astype(np.float32)), 1)
    assert np.allclose(to_linear(fused), expected, atol=1e-4)


@given(pictures)
def test_where_the_covered_camera_saw_nothing_the_picture_stays(monitoring: np.ndarray) -> None:
    levels = monitoring.astype(np.float32)
    assert np.array_equal(fuse_light(np.zeros_like(monitoring), levels), levels)
    assert np.array_equal(fuse_max(np.zeros_like(monitoring), monitoring), monitoring)


def test_levels_and_light_are_inverse() -> None:
    levels = np.arange(256, dtype=np.float32).reshape(16, 16)
    assert np.allclose(to_levels(to_linear(levels)), levels, atol=0.02)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 4096, width=16)),
    st.integers(0, 20),
    st.integers(0, 14),
)
def test_charge_is_conserved_inside_the_frame(charge: np.ndarray, x0: int, y0: int) -> None:
    frame = place_charge((20, 26), [PlacedCharge(x0, y0, charge), PlacedCharge(x0, y0, charge)])
    assert np.isclose(frame.sum(), 2 * charge.sum(), rtol=1e-5)
    assert np.allclose(frame[y0 : y0 + charge.shape[0], x0 : x0 + charge.shape[1]], 2 * charge)


def test_charge_beyond_the_border_is_lost_and_no_more() -> None:
    charge = np.ones((4, 4), np.float32)
    assert place_charge((10, 10), [PlacedCharge(-2, 8, charge)]).sum() == 4
    assert place_charge((10, 10), [PlacedCharge(20, 20, charge)]).sum() == 0


def test_noise_has_the_variance_that_was_asked_for() -> None:
    flat = np.full((200, 200, 3), 100, np.float32)
    noise = PictureNoise(2.0, 0.05, 0.0)
    noisy = noise.add(flat, noise.draw(flat.shape, np.random.default_rng(1))).astype(np.float64)
    assert abs(noisy.mean() - 100) < 0.1
    assert abs(noisy[..., 0].var() - (4 + 5 + 1 / 12)) < 0.2
    assert np.array_equal(noisy[..., 0], noisy[..., 2])


@pytest.mark.parametrize("chroma", [0.2, 0.5, 1.0])
def test_noise_of_colours_has_a_common_and_an_own_part(chroma: float) -> None:
    drawn = PictureNoise(1.0, 0.0, chroma).draw((300, 300, 3), np.random.default_rng(1)).reshape(-1, 3)
    assert drawn.dtype == np.float32
    assert np.allclose(np.cov(drawn.T), np.ones((3, 3)) + chroma**2 * np.eye(3), atol=0.03)
    assert np.allclose(drawn.mean(axis=0), 0, atol=0.02)


@pytest.mark.parametrize("scale", [2, 3])
def test_on_a_larger_sensor_the_brightest_pixel_stays_in_its_pixel_of_the_picture(scale: int) -> None:
    charge = np.ones((5, 7), np.float32)
    charge[3, 1] = 9
    frame = place_charge((20 * scale, 20 * scale), [PlacedCharge(6, 4, charge)], scale)
    y, x = np.unravel_index(frame.argmax(), frame.shape)
    assert (x // scale, y // scale) == (7, 7)
    assert frame.sum() == charge.sum()
