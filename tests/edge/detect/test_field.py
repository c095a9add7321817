import cv2
import numpy as np
import pytest

from edge.detect.field import Field, FieldWatch, field_of
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair


def noisy(rng, size=(320, 480), sigma=2.0):
    return np.clip(rng.normal(80, sigma, size), 0, 255).astype(np.uint8)


def struck(rng, hits, size=(320, 480)):
    picture = noisy(rng, size)
    ys, xs = rng.integers(0, size[0] - 1, hits), rng.integers(0, size[1] - 1, hits)
    picture[ys, xs] = 180
    picture[ys, xs + 1] = 130
    return picture


def three(make):
    return tuple(make() for _ in range(3))


@pytest.mark.parametrize("hits", [60, 300, 1500, 6000])
def test_field_limits_the_hits_from_below(hits):
    rng = np.random.default_rng(hits)
    field = field_of(three(lambda: struck(rng, hits)), 2.0)
    assert field.overloads
    assert 0.15 * hits < field.min_hits <= 1.1 * hits


def test_field_limit_rises_with_the_hits():
    rng = np.random.default_rng(1)
    limits = [field_of(three(lambda n=n: struck(rng, n)), 2.0).min_hits for n in (60, 200, 600, 2000, 6000)]
    assert limits == sorted(limits)


def test_field_floods_where_hits_cover_the_picture():
    rng = np.random.default_rng(2)
    field = field_of(three(lambda: struck(rng, 60_000)), 2.0)
    assert field.floods
    assert "cover the picture" in field.in_words


def shifted(base, pixels):
    return np.roll(base, pixels, axis=1)


def textured(rng):
    coarse = cv2.GaussianBlur(rng.normal(0, 1, (320, 480)).astype(np.float32), (0, 0), 2)
    return np.clip(90 + 40 * coarse / coarse.std(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(lambda _, base: tuple(shifted(base, shift) for shift in (0, 2, 4)), id="pan"),
        pytest.param(lambda _, base: tuple(shifted(base, shift) for shift in (0, 2, 0)), id="shake"),
        pytest.param(lambda _, base: (base, cv2.add(base, 30), base), id="flash"),
        pytest.param(lambda _, base: (cv2.add(base, 40), base, cv2.add(base, 40)), id="flicker"),
        pytest.param(lambda rng, _: three(lambda: noisy(rng, sigma=4.0)), id="noise"),
        pytest.param(lambda rng, _: three(lambda: noisy(rng, sigma=0.0)), id="still"),
    ],
)
def test_field_is_not_seen_in(frames):
    rng = np.random.default_rng(3)
    assert not field_of(frames(rng, textured(rng)), 2.0).overloads


def test_field_in_one_part_of_the_picture_is_none():
    rng = np.random.default_rng(4)

    def rain_before_a_lamp():
        picture = noisy(rng)
        picture[:160, :240] = struck(rng, 600)[:160, :240]
        return picture

    assert not field_of(three(rain_before_a_lamp), 2.0).overloads


def test_field_watch_looks_only_where_points_are_many():
    rng = np.random.default_rng(5)
    still = three(lambda: noisy(rng))
    noise = noise_of_pair(still[0], still[2], CandidateRules())
    watch = FieldWatch()
    assert all(watch.look(still, 3, noise) is None for _ in range(20))
    strong = three(lambda: struck(rng, 600))
    looks = [watch.look(strong, 900, noise) for _ in range(8)]
    assert all(isinstance(look, Field) and look.overloads for look in looks[3:])  # found by a look now and then
    assert all(watch.look(still, 3, noise) is not None for _ in range(10))
    assert watch.look(still, 3, noise) is None


def rain(rng, size=(320, 480)):
    drops = np.zeros(size, np.uint8)
    for x, y, length in zip(rng.integers(0, 480, 60), rng.integers(0, 320, 60), rng.integers(8, 40, 60), strict=True):
        end = (int(x + 0.2 * length), int(y + length))
        cv2.line(drops, (int(x), int(y)), end, int(rng.integers(60, 160)), 1, cv2.LINE_AA)
    return cv2.add(noisy(rng), cv2.GaussianBlur(drops, (0, 0), 0.7))


def test_field_tells_streaks_of_rain_from_points():
    rng = np.random.default_rng(5)
    field = field_of(three(lambda: rain(rng)), 2.0)
    assert field.occupancy > 0.05
    assert field.streaks > 0.1
    assert field.falls
    assert not field.overloads
    assert field_of(three(lambda: struck(rng, 300)), 2.0).streaks < 0.005


def test_field_behind_rain_still_overloads():
    rng = np.random.default_rng(6)
    field = field_of(three(lambda: cv2.max(rain(rng), struck(rng, 6000))), 2.0)
    assert field.overloads
    assert not field.falls
