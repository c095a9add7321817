import cv2
import numpy as np
import pytest

from trainer.film.exposure import PlacedCharge
from trainer.film.nuisances import NUISANCES, make_nuisance
from trainer.film.studio import random_studio

SIZE = 128


def scene(level: float = 60) -> np.ndarray:
    ground = np.full((SIZE, SIZE, 3), level, np.float32)
    ground += np.linspace(0, 60, SIZE, dtype=np.float32)[None, :, None]
    ground[40:60, 30:70] += 60
    return ground


@pytest.mark.parametrize("name", NUISANCES)
def test_a_nuisance_changes_pictures_and_is_the_same_again_for_the_same_frame(name: str) -> None:
    nuisance = make_nuisance(name, np.random.default_rng(5), SIZE, SIZE)
    assert nuisance.name == name
    light = (scene() / 255).astype(np.float32)
    picture = scene().astype(np.uint8)
    packed = bytes(cv2.imencode(".jpg", picture)[1])
    changed = 0
    for t in range(8):
        if nuisance.light:
            kept = light.copy()
            once = nuisance.light(light, t)
            assert np.array_equal(once, nuisance.light(light, t))
            assert np.array_equal(light, kept), "the picture given must not be changed"
            assert once.shape == light.shape
            assert once.dtype == np.float32
            assert once.min() >= 0
            changed += not np.array_equal(once, light)
        if nuisance.picture:
            once = nuisance.picture(picture, t)
            assert np.array_equal(once, nuisance.picture(picture, t))
            assert once.dtype == np.uint8
            changed += not np.array_equal(once, picture)
        if nuisance.stream:
            assert nuisance.stream(packed, t) == nuisance.stream(packed, t)
            changed += nuisance.stream(packed, t) != packed
    assert changed > 0


@pytest.mark.parametrize("name", NUISANCES)
def test_a_nuisance_leaves_the_charge_of_hits_alone(name: str) -> None:
    """What a hit adds is added after the nuisance: with and without it the same pixels gain."""
    levels = scene()
    studio = random_studio(SIZE, "sensor", name, np.random.default_rng(8))
    charge = np.full((4, 4), 3 * studio.camera.white_e, np.float32)
    before, after = (studio.picture(levels, 1, charges).astype(int) for charges in ((), [PlacedCharge(90, 90, charge)]))
    gained = np.argwhere((after - before).max(axis=2) > 40)
    assert len(gained)
    assert (np.abs(gained - 91.5) < 7).all()


def test_an_unknown_nuisance_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="clock, glints, rain"):
        make_nuisance("hail", np.random.default_rng(1), 64, 64)
