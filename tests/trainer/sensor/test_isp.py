"""What goes through the camera comes back: the scene on average, noise as its law says, hits as charge says."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.sensor.camera import OV2710, WEBCAM_XRAY, Camera, change
from trainer.sensor.fixed_pattern import make_pattern
from trainer.sensor.isp import correct_defects, encode, photograph
from trainer.sensor.pixels import add_noise, convert, dark_factor, light_electrons

QUIET = change(OV2710, dark_e_s=0.0, hot_fraction=0.0, telegraph_fraction=0.0, prnu=0.0, defect_correction=False)


def even(level: tuple[int, int, int], size: int = 48) -> np.ndarray:
    return np.full((size, size, 3), level, np.uint8)


@settings(max_examples=30, deadline=None)
@given(
    level=st.tuples(*[st.integers(24, 225)] * 3),
    bayer=st.sampled_from(["RGGB", "BGGR", "GRBG", "GBRG"]),
    gain=st.floats(1.0, 8.0),
    tone_gamma=st.sampled_from([0.0, 1.0, 2.2]),
    seed=st.integers(0, 2**31),
)
def test_photograph_returns_the_scene_on_average(
    level: tuple[int, int, int], bayer: str, gain: float, tone_gamma: float, seed: int
) -> None:
    camera = change(QUIET, bayer=bayer, gain=gain, tone_gamma=tone_gamma, adc_bits=12)
    picture = photograph(even(level), None, camera, None, np.random.default_rng(seed))
    assert picture.shape == (48, 48, 3)
    # Noise that the tone curve bends and that is cut at black moves the mean of dark, noisy ground a little.
    assert picture.mean(axis=(0, 1)) == pytest.approx(level, abs=3.0)


def test_photograph_without_noise_returns_a_smooth_scene() -> None:
    rows, columns = np.mgrid[0:64, 0:96]
    scene = np.stack([60 + columns, 80 + rows, 200 - columns], axis=-1).astype(np.uint8)
    camera = change(QUIET, sharpen=0.0, adc_bits=14)
    picture = photograph(scene, None, camera, None, None)
    inner = (slice(2, -2), slice(2, -2))
    assert np.abs(picture[inner].astype(int) - scene[inner]).max() <= 2


@pytest.mark.parametrize("size", [(2, 2), (6, 4), (160, 160), (34, 98)])
def test_photograph_accepts_any_even_size(size: tuple[int, int]) -> None:
    scene = np.full((*size, 3), 90, np.uint8)
    made = photograph(scene, None, OV2710, make_pattern(OV2710, 1, size), np.random.default_rng(1))
    assert made.shape == scene.shape


def test_light_electrons_refuses_an_odd_size() -> None:
    with pytest.raises(ValueError, match="even"):
        light_electrons(np.zeros((5, 4, 3), np.uint8), OV2710)


def test_photograph_depends_on_the_seed() -> None:
    pattern = make_pattern(OV2710, 3, (48, 48))
    first, again, other = (
        photograph(even((90, 90, 90)), None, OV2710, pattern, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_add_noise_has_shot_and_read_variance() -> None:
    camera = change(QUIET, read_noise_e=5.0, row_noise_e=0.0)
    made = add_noise(np.full((400, 400), 900, np.float32), camera, np.random.default_rng(1))
    assert made.mean() == pytest.approx(900, abs=0.5)
    assert made.var() == pytest.approx(900 + 25, rel=0.02)


def test_dark_factor_doubles_every_eight_degrees() -> None:
    cold, warm = (dark_factor(change(OV2710, temperature_c=t)) for t in (30.0, 38.0))
    assert warm == pytest.approx(2 * cold)


def test_convert_stops_at_full_well_and_converter() -> None:
    raw = convert(np.array([[0.0, 1e9, -1e9]], np.float32), OV2710)
    assert raw.tolist() == [[64, 1023, 0]]
    assert (photograph(even((90, 90, 90)), np.full((48, 48), 1e8, np.float32), OV2710, None, None) == 255).all()


@settings(max_examples=25, deadline=None)
@given(grey=st.integers(0, 200), charge=st.floats(50, 5000), x=st.integers(8, 39), y=st.integers(8, 39))
def test_photograph_adds_light_near_the_hit_only(grey: int, charge: float, x: int, y: int) -> None:
    hit = np.zeros((48, 48), np.float32)
    hit[y, x] = charge
    scene = even((grey, grey, grey))
    rise = photograph(scene, hit, QUIET, None, None).astype(int) - photograph(scene, None, QUIET, None, None)
    rows, columns = np.nonzero(rise.max(axis=2))
    assert len(rows) == 0 or max(np.abs(rows - y).max(), np.abs(columns - x).max()) <= 3
    if charge > 300:
        assert rise.max() > 0
        assert rise.sum() > 0


def test_photograph_shows_hits_less_on_bright_ground() -> None:
    hit = np.zeros((48, 48), np.float32)
    hit[24, 25] = 1000  # a green pixel
    rises = []
    for grey in (20, 64, 128, 200):
        scene = even((grey, grey, grey))
        lit, plain = (photograph(scene, charge, QUIET, None, None).astype(int) for charge in (hit, None))
        rises.append(int((lit - plain)[..., 1].max()))
    assert rises == sorted(rises, reverse=True)
    assert rises[0] > 2 * rises[-1] > 0


def test_correct_defects_replaces_single_pixels_only() -> None:
    camera: Camera = change(QUIET, defect_correction=True)
    raw = np.full((32, 32), 200, np.uint16)
    raw[:, 16:] = 700
    raw[10, 7] = 1000
    mended = correct_defects(raw, camera)
    assert mended[10, 7] == 200
    assert (mended[:, 16:] == 700).all()


def test_telegraph_pixels_switch() -> None:
    camera = change(OV2710, telegraph_fraction=0.01, telegraph_dwell_s=0.05)
    pattern = make_pattern(camera, 1, (64, 96))
    states = np.array([pattern.telegraph_now(frame) > 0 for frame in range(200)])
    assert 0.4 < states.mean() < 0.6
    assert ((states.sum(axis=0) > 0) & (states.sum(axis=0) < 200)).mean() > 0.9


def test_encode_keeps_the_picture() -> None:
    picture = photograph(even((60, 120, 180)), None, QUIET, None, None)
    packed = encode(picture, 95)
    assert packed[:2] == b"\xff\xd8"
    assert packed[-2:] == b"\xff\xd9"
    again = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(again.astype(int) - picture).max() <= 4


def test_photograph_with_the_webcam_halves_size_and_chroma() -> None:
    hit = np.zeros((64, 64), np.float32)
    hit[20, 30] = 500
    made = photograph(even((90, 90, 90), 64), hit, WEBCAM_XRAY, None, None)
    assert made.shape == (32, 32, 3)
    assert made[10, 15].max() > 100
    chroma = cv2.cvtColor(made, cv2.COLOR_BGR2YCrCb)[..., 1:].astype(int)
    assert np.abs(chroma[:, 0::2] - chroma[:, 1::2]).max() <= 4  # rounding to BGR and back
