import numpy as np
import pytest

from edge.detect.hit import Hit
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import NEVER, block_means, fine_block_means, noise_of_pair
from edge.detect.noise_model import NoiseModel

RULES = CandidateRules()
SHAPE = (160, 240)


def pairs(sigma, count, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.clip(np.rint(100 + rng.normal(0, 1, (2, *SHAPE)) * sigma), 0, 255).astype(np.uint8)


def hit(x, y):
    return Hit(x, y, 0.9, 50.0, 4, live=True)


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (65, 71), (1080, 1920)])
def test_block_means_cover_the_picture(shape):
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    means = fine_block_means(picture)
    assert means.shape == (-(-shape[0] // 8), -(-shape[1] // 8))
    assert means[0, 0] == pytest.approx(picture[:8, :8].mean(), abs=0.5)
    assert np.abs(block_means(picture).astype(float) - means).max() <= 1


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
@pytest.mark.parametrize("exposure_dn", [0, 30, -30])
def test_noise_of_pair_ignores_a_change_of_exposure(sigma, exposure_dn):
    ((first, second),) = pairs(sigma, 1)
    second = (second.astype(np.int16) + exposure_dn).astype(np.uint8)
    told = noise_of_pair(first, second, RULES).sigma_dn
    assert told.mean() == pytest.approx(sigma, rel=0.15)


def test_noise_model_learns_each_block_in_spite_of_motion():
    sigma = np.full(SHAPE, 2.0)
    sigma[:, 120:] = 6.0
    model = None
    for i, (first, second) in enumerate(pairs(sigma, 300)):
        if i % 3 == 0:
            second[:80] = 255 - second[:80]
        model = NoiseModel(RULES, first, second) if model is None else model
        model.observe(fine_block_means(np.maximum(first, second) - np.minimum(first, second)))
    told = model.map.sigma_dn
    assert np.median(told[:, :15]) == pytest.approx(2.0, rel=0.2)
    assert np.median(told[:, 15:]) == pytest.approx(6.0, rel=0.2)
    floor = model.map.floor_dn
    assert floor[20, 200] >= np.ceil(RULES.noise_sigmas * 5) - 1
    assert floor[20, 20] <= 13


def test_noise_model_closes_nothing_for_true_hits():
    rng = np.random.default_rng(3)
    first = np.full((1080, 1920), 80, np.uint8)
    model = NoiseModel(RULES, first, first)
    for _ in range(1500):
        model.observe(model.map.sigma_dn)
        model.close_blinking([hit(int(x), int(y)) for x, y in rng.integers(0, (1920, 1080), (2, 2))], 1.0)
    assert model.blinking_places == 0


def test_noise_model_closes_a_place_with_many_hits():
    first = np.full(SHAPE, 80, np.uint8)
    model = NoiseModel(RULES, first, first)
    for i in range(5):
        model.observe(model.map.sigma_dn)
        model.close_blinking([hit(100 + i % 2, 50)], 1.0)
    closed = model.map.floor_dn == NEVER
    assert model.blinking_places >= 1
    assert closed[50, 100]
    assert 0 < closed.sum() <= 100


def test_noise_model_keeps_the_mask_closed():
    first = np.full(SHAPE, 80, np.uint8)
    mask = np.zeros(SHAPE, np.uint8)
    mask[:40] = 255
    before = mask.copy()
    model = NoiseModel(RULES, first, first, mask)
    for _ in range(5):
        model.observe(model.map.sigma_dn)
        model.close_blinking([hit(100, 100)], 1.0)
    assert (model.map.floor_dn[:40] == NEVER).all()
    assert model.map.floor_dn[100, 100] == NEVER
    assert np.array_equal(mask, before)
    assert np.count_nonzero(~model.map.open_blocks[6:]) <= 4


def test_noise_model_closes_a_late_blinker_after_years():
    first = np.full(SHAPE, 80, np.uint8)
    model = NoiseModel(RULES, first, first)
    rng = np.random.default_rng(4)
    model._hits = 1e12
    for _ in range(30):
        model.observe(model.map.sigma_dn)
        model.close_blinking([hit(int(rng.integers(240)), int(rng.integers(160)))], 1.0)
    assert model.blinking_places == 0  # and it ends
    model._hits = 5.0
    for _ in range(4):
        model.observe(model.map.sigma_dn)
        model.close_blinking([hit(100, 50)], 1.0)
    assert model.blinking_places >= 1


@pytest.mark.parametrize(
    ("open_share", "hits_per_frame", "live_fraction", "frames"),
    [(0.15, 4, 0.15, 2500), (0.1, 10, 1.0, 2500), (1.0, 10, 1.0, 2500)],
    ids=["85 % masked", "all hits on a tenth", "everywhere"],
)
def test_true_hits_close_under_half_a_percent(open_share, hits_per_frame, live_fraction, frames):
    rng = np.random.default_rng(1)
    grey = np.full((480, 640), 60, np.uint8)
    model = NoiseModel(RULES, grey, grey, None)
    motion = np.full((60, 80), 2.2, np.float32)
    width = round(640 * open_share)
    for _ in range(frames):
        model.observe(motion)
        places = zip(rng.integers(0, width, hits_per_frame), rng.integers(0, 480, hits_per_frame), strict=True)
        model.close_blinking([hit(int(x), int(y)) for x, y in places], live_fraction)
    assert model.blinking_places * 7 * 7 < 0.005 * width * 480


def test_a_closed_place_is_opened_after_an_hour():
    grey = np.full(SHAPE, 60, np.uint8)
    model = NoiseModel(RULES, grey, grey, None)
    motion = np.full((20, 30), 2.2, np.float32)
    for _ in range(50):
        model.observe(motion)
        model.close_blinking([hit(100, 80)], 1.0)
    assert model.blinking_places >= 1
    assert model.map.floor_dn[80, 100] == NEVER
    for _ in range(92_000):
        model.observe(motion)
    assert model.blinking_places == 0
    assert model.map.floor_dn[80, 100] < NEVER
