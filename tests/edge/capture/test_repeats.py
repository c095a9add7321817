from datetime import datetime, timezone
from itertools import count

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.frame import Frame
from edge.capture.repeats import RepeatFinder, split_of_pattern

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)
SIZE = (640, 480)
FPS = 25.0


def scene(seed=1, size=SIZE):
    """A scene with large and small shapes, without noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 200, (size[1] // 40, size[0] // 40)).astype(np.float32)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).clip(20, 220)


def noisy(picture, rng, sigma=2.0):
    return np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def coded(grey, quality):
    content = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)


def with_clock(grey, number):
    """Draw a clock into a corner that shows another text in each picture."""
    drawn = grey.copy()
    drawn[8:24, 8:90] = 0
    cv2.putText(drawn, f"{number / FPS:07.3f}", (10, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255)
    return drawn


def compared(greys, finder=None, first=0, fps=FPS):
    finder = finder if finder is not None else RepeatFinder()
    return [finder.compare(Frame(i, i / fps, UTC, grey)) for i, grey in zip(count(first), greys, strict=False)]


def camera(number, seed=1, sigma=2.0):
    rng = np.random.default_rng(seed)
    still = scene(seed)
    return [noisy(still, rng, sigma) for _ in range(number)]


@pytest.mark.parametrize("times", [2, 3, 5])
def test_repeats_of_each_picture_are_found(times):
    sent = [grey for grey in camera(20) for _ in range(times)]
    assert [likeness.repeats for likeness in compared(sent)] == [i % times > 0 for i in range(len(sent))]


def test_repeats_of_equal_jpegs_need_no_pictures():
    finder, grey = RepeatFinder(), camera(1)[0]
    frames = [Frame(i, i / FPS, UTC, grey, jpeg=b"the same") for i in range(3)]
    assert [finder.compare(frame).repeats for frame in frames] == [False, True, True]


@pytest.mark.parametrize("times", [2, 3])
def test_repeats_under_a_clock_are_found(times):
    sent = [grey for grey in camera(60) for _ in range(times)]
    likenesses = compared(with_clock(grey, number) for number, grey in enumerate(sent))
    settled = likenesses[40:]
    assert [likeness.repeats for likeness in settled] == [i % times > 0 for i in range(40, len(sent))]


@pytest.mark.parametrize("qualities", [(98, 90), (95, 96), (85, 90), (80, 70), (95, 96, 97)])
def test_repeats_that_were_encoded_anew_are_found(qualities):
    sent = [coded(coded(grey, 80), quality) for grey in camera(60, sigma=4) for quality in qualities]
    settled = [likeness.repeats for likeness in compared(sent)][50:]
    assert settled == [i % len(qualities) > 0 for i in range(50, len(sent))]


@pytest.mark.parametrize("clock", [False, True], ids=["equal", "clock"])
@pytest.mark.parametrize("before", [0, 100], ids=["from the start", "later"])
def test_repeats_for_seconds_are_a_standing_picture(before, clock):
    greys = camera(before + 1)
    sent = greys + [greys[-1]] * 150
    if clock:
        sent = [with_clock(grey, number) for number, grey in enumerate(sent)]
    likenesses = compared(sent)
    stands = [i for i, likeness in enumerate(likenesses) if likeness.stands]
    assert 3 * FPS <= stands[0] - before <= 5 * FPS
    assert stands[-1] == len(sent) - 1
    assert all(likeness.repeats for likeness in likenesses[stands[0] :])


def test_standing_picture_that_is_encoded_anew_is_found():
    greys = [coded(coded(grey, 80), 95) for grey in camera(100, sigma=4)]
    sent = greys + [coded(greys[-1], (92, 94, 96, 98)[i % 4]) for i in range(150)]
    stands = [i for i, likeness in enumerate(compared(sent)) if likeness.stands]
    assert stands[0] - 100 <= 5 * FPS


def test_standing_picture_ends_with_a_new_one():
    greys = camera(200)
    likenesses = compared(greys[:60] + greys[59:60] * 200 + greys[60:])
    assert likenesses[259].stands
    assert not any(likeness.repeats or likeness.stands for likeness in likenesses[260:])


def pan():
    wide = scene(size=(1920, 480))
    rng = np.random.default_rng(2)
    moving = [noisy(wide[:, 4 * i : 4 * i + 640], rng) for i in range(200)]
    return moving + [noisy(wide[:, 800:1440], rng) for _ in range(200)]


def lights():
    rng = np.random.default_rng(3)
    day, night = scene(), scene() * 0.12
    return [noisy(day, rng, 3) for _ in range(150)] + [noisy(night, rng, 0.7) for _ in range(150)]


def dusk():
    rng = np.random.default_rng(4)
    return [noisy(scene() * (1 - i / 600), rng, 3 * (1 - i / 600) + 0.3) for i in range(500)]


def flicker():
    rng = np.random.default_rng(5)
    return [noisy(scene() * (1, 1.01, 1.2)[i % 3], rng) for i in range(200)]


def walker():
    rng = np.random.default_rng(6)
    made = []
    for i in range(300):
        picture = scene()
        picture[100:400, i : i + 120] = 90
        made.append(noisy(picture, rng))
    return made


def shaking():
    rng = np.random.default_rng(7)
    wide = scene(size=(720, 480))
    shifts = (8 * (1 + np.sin(np.arange(300) * 0.9))).astype(int)
    return [noisy(wide[:, shift : shift + 640], rng) for shift in shifts]


@pytest.mark.parametrize("make", [pan, lights, dusk, flicker, walker, shaking], ids=lambda make: make.__name__)
def test_new_pictures_of_a_camera_are_no_repeats(make):
    assert not any(likeness.repeats or likeness.stands for likeness in compared(make()))


@given(
    st.lists(
        st.tuples(st.floats(0.7, 8), st.floats(0.2, 1.2), st.integers(0, 60), st.integers(10, 60)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 100),
)
def test_new_pictures_are_no_repeats_whatever_the_light(stretches, seed):
    rng, wide = np.random.default_rng(seed), scene(seed, (320, 120))
    sent = [
        noisy(wide[:, shift : shift + 240] * light, rng, sigma)
        for sigma, light, shift, number in stretches
        for _ in range(number)
    ]
    assert not any(likeness.repeats or likeness.stands for likeness in compared(sent))


@given(st.lists(st.integers(1, 20), min_size=5, max_size=40), st.integers(0, 100))
def test_repeats_are_found_however_often_a_picture_comes(times, seed):
    rng, still = np.random.default_rng(seed), scene(seed, (320, 240))
    greys = [noisy(still, rng) for _ in times]
    finder = RepeatFinder()
    compared((noisy(still, rng) for _ in range(100)), finder)
    sent = [grey for grey, number in zip(greys, times, strict=True) for _ in range(number)]
    new = [i == 0 for number in times for i in range(number)]
    assert [not likeness.repeats for likeness in compared(sent, finder, first=100)] == new


def black(number, spots, seed=1):
    """Black pictures of a covered camera, cut off at 0, some with a bright pixel or two in a random place."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(number):
        picture = np.zeros(SIZE[::-1], np.uint8)
        if i % spots == 0:
            picture[rng.integers(0, 478), rng.integers(0, 638)] = 30
        made.append(picture)
    return made


