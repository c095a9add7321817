"""Scenes that are covered, black, saturated, soft or moved; by day and by night."""

import json

import cv2
import numpy as np
import pytest
from drawn_scenes import drawn_scene as scene
from drawn_scenes import noisy

from edge.capture.picture_facts import picture_facts
from edge.capture.view_watch import Reference, ViewWatch

STEP_S = 0.2


def signs_of(pictures, watch=None, first_s=0.0):
    """Return, for each state, the seconds at which its signs were there."""
    watch = watch if watch is not None else ViewWatch()
    seen = {}
    for number, picture in enumerate(pictures):
        now_s = first_s + number * STEP_S
        for name, sign in watch.signs(picture_facts(picture), now_s):
            if sign is not None and sign.is_there:
                seen.setdefault(name, []).append(now_s)
    return seen


def filmed(picture, seconds, sigma=2.0):
    return [noisy(picture, seed, sigma) for seed in range(round(seconds / STEP_S))]


def test_view_of_a_resting_scene_has_no_signs():
    assert signs_of(filmed(scene(), 60)) == {}


HAND = cv2.GaussianBlur(scene(9), (0, 0), 120)


@pytest.mark.parametrize("cover", [np.zeros_like(HAND), HAND, np.full_like(HAND, 120)], ids=["cap", "hand", "tape"])
def test_cover_is_seen_until_it_is_taken_off(cover):
    watch = ViewWatch()
    seen = signs_of(filmed(scene(), 30) + filmed(cover, 20) + filmed(scene(), 10), watch)
    assert set(seen) == {"covered"}
    assert (seen["covered"][0], seen["covered"][-1]) == (pytest.approx(30), pytest.approx(49.8))


def test_fog_and_nightfall_are_no_cover():
    fog = [noisy(120 + (scene() - 120.0) * (1 - i / 1500), i) for i in range(0, 1480, 4)]
    night = [noisy(scene() * max(1 - i / 1500, 0.02), i, 1.0) for i in range(0, 1500, 4)]
    slow = ViewWatch()
    for number, picture in enumerate(fog):
        assert not any(sign and sign.is_there for _, sign in slow.signs(picture_facts(picture), number * 0.8))
    slow = ViewWatch()
    names = {
        name
        for number, picture in enumerate(night)
        for name, sign in slow.signs(picture_facts(picture), number * 0.8)
        if sign and sign.is_there
    }
    assert names <= {"dark"}


@pytest.mark.parametrize("level", [0, 3, 8])
def test_black_picture_is_dark_from_the_start(level):
    seen = signs_of(filmed(np.full_like(HAND, level), 10, sigma=1.5))
    assert set(seen) == {"dark"}
    assert seen["dark"][0] == 0


def test_night_with_lamps_is_not_dark():
    night = np.full((480, 640), 6, np.uint8)
    for x in range(40, 640, 100):
        cv2.circle(night, (x, 60), 18, 200, -1)
    assert signs_of(filmed(night, 20)) == {}


@pytest.mark.parametrize(("share", "blinded"), [(0.3, False), (0.7, True), (1.0, True)])
def test_saturated_picture_is_blinded_from_half_on(share, blinded):
    picture = scene()
    picture[: round(480 * share)] = 255
    assert ("blinded" in signs_of(filmed(picture, 5))) == blinded


def test_blur_is_out_of_focus_until_the_lens_is_clean():
    soft = cv2.GaussianBlur(scene(), (0, 0), 4)
    seen = signs_of(filmed(scene(), 30) + filmed(soft, 40) + filmed(scene(), 40))
    assert set(seen) == {"out_of_focus"}
    assert 30 < seen["out_of_focus"][0] < 42
    assert 70 <= seen["out_of_focus"][-1] < 85


@pytest.mark.parametrize("other", [scene(2), np.roll(scene(), 90, axis=1)], ids=["another scene", "turned"])
def test_lasting_other_view_is_moved(other):
    seen = signs_of(filmed(scene(), 40) + filmed(other, 90))
    assert set(seen) == {"moved"}
    assert 55 < seen["moved"][0] < 80
    assert seen["moved"][-1] > 128


def day_and_night():
    """A day in two hours: light and contrast swing, noise with them; lamps are lit at night."""
    lamps = np.zeros((480, 640), np.float32)
    for x in range(40, 640, 100):
        cv2.circle(lamps, (x, 60), 12, 200, -1)
    for i in range(1800):
        light = 0.55 + 0.45 * np.cos(i / 900 * np.pi)
        picture = 10 + scene() * (0.15 + 0.85 * light) + (lamps if light < 0.3 else 0)
        yield i * 4.0, noisy(picture, i, 2 + 3 * (1 - light))


def test_day_and_night_do_not_move_a_camera():
    watch = ViewWatch()
    for now_s, picture in day_and_night():
        for name, sign in watch.signs(picture_facts(picture), now_s):
            assert sign is None or not sign.is_there, (name, now_s)


def test_crowd_that_passes_is_no_other_view():
    rng = np.random.default_rng(5)
    crowded = []
    for i in range(300):
        picture = noisy(scene(), i)
        for _ in range(25):
            x, y = rng.integers(0, 560), rng.integers(0, 360)
            picture[y : y + 120, x : x + 50] = rng.integers(20, 200)
        crowded.append(picture)
    assert signs_of(filmed(scene(), 30) + crowded) == {}


def test_reference_of_calibration_is_not_given_up():
    kept = Reference.from_dict(json.loads(json.dumps(ViewWatchOf(scene()).as_dict())))
    watch = ViewWatch(kept)
    pictures = filmed(scene(3), 60)
    assert "moved" in signs_of(pictures, watch)
    assert watch.known is kept


def ViewWatchOf(picture):  # noqa: N802 - reads as what it makes
    watch = ViewWatch()
    signs_of(filmed(picture, 20), watch)
    return watch.known


def test_other_view_is_taken_for_the_known_one_after_an_hour():
    watch = ViewWatch()
    signs_of(filmed(scene(), 30), watch)
    pictures = filmed(scene(2), 2) * 10
    for hour_s in range(30, 4000, 1):
        for _ in watch.signs(picture_facts(pictures[hour_s % 100]), float(hour_s)):
            pass
    last = dict(watch.signs(picture_facts(pictures[0]), 4001.0))
    assert last["moved"].is_there is False


@pytest.mark.parametrize(
    "damaged",
    [{}, {"sharpness": 1, "mean_dn": 2}, {"sharpness": "x", "mean_dn": 2, "view": [[1]]}, {"view": None}],
)
def test_reference_that_is_damaged_is_refused(damaged):
    with pytest.raises(ValueError, match="no reference"):
        Reference.from_dict(damaged)
