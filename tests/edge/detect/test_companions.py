import numpy as np
import pytest

from edge.detect.companions import find_companions

SIZE = (240, 320)


def noisy(rng):
    return [np.clip(rng.normal(70, 2, SIZE), 0, 255).astype(np.uint8) for _ in range(3)]


def spot(picture, x, y, height=90):
    height_, width = picture.shape
    for dy, dx, share in ((0, 0, 1.0), (0, 1, 0.7), (1, 0, 0.7), (1, 1, 0.5), (0, -1, 0.4), (-1, 0, 0.4)):
        if 0 <= y + dy < height_ and 0 <= x + dx < width:
            picture[y + dy, x + dx] = min(255, int(picture[y + dy, x + dx]) + int(height * share))


def companions(pictures, *places):
    xs, ys = (np.array(column, np.intp) for column in zip(*places, strict=True))
    return find_companions(tuple(pictures), xs, ys, np.full(len(xs), 12))


@pytest.mark.parametrize("step", [(4, 0), (0, 9), (-3, 12), (20, 22), (7, -25)])
def test_companions_show_what_moves(step):
    pictures = noisy(np.random.default_rng(1))
    for number, picture in enumerate(pictures):
        spot(picture, 160 + step[0] * (number - 1), 120 + step[1] * (number - 1))
    assert companions(pictures, (160, 120)).moving.tolist() == [True]


@pytest.mark.parametrize("place", [(3, 120), (316, 100), (150, 2), (310, 5)])
def test_companions_are_sought_on_one_side_at_the_border(place):
    pictures = noisy(np.random.default_rng(2))
    inwards = (5 if place[0] < 160 else -5, 8 if place[1] < 120 else -8)
    spot(pictures[1], *place)
    spot(pictures[2], place[0] + inwards[0], place[1] + inwards[1])
    assert companions(pictures, place).moving.tolist() == [True]


@pytest.mark.parametrize("place", [(160, 120), (2, 100), (317, 237)])
def test_companions_are_none_of_a_hit(place):
    pictures = noisy(np.random.default_rng(3))
    spot(pictures[1], *place)
    found = companions(pictures, place)
    assert not found.moving.any()
    assert not found.by_chance.any()


def test_companions_of_unlike_height_do_not_count():
    pictures = noisy(np.random.default_rng(4))
    for number, picture in enumerate(pictures):
        spot(picture, 160 + 5 * number, 120, height=90 if number == 1 else 30)
    assert not companions(pictures, (165, 120)).moving.any()


@pytest.mark.parametrize("hits", [2, 10, 60, 400])
def test_companions_by_chance_tell_a_field_from_things_that_move(hits):
    rng = np.random.default_rng(hits)
    moving, by_chance, count = 0, 0, 0
    while count < 200:
        pictures = noisy(rng)
        places = [[(int(rng.integers(320)), int(rng.integers(240))) for _ in range(hits)] for _ in range(3)]
        for picture, spots in zip(pictures, places, strict=True):
            for x, y in spots:
                spot(picture, x, y)
        found = companions(pictures, *places[1])
        moving, by_chance, count = moving + found.moving.sum(), by_chance + found.by_chance.sum(), count + hits
    assert abs(moving - by_chance) / count < 0.12
    if hits <= 10:
        assert moving / count < 0.02 + 0.01 * hits
