from dataclasses import replace
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.capture.frame import Frame, Triple
from edge.detect.faint import NAMES, SURE_ODDS
from edge.detect.hit import Hit
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair
from edge.detect.nuisance import (
    MOVES,
    POINT_OF_LIGHT,
    SecondLook,
    Surroundings,
    judge_spots,
    look_at,
    on_points_of_light,
)
from edge.detect.view import FrameCache

SIZE = (240, 320)
PLACE = (160, 120)


def ground(rng, texture=0.0):
    coarse = cv2.GaussianBlur(rng.normal(0, 1, SIZE).astype(np.float32), (0, 0), 1.5)
    return 60 + texture * coarse / coarse.std()


def films(rng, base, heights, drift=(0, 0)):
    """Frames with a soft point of light of these heights, over a ground with noise."""
    frames = []
    for number, height in enumerate(heights):
        middle = (
            PLACE[1] + drift[1] * (number - len(heights) // 2),
            PLACE[0] + drift[0] * (number - len(heights) // 2),
        )
        rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
        point = height * np.exp(-((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / 1.3)
        frames.append(np.clip(base + point + rng.normal(0, 2, SIZE), 0, 255).astype(np.uint8))
    return frames


HIT = Hit(*PLACE, 0.99, 60.0, 4, live=True)


def surroundings(frames, bgr=None):
    """Of a hit in the last but one of the frames, which has the colours `bgr`."""
    *older, previous, current, following = frames
    triple = Triple(
        *(
            Frame(number, number / 25, datetime(2026, 1, 1, tzinfo=timezone.utc), grey, bgr=bgr)
            for number, grey in enumerate((previous, current, following))
        )
    )
    noise = noise_of_pair(previous, following, CandidateRules())
    return Surroundings(FrameCache(None).masked(triple), older, noise, candidates=1)


def judged(frames, bgr=None):
    """Judge a hit at the place."""
    (hit,), _ = judge_spots((HIT,), (), surroundings(frames, bgr))
    return hit


@pytest.mark.parametrize("texture", [0, 10], ids=["plain", "textured"])
def test_hit_of_one_frame_is_no_nuisance(texture):
    rng = np.random.default_rng(1)
    hit = judged(films(rng, ground(rng, texture), (0, 0, 0, 90, 0)))
    assert hit.nuisance is None
    assert hit.counts


def odds(frames, bgr):
    """How much more likely the hit of `judged` is radiation than light, at the first look and at the second."""
    look = look_at((HIT,), surroundings(frames, bgr))
    return np.array([look.light_odds[0], look.sure_odds[0]])


def test_hit_is_told_from_light_by_its_colour():
    rng = np.random.default_rng(6)
    frames = films(rng, ground(rng), (0, 0, 0, 90, 0))
    white = frames[3][..., None].repeat(3, axis=2)
    white[..., 2] += 6  # a picture whose channels are equal shows no colours
    red = white.copy()
    x, y = PLACE
    red[y : y + 2, x : x + 2, [0, 1]] = 70
    assert (odds(frames, red) > odds(frames, white) + 1).all()
    assert np.isnan(odds(frames, None)).all()


def with_odds(monkeypatch, light_odds, sure_odds):
    for name, value in (("light_odds", light_odds), ("sure_odds", sure_odds)):
        found = property(lambda look, value=value: np.full(len(look.coloured), value, np.float32))
        monkeypatch.setattr(SecondLook, name, found)


@pytest.mark.parametrize(
    ("light_odds", "sure_odds", "like_light", "sure"),
    [
        (-1.5, 0, True, False),
        (0.5, SURE_ODDS - 0.1, False, False),
        (0.5, SURE_ODDS + 0.1, False, True),
        (np.nan, np.nan, False, True),
    ],
)
def test_odds_decide_what_a_hit_looks_like(monkeypatch, light_odds, sure_odds, like_light, sure):
    with_odds(monkeypatch, light_odds, sure_odds)
    rng = np.random.default_rng(8)
    hit = judged(films(rng, ground(rng), (0, 0, 0, 90, 0)))
    assert (hit.nuisance, hit.like_light, hit.sure) == (None, like_light, sure)


@pytest.mark.parametrize(("sure_odds", "grade"), [(2.0, 0), (3.0, 1), (SURE_ODDS + 0.1, 2), (9.0, 4), (np.nan, 0)])
def test_judge_spots_returns_unsure_that_may_be_radiation(monkeypatch, sure_odds, grade):
    with_odds(monkeypatch, 0.0, sure_odds)
    rng = np.random.default_rng(8)
    around = surroundings(films(rng, ground(rng), (0, 0, 0, 90, 0)))
    expected = (replace(HIT, grade=grade),) if grade else ()
    assert judge_spots((), (HIT,), around) == ((), expected)


def test_second_look_describes_what_moves_and_shines():
    rng = np.random.default_rng(3)
    flake, star, hit = (
        look_at((HIT,), surroundings(films(rng, ground(rng), heights, drift)))
        for heights, drift in (((90, 90, 90), (3, 11)), ((30, 20, 30, 90, 25), (0, 0)), ((0, 0, 0, 90, 0), (0, 0)))
    )
    assert flake.moving[0]
    assert flake.described[0, NAMES.index("companions")] > 0.5
    assert hit.described[0, NAMES.index("companions")] < 0.3
    assert star.on_light[0]
    assert star.described[0, NAMES.index("on_light")] == 1
    assert not hit.on_light[0]


@pytest.mark.parametrize(("star", "flare"), [(30, 90), (15, 60), (60, 100)])
def test_star_that_twinkles_is_a_point_of_light(star, flare):
    rng = np.random.default_rng(2)
    hit = judged(films(rng, ground(rng), (star, 0.7 * star, star, flare, 0.8 * star)))
    assert hit.nuisance == POINT_OF_LIGHT
    assert not hit.counts


def test_flake_moves():
    rng = np.random.default_rng(3)
    hit = judged(films(rng, ground(rng), (90, 90, 90), drift=(3, 11)))
    assert hit.nuisance == MOVES


def test_points_of_light_are_few_on_textured_ground():
    rng = np.random.default_rng(4)
    base = ground(rng, 12)
    frames = [np.clip(base + rng.normal(0, 2, SIZE), 0, 255).astype(np.uint8) for _ in range(4)]
    xs, ys = rng.integers(0, SIZE[1], 300), rng.integers(0, SIZE[0], 300)
    assert on_points_of_light(frames, xs, ys, np.full(300, 60)).mean() < 0.06


def test_judge_spots_leaves_an_empty_frame():
    rng = np.random.default_rng(5)
    grey = np.clip(rng.normal(60, 2, SIZE), 0, 255).astype(np.uint8)
    assert judge_spots((), (), surroundings((grey, grey, grey))) == ((), ())
