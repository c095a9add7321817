import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import CandidateRules
from edge.detect.fast_path import find_candidates

RULES = CandidateRules()


def still_scene(height=240, width=320, sigma=2.0, seed=1, level=90):
    """Three noisy frames of a still scene with a bright bar in it."""
    rng = np.random.default_rng(seed)
    scene = np.full((height, width), level, np.float32)
    scene[:, width // 3 : width // 2] += 60
    frames = np.clip(np.rint(scene + rng.normal(0, sigma, (3, height, width))), 0, 255).astype(np.uint8)
    return list(frames)


def places(result):
    return [(one.x, one.y) for one in result.candidates]


@pytest.mark.parametrize(("x", "y"), [(0, 0), (319, 0), (0, 239), (319, 239), (160, 120), (127, 64), (1, 238)])
@pytest.mark.parametrize("peak_dn", [30, 120])
def test_a_pixel_that_is_bright_in_the_middle_frame_only_is_found_anywhere(x, y, peak_dn):
    frames = still_scene()
    frames[1][y, x] = min(int(frames[1][y, x]) + peak_dn, 255)
    result = find_candidates(*frames, RULES)
    assert places(result) == [(x, y)]
    one = result.candidates[0]
    assert one.spike_dn == int(frames[1][y, x]) - max(int(frames[0][y, x]), int(frames[2][y, x]))
    assert one.motion_dn < 5


@pytest.mark.parametrize("stays_in", [(0, 1), (1, 2), (0, 1, 2), (0,), (2,)])
def test_what_stands_in_another_frame_too_is_no_candidate(stays_in):
    frames = still_scene()
    for i in stays_in:
        frames[i][100:103, 50:53] += 80
    assert places(find_candidates(*frames, RULES)) == []


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 8.0])
def test_the_noise_of_a_still_scene_gives_few_candidates(sigma):
    frames = still_scene(1080, 1920, sigma=sigma)
    assert len(find_candidates(*frames, RULES).candidates) < 40


def test_the_noise_of_the_camera_raises_the_least_spike():
    frames = still_scene(sigma=8.0)
    for frame, level in zip(frames, (90, 120, 90), strict=True):
        frame[50, 50] = level  # 30 over the scene, less than 5 sigma
    assert (50, 50) not in places(find_candidates(*frames, RULES))


def test_a_blotch_counts_once_and_reports_its_pixels():
    frames = still_scene()
    frames[1][60:63, 70:73] += 60
    frames[1][61, 71] += 30
    (one,) = find_candidates(*frames, RULES).candidates
    assert (one.x, one.y) == (71, 61)
    assert one.pixels == 9


def test_a_saturated_blotch_of_equal_pixels_counts_once():
    frames = still_scene(sigma=0.0)
    frames[1][60:64, 70:74] = 255
    assert len(find_candidates(*frames, RULES).candidates) == 1


def test_a_larger_thing_than_any_hit_is_a_candidate_at_its_edge_at_most():
    frames = still_scene()
    frames[1][100:140, 100:140] += 60
    for x, y in places(find_candidates(*frames, RULES)):
        assert not (104 < x < 135 and 104 < y < 135)


def test_the_most_promising_come_first():
    frames = still_scene()
    for i, peak_dn in enumerate((30, 90, 60)):
        frames[1][40, 40 + 50 * i] += peak_dn
    assert places(find_candidates(*frames, RULES)) == [(90, 40), (140, 40), (40, 40)]


def test_ground_that_moves_is_not_live_and_demotes_its_candidates():
    frames = still_scene()
    frames[2][80:160, 160:240] += 20
    frames[1][120, 200] += 90
    frames[1][20, 20] += 45
    result = find_candidates(*frames, RULES)
    assert result.live_fraction == pytest.approx(1 - 80 * 80 / (240 * 320), abs=0.01)
    assert not result.is_live(200, 120)
    assert result.is_live(20, 20)
    assert places(result)[0] == (20, 20)


def test_saturated_ground_is_not_live():
    frames = still_scene()
    for frame in frames:
        frame[:, 160:] = 255
    assert find_candidates(*frames, RULES).live_fraction == pytest.approx(0.5, abs=0.01)


def test_masked_ground_is_neither_live_nor_holds_a_candidate():
    frames = still_scene()
    frames[1][20, 20] += 90
    frames[1][20, 200] += 90
    mask = np.zeros((240, 320), np.uint8)
    mask[:, 160:] = 1
    result = find_candidates(*frames, RULES, mask=mask)
    assert places(result) == [(20, 20)]
    assert result.live_fraction == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("step", [25, -25])
def test_an_exposure_jump_gives_no_candidate_and_no_live_ground(step):
    for jump in (1, 2):
        frames = [
            np.clip(frame.astype(np.int16) + (step if i >= jump else 0), 0, 255).astype(np.uint8)
            for i, frame in enumerate(still_scene())
        ]
        result = find_candidates(*frames, RULES)
        assert len(result.candidates) <= 2  # noise, where only one of the neighbours is as bright
        assert result.live_fraction == 0


def test_a_flash_over_the_whole_frame_hides_no_hit_and_makes_none():
    frames = still_scene()
    frames[1] += 20
    frames[1][100, 50] += 60
    assert places(find_candidates(*frames, RULES)) == [(50, 100)]


