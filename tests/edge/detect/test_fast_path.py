import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detect.fast_path import find_candidates
from edge.detect.field import FieldWatch
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair

RULES = CandidateRules()


def still_scene(height=240, width=320, sigma=2.0, seed=1, level=90):
    """Three noisy frames of a still scene with a bright bar in it."""
    rng = np.random.default_rng(seed)
    scene = np.full((height, width), level, np.float32)
    scene[:, width // 3 : width // 2] += 60
    frames = np.clip(np.rint(scene + rng.normal(0, sigma, (3, height, width))), 0, 255).astype(np.uint8)
    return list(frames)


def search(frames, rules=RULES, mask=None):
    """Find candidates with the noise of the outer two frames."""
    return find_candidates(tuple(frames), rules, noise_of_pair(frames[0], frames[2], rules, mask))


def places(result):
    return [(candidate.x, candidate.y) for candidate in result.candidates]


@pytest.mark.parametrize(("x", "y"), [(0, 0), (319, 0), (0, 239), (319, 239), (160, 120), (127, 64), (1, 238)])
@pytest.mark.parametrize("peak_dn", [30, 120])
def test_candidate_is_a_pixel_bright_in_the_middle_frame(x, y, peak_dn):
    frames = still_scene()
    frames[1][y, x] = min(int(frames[1][y, x]) + peak_dn, 255)
    result = search(frames)
    assert places(result) == [(x, y)]
    candidate = result.candidates[0]
    assert candidate.spike_dn == int(frames[1][y, x]) - max(int(frames[0][y, x]), int(frames[2][y, x]))
    assert candidate.motion_dn < 5


@pytest.mark.parametrize("stays_in", [(0, 1), (1, 2), (0, 1, 2), (0,), (2,)])
def test_candidate_stands_in_no_other_frame(stays_in):
    frames = still_scene()
    for i in stays_in:
        frames[i][100:103, 50:53] += 80
    assert places(search(frames)) == []


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 8.0])
def test_candidates_in_noise_are_few(sigma):
    frames = still_scene(1080, 1920, sigma=sigma)
    assert len(search(frames).candidates) < 40


def test_candidate_exceeds_the_noise_of_the_camera():
    frames = still_scene(sigma=8.0)
    for frame, level in zip(frames, (90, 120, 90), strict=True):
        frame[50, 50] = level  # 30 over the scene, less than 5 sigma
    assert (50, 50) not in places(search(frames))


def test_candidate_of_a_blotch_counts_once_with_its_pixels():
    frames = still_scene()
    frames[1][60:63, 70:73] += 60
    frames[1][61, 71] += 30
    (candidate,) = search(frames).candidates
    assert (candidate.x, candidate.y) == (71, 61)
    assert candidate.pixels == 9


def test_candidate_of_a_saturated_blotch_counts_once():
    frames = still_scene(sigma=0.0)
    frames[1][60:64, 70:74] = 255
    assert len(search(frames).candidates) == 1


def test_candidates_do_not_lie_within_large_things():
    frames = still_scene()
    frames[1][100:140, 100:140] += 60
    for x, y in places(search(frames)):
        assert not (104 < x < 135 and 104 < y < 135)


def test_candidates_come_in_order_of_promise():
    frames = still_scene()
    for i, peak_dn in enumerate((30, 90, 60)):
        frames[1][40, 40 + 50 * i] += peak_dn
    assert places(search(frames)) == [(90, 40), (140, 40), (40, 40)]


def test_live_ground_does_not_move():
    frames = still_scene()
    frames[2][80:160, 160:240] += 20
    frames[1][120, 200] += 90
    frames[1][20, 20] += 45
    result = search(frames)
    assert result.live_fraction == pytest.approx(1 - 80 * 80 / (240 * 320), abs=0.01)
    assert not result.is_live(200, 120)
    assert result.is_live(20, 20)
    assert result.is_stirred(200, 120)
    assert not result.is_stirred(20, 20)
    assert result.stirred_fraction == pytest.approx(1 - result.live_fraction)
    assert places(result)[0] == (20, 20)


def test_live_ground_is_not_saturated():
    frames = still_scene()
    for frame in frames:
        frame[:, 160:] = 255
    assert search(frames).live_fraction == pytest.approx(0.5, abs=0.01)
    assert search(frames).stirred_fraction == 0


def test_live_ground_and_candidates_are_not_masked():
    frames = still_scene()
    frames[1][20, 20] += 90
    frames[1][20, 200] += 90
    mask = np.zeros((240, 320), np.uint8)
    mask[:, 160:] = 1
    result = search(frames, mask=mask)
    assert places(result) == [(20, 20)]
    assert result.live_fraction == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("step", [25, -25])
def test_exposure_jump_leaves_no_live_ground(step):
    for jump in (1, 2):
        frames = [
            np.clip(frame.astype(np.int16) + (step if i >= jump else 0), 0, 255).astype(np.uint8)
            for i, frame in enumerate(still_scene())
        ]
        result = search(frames)
        assert len(result.candidates) <= 2  # noise, where only one of the neighbours is as bright
        assert result.live_fraction == 0


def test_flash_hides_no_candidate_and_makes_none():
    frames = still_scene()
    frames[1] += 20
    frames[1][100, 50] += 60
    assert places(search(frames)) == [(50, 100)]


