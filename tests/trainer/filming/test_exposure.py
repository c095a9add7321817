import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.filming.cameras import random_camera, random_cover_camera
from trainer.filming.exposure import Exposure, PlacedCharge, SensorFrame, covered_picture, place_charge
from trainer.filming.picture_noise import PictureNoise
from trainer.filming.studio import Studio, Way
from trainer.sensor.camera import Camera, change
from trainer.sensor.fixed_pattern import make_pattern
from trainer.sensor.isp import photograph

SIZE = 192
# The hardest way for charge to spread: every step of the pipeline on.
ALL_STEPS = {"defect_correction": True, "sharpen": 1.2, "denoise": 0.6, "row_noise_e": 1.5}


def studio_of(way: Way, seed: int) -> tuple[Studio, np.ndarray]:
    rng = np.random.default_rng(seed)
    camera = change(random_camera(rng, SIZE), **ALL_STEPS)
    cover = change(random_cover_camera(rng, SIZE), sharpen=1.0, denoise=0.5, defect_correction=True, chroma_422=True)
    scene = rng.uniform(0, 255, (SIZE, SIZE, 3)).astype(np.float32)
    pattern = make_pattern(camera, seed, (SIZE, SIZE))

    def noise(number: int, part: str) -> np.random.Generator:
        return np.random.default_rng([seed, number, part == "sensor"])

    return Studio(camera, way, noise, pattern, cover, PictureNoise(2.0, 0.03, 0.5)), scene


def exposure_of(way: Way, seed: int) -> Exposure:
    studio, scene = studio_of(way, seed)
    return studio.expose(scene, 1)


def some_charge(rng: np.random.Generator) -> list[PlacedCharge]:
    corners = [(0, 0), (-2, 60), (SIZE - 2, SIZE - 1), (95, -3)]
    places = corners + [(int(x), int(y)) for x, y in rng.integers(0, SIZE, (20, 2))]
    shapes = rng.integers(1, 9, (len(places), 2))
    return [
        PlacedCharge(x, y, rng.exponential(1500, (h, w)).astype(np.float32))
        for (x, y), (h, w) in zip(places, shapes, strict=True)
    ]


@pytest.mark.parametrize("way", ["sensor", "picture", "max"])
@pytest.mark.parametrize("seed", range(4))
def test_exposure_windows_equal_the_whole_frame(way: Way, seed: int) -> None:
    exposure = exposure_of(way, seed)
    planned = some_charge(np.random.default_rng(seed + 100))
    side = SIZE * exposure.frame.scale
    whole = exposure.frame.part(
        place_charge((side, side), planned, exposure.frame.scale), (slice(0, SIZE), slice(0, SIZE))
    )
    taken = exposure.picture(planned)
    assert np.count_nonzero(taken != exposure.blank) > 100
    # Floating point may round one value in many differently where a window begins at another address.
    assert np.abs(taken.astype(int) - whole).max() <= 1
    assert np.count_nonzero(taken != whole) <= 3


def test_sensor_frame_equals_photograph() -> None:
    studio, levels = studio_of("sensor", 9)
    exposure = studio.expose(levels, 1)
    assert isinstance(exposure.frame, SensorFrame)
    scene = np.rint(levels).astype(np.uint8)
    expected = photograph(scene, None, studio.camera, studio.pattern, studio.noise(1, "sensor"), 1)
    assert np.array_equal(exposure.blank, expected)


@pytest.mark.parametrize("way", ["sensor", "picture", "max"])
def test_exposure_is_unchanged_by_taking_pictures(way: Way) -> None:
    exposure = exposure_of(way, 3)
    before = exposure.blank.copy()
    first = exposure.picture(some_charge(np.random.default_rng(1)))
    assert np.array_equal(exposure.blank, before)
    assert np.array_equal(exposure.picture(some_charge(np.random.default_rng(1))), first)
    assert isinstance(exposure, Exposure)


def test_exposure_ignores_charge_outside_of_the_frame() -> None:
    exposure = exposure_of("sensor", 3)
    far = PlacedCharge(SIZE + 40, -60, np.full((3, 3), 5000, np.float32))
    assert np.array_equal(exposure.picture([far]), exposure.blank)


@pytest.mark.parametrize("black_offset_dn", [-4.0, 0.0, 12.0])
def test_covered_picture_shows_hits_only(black_offset_dn: float) -> None:
    cover = change(
        Camera(), width=64, height=64, black_offset_dn=black_offset_dn, temperature_c=10.0, defect_correction=False
    )
    charge = np.zeros((64, 64), np.float32)
    charge[30, 31] = 3000
    shown = covered_picture(charge, cover)
    assert shown[28:33, 29:34].max() > 100
    shown[26:35, 27:36] = 0
    assert not shown.any()


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 4096, width=16)),
    st.integers(0, 20),
    st.integers(0, 14),
)
def test_place_charge_conserves_charge(charge: np.ndarray, x0: int, y0: int) -> None:
    frame = place_charge((20, 26), [PlacedCharge(x0, y0, charge), PlacedCharge(x0, y0, charge)])
    assert np.isclose(frame.sum(), 2 * charge.sum(), rtol=1e-5)
    assert np.allclose(frame[y0 : y0 + charge.shape[0], x0 : x0 + charge.shape[1]], 2 * charge)


def test_place_charge_loses_charge_beyond_the_border() -> None:
    charge = np.ones((4, 4), np.float32)
    assert place_charge((10, 10), [PlacedCharge(-2, 8, charge)]).sum() == 4
    assert place_charge((10, 10), [PlacedCharge(20, 20, charge)]).sum() == 0


@pytest.mark.parametrize("scale", [2, 3])
def test_place_charge_scaled_keeps_the_brightest_pixel(scale: int) -> None:
    charge = np.ones((5, 7), np.float32)
    charge[3, 1] = 9
    frame = place_charge((20 * scale, 20 * scale), [PlacedCharge(6, 4, charge)], scale)
    y, x = np.unravel_index(frame.argmax(), frame.shape)
    assert (x // scale, y // scale) == (7, 7)
    assert frame.sum() == charge.sum()