def test_black_pictures_with_noise_now_and_then_are_new():
    assert not any(likeness.repeats or likeness.stands for likeness in compared(black(300, spots=2))[1:])


def test_black_pictures_without_noise_stand():
    likenesses = compared(black(300, spots=1000))
    assert not any(likeness.repeats for likeness in likenesses[:70])
    assert all(likeness.stands and likeness.repeats and likeness.black for likeness in likenesses[80:])


def struck(number, every, seed=1):
    """A drawn scene without noise, with a hit in every Nth picture."""
    rng, still = np.random.default_rng(seed), scene().astype(np.uint8)
    made = []
    for i in range(number):
        picture = still.copy()
        if i % every == every - 1:
            x, y = rng.integers(0, 630), rng.integers(0, 470)
            picture[y : y + 3, x : x + 3] = 255
        made.append(picture)
    return made


def test_scene_without_noise_is_not_live_by_its_hits():
    """A picture must not count because it holds a hit, else the rate would be that of such pictures alone."""
    likenesses = compared(struck(600, every=40))
    assert all(likeness.repeats and likeness.stands for likeness in likenesses[130:])


def test_scene_without_noise_in_a_strong_field_is_live():
    likenesses = compared(struck(300, every=1))
    assert not any(likeness.repeats or likeness.stands for likeness in likenesses)


def test_white_pictures_are_left_to_be_called_blinded():
    white = [np.full(SIZE[::-1], 255, np.uint8)] * 150
    assert not any(likeness.repeats or likeness.stands for likeness in compared(white))


def test_repeats_begin_anew_with_another_size_and_a_clock_set_back():
    grey = camera(1)[0]
    finder = RepeatFinder()
    sent = [(0.0, grey), (0.04, grey), (0.08, grey[:240]), (0.12, grey[:240]), (-5.0, grey[:240])]
    found = [finder.compare(Frame(i, time_s, UTC, picture)).repeats for i, (time_s, picture) in enumerate(sent)]
    assert found == [False, True, False, True, False]


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (641, 479)])
def test_repeats_are_found_at_any_size(size):
    rng = np.random.default_rng(1)
    sent = [grey for _ in range(10) for grey in [noisy(scene(size=(680, 520))[: size[1], : size[0]], rng)] * 2]
    assert [likeness.repeats for likeness in compared(sent)] == [i % 2 > 0 for i in range(20)]


@pytest.mark.parametrize(
    ("levels", "split"),
    [
        ([0.4, 2.5] * 24, True),
        ([2.5, 0.4, 0.4] * 16, True),
        ([2.5] * 48, False),
        ([9.0] * 24 + [2.0] * 24, False),
        ([0.5, 0.9] * 24, False),
        (list(np.abs(np.sin(np.arange(48) * 0.9)) * 5 + 1.5), False),
    ],
    ids=["twice", "three times", "noise", "a pan that ends", "near", "shaking"],
)
def test_split_of_pattern_needs_two_classes_in_turn(levels, split):
    assert (split_of_pattern(levels) is not None) == split