@pytest.mark.parametrize("shape", [(64, 64), (65, 71), (64, 333), (97, 64), (1080, 1920), (1079, 1918)])
def test_candidates_are_found_in_every_corner_of_any_size(shape):
    height, width = shape
    frames = still_scene(height, width)
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    for x, y in corners:
        frames[1][y, x] += 60
    result = search(frames)
    assert set(corners) <= set(places(result))
    assert result.live.shape == (-(-height // 8), -(-width // 8))


@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, 60), min_size=2, max_size=2))
@settings(max_examples=40, deadline=None)
def test_scene_that_only_brightens_has_no_candidate(seed, steps):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (72, 80)).astype(np.uint16)
    second = first + rng.integers(0, steps[0] + 1, first.shape).astype(np.uint16)
    third = second + rng.integers(0, steps[1] + 1, first.shape).astype(np.uint16)
    frames = [np.minimum(frame, 255).astype(np.uint8) for frame in (first, second, third)]
    assert search(frames).candidates == ()
    assert search(frames[::-1]).candidates == ()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_candidates_are_deterministic_and_ordered(seed):
    frames = list(np.random.default_rng(seed).integers(0, 256, (3, 72, 80), dtype=np.uint8))
    rules = CandidateRules(noise_sigmas=0)
    first, second = (search(frames, rules) for _ in range(2))
    assert first.candidates == second.candidates
    promises = [candidate.promise for candidate in first.candidates]
    assert promises == sorted(promises, reverse=True)


def test_candidates_are_found_on_all_blocks_after_jpeg():
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
        seen = np.array(places(search(coded)))
        for x, y in truth:
            wanted += 1
            found += bool((np.abs(seen - (x + 1, y + 1)).max(axis=1) <= 2).any())
    assert wanted > 2000
    assert found / wanted >= 0.995


def textured_scene(seed=5, size=(256, 320)):
    texture = cv2.GaussianBlur(np.random.default_rng(seed).uniform(0, 255, size).astype(np.float32), (0, 0), 2)
    return np.clip(128 + (texture - texture.mean()) * 6, 0, 255)


def shifted(scene, shifts, seed=1):
    rng = np.random.default_rng(seed)
    views = [np.roll(scene, shift, axis=(0, 1)) + rng.normal(0, 2, scene.shape) for shift in shifts]
    return [np.clip(np.rint(view), 0, 255).astype(np.uint8) for view in views]


def test_shaking_to_and_fro_is_steadied():
    frames = shifted(textured_scene(), ((0, 0), (2, 1), (0, 0)))
    frames[1][100:102, 150:152] = 255
    result = search(frames)
    assert not result.shaken
    assert result.live_fraction > 0.8
    assert any(abs(x - 150) <= 1 and abs(y - 100) <= 1 for x, y in places(result))
    assert len(result.candidates) <= 6


def test_steadied_hot_pixels_are_no_candidates():
    frames = shifted(textured_scene(), ((0, 0), (3, 2), (6, 4)))
    for frame in frames:
        frame[100, 150] = 250
    assert (150, 100) not in places(search(frames))


def test_turning_camera_is_live_nowhere():
    scene = textured_scene().astype(np.float32)
    height, width = scene.shape
    frames = []
    for degrees in (0, 7, 0):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        frames.append(cv2.warpAffine(scene, turn, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8))
    result = search(frames)
    assert result.shaken
    assert result.live_fraction == 0


def test_many_hits_are_no_shaking():
    frames = still_scene()
    truth = [(x, y) for y in range(6, 230, 16) for x in range(6, 310, 16)]
    for x, y in truth:
        frames[1][y : y + 3, x : x + 3] += 40
    result = search(frames)
    assert len(result.candidates) >= len(truth)
    assert result.live_fraction > 0.95


def test_flickering_bands_hide_no_candidate():
    frames = still_scene()
    bands = 12 * np.sin(np.arange(240) / 30)[:, None]
    lit = [np.rint(frame + bands * turn).astype(np.uint8) for frame, turn in zip(frames, (-1, 1, -1), strict=True)]
    lit[1][40, 200] += 60
    found = places(search(lit))
    assert (200, 40) in found
    assert len(found) <= 3


def snowfall(rng, flakes=100, size=(480, 640)):
    """Three frames of flakes that fall on straight paths at 3 to 25 pixels a frame."""
    x, y = rng.uniform(0, size[1], flakes), rng.uniform(0, size[0], flakes)
    step_x, step_y, spread = rng.normal(0, 1.5, flakes), rng.uniform(3, 25, flakes), rng.uniform(0.6, 1.4, flakes)
    rows, columns = np.mgrid[-5:6, -5:6]
    pictures = []
    for number in range(3):
        picture = rng.normal(60, 2, size)
        for i in range(flakes):
            middle_x, middle_y = (x[i] + step_x[i] * number) % size[1], (y[i] + step_y[i] * number) % size[0]
            left, top = int(middle_x), int(middle_y)
            if 5 <= left < size[1] - 6 and 5 <= top < size[0] - 6:
                distance = (columns - middle_x + left) ** 2 + (rows - middle_y + top) ** 2
                picture[top - 5 : top + 6, left - 5 : left + 6] += 110 * np.exp(-distance / (2 * spread[i] ** 2))
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


def watched(pictures):
    """Search four times: not each frame is looked at for a field."""
    noise, watch = noise_of_pair(pictures[0], pictures[2], CandidateRules()), FieldWatch()
    return [find_candidates(tuple(pictures), CandidateRules(), noise, watch) for _ in range(4)][-1]


def test_falling_snow_is_no_strong_field():
    pictures = snowfall(np.random.default_rng(1))
    found = watched(pictures)
    assert found.overload is None
    assert found.falling
    assert len(found.candidates) > 50


def test_strong_field_in_falling_snow_overloads():
    rng = np.random.default_rng(2)
    pictures = snowfall(rng)
    for picture in pictures:
        picture[rng.integers(0, 480, 3000), rng.integers(0, 640, 3000)] = 200
    found = watched(pictures)
    assert found.overload is not None
    assert not found.falling