@pytest.mark.parametrize("shape", [(64, 64), (65, 71), (64, 333), (97, 64), (1080, 1920), (1079, 1918)])
def test_any_size_is_searched_to_its_last_row_and_column(shape):
    height, width = shape
    frames = still_scene(height, width)
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    for x, y in corners:
        frames[1][y, x] += 60
    result = find_candidates(*frames, RULES)
    assert set(corners) <= set(places(result))
    assert result.live.shape == (-(-height // 8), -(-width // 8))


@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, 60), min_size=2, max_size=2))
@settings(max_examples=40, deadline=None)
def test_a_scene_that_only_brightens_has_no_candidate(seed, steps):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (72, 80)).astype(np.uint16)
    second = first + rng.integers(0, steps[0] + 1, first.shape).astype(np.uint16)
    third = second + rng.integers(0, steps[1] + 1, first.shape).astype(np.uint16)
    frames = [np.minimum(frame, 255).astype(np.uint8) for frame in (first, second, third)]
    assert find_candidates(*frames, RULES).candidates == ()
    assert find_candidates(*frames[::-1], RULES).candidates == ()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_candidates_are_deterministic_and_in_order_of_promise(seed):
    frames = list(np.random.default_rng(seed).integers(0, 256, (3, 72, 80), dtype=np.uint8))
    rules = CandidateRules(noise_sigmas=0)
    first, second = (find_candidates(*frames, rules) for _ in range(2))
    assert first.candidates == second.candidates
    promises = [one.promise for one in first.candidates]
    assert promises == sorted(promises, reverse=True)


def test_a_grid_of_hits_over_all_blocks_and_borders_is_found_after_jpeg():
    height, width = 480, 640
    found = 0
    wanted = 0
    for shift in range(8):
        frames = [frame.astype(np.int16) for frame in still_scene(height, width, sigma=3.0, seed=shift)]
        truth = [
            (x, y) for y in (*range(0, height - 20, 31), height - 3) for x in (*range(shift, width - 20, 33), width - 3)
        ]
        for x, y in truth:
            frames[1][y : y + 3, x : x + 3] += 30
        coded = [
            cv2.imdecode(
                cv2.imencode(".jpg", np.clip(frame, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])[1], 0
            )
            for frame in frames
        ]
        seen = np.array(places(find_candidates(*coded, RULES)))
        for x, y in truth:
            wanted += 1
            found += bool((np.abs(seen - (x + 1, y + 1)).max(axis=1) <= 2).any())
    assert wanted > 2000
    assert found / wanted >= 0.995


def textured_scene(seed=5, size=(256, 320)):
    texture = cv2.GaussianBlur(np.random.default_rng(seed).uniform(0, 255, size).astype(np.float32), (0, 0), 2)
    return np.clip(128 + (texture - texture.mean()) * 6, 0, 255)


def test_a_camera_that_shakes_to_and_fro_is_not_live_and_makes_no_hits():
    rng = np.random.default_rng(1)
    scene = textured_scene()
    frames = [
        np.clip(np.rint(np.roll(scene, shift, axis=(0, 1)) + rng.normal(0, 2, scene.shape)), 0, 255).astype(np.uint8)
        for shift in ((0, 0), (2, 1), (0, 0))
    ]
    result = find_candidates(*frames, RULES)
    assert result.live_fraction < 0.1
    assert len(result.candidates) <= 2


@pytest.mark.parametrize(("far_px", "max_live"), [(6, 0.5), (14, 0.2)])
def test_a_camera_that_shakes_anyhow_makes_no_live_hits_however_few_edges_its_picture_has(far_px, max_live):
    rng = np.random.default_rng(3)
    scene = np.full((256, 320), 40, np.float32)  # a smooth wall with lamps, a window and a sign on it
    scene[rng.integers(0, 250, 60), rng.integers(0, 310, 60)] = 200
    scene = cv2.GaussianBlur(scene, (0, 0), 0.9)
    scene[40:160, 60:140] += 60
    scene[180:230, 200:300] += textured_scene(size=(50, 100)) - 128
    live = []
    for _ in range(6):
        frames = []
        for _ in range(3):
            shift = np.float32([[1, 0, rng.normal(0, far_px)], [0, 1, rng.normal(0, far_px)]])
            moved = cv2.warpAffine(scene, shift, (320, 256), borderMode=cv2.BORDER_REFLECT)
            frames.append(np.clip(np.rint(moved + rng.normal(0, 2, moved.shape)), 0, 255).astype(np.uint8))
        result = find_candidates(*frames, RULES)
        live.append(result.live_fraction)
        assert len([one for one in result.candidates if result.is_live(one.x, one.y)]) <= 1
    assert np.mean(live) < max_live


def test_many_hits_in_one_place_are_not_held_for_shaking():
    frames = still_scene()
    truth = [(x, y) for y in range(6, 230, 16) for x in range(6, 310, 16)]
    for x, y in truth:
        frames[1][y : y + 3, x : x + 3] += 40
    result = find_candidates(*frames, RULES)
    assert len(result.candidates) >= len(truth)
    assert result.live_fraction > 0.95


def test_light_that_flickers_in_bands_hides_no_hit_and_makes_few():
    frames = still_scene()
    bands = 12 * np.sin(np.arange(240) / 30)[:, None]
    lit = [np.rint(frame + bands * turn).astype(np.uint8) for frame, turn in zip(frames, (-1, 1, -1), strict=True)]
    lit[1][40, 200] += 60
    found = places(find_candidates(*lit, RULES))
    assert (200, 40) in found
    assert len(found) <= 3
