from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.errors import OptionError
from trainer.filming.events import HitEvent
from trainer.filming.exposure import PlacedCharge
from trainer.filming.film import film
from trainer.filming.nuisances import NUISANCES, make_nuisance, make_nuisances
from trainer.filming.studio import random_studio
from trainer.sensor.camera import OV2710, change

SIZE = 128
WIDTH, HEIGHT, FRAMES = 160, 96, 8


def scene(level: float = 60) -> np.ndarray:
    ground = np.full((SIZE, SIZE, 3), level, np.float32)
    ground += np.linspace(0, 60, SIZE, dtype=np.float32)[None, :, None]
    ground[40:60, 30:70] += 60
    return ground


@pytest.mark.parametrize("name", NUISANCES)
def test_nuisance_is_the_same_for_the_same_frame(name: str) -> None:
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
        changed += nuisance.temporal_denoise > 0
    assert changed > 0


@pytest.mark.parametrize("name", NUISANCES)
def test_nuisance_leaves_the_charge_of_hits_alone(name: str) -> None:
    """What a hit adds is added after the nuisance: with and without it the same pixels gain."""
    levels = scene()
    studio = random_studio(SIZE, "sensor", name, np.random.default_rng(8))
    charge = np.full((4, 4), 3 * studio.camera.white_e, np.float32)
    before, after = (studio.picture(levels, 1, charges).astype(int) for charges in ((), [PlacedCharge(90, 90, charge)]))
    gained = np.argwhere((after - before).max(axis=2) > 40)
    assert len(gained)
    assert (np.abs(gained - 91.5) < 7).all()


def test_make_nuisance_lists_the_known_names() -> None:
    with pytest.raises(ValueError, match="clock, glints, rain"):
        make_nuisance("hail", np.random.default_rng(1), 64, 64)


def filmed(out: Path, *nuisances: str) -> tuple[bytes, str]:
    camera = change(OV2710, width=WIDTH, height=HEIGHT)
    charge = np.full((2, 2), 1500, np.float32)
    events = [HitEvent(frame, 20 * frame, 30, charge, 20.0, "Tc-99m") for frame in range(1, FRAMES - 1)]
    ground = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    ground[::8] = 120
    made = film(
        out,
        [ground] * FRAMES,
        events,
        camera,
        frames=FRAMES,
        seed=1,
        threads=1,
        nuisances=make_nuisances(nuisances, WIDTH, HEIGHT, 1),
    )
    return made.clip.read_bytes(), made.truth.read_text()


@pytest.mark.parametrize("name", NUISANCES)
def test_film_with_a_nuisance_has_the_same_truth(tmp_path: Path, name: str) -> None:
    plain, truth = filmed(tmp_path / "plain.avi")
    disturbed, still_truth = filmed(tmp_path / "disturbed.avi", name)
    assert still_truth == truth
    assert len(truth.splitlines()) == FRAMES - 2
    assert disturbed != plain
    assert filmed(tmp_path / "again.avi", name)[0] == disturbed


def test_film_with_several_nuisances(tmp_path: Path) -> None:
    alone = {filmed(tmp_path / f"{name}.avi", name)[0] for name in ("rain", "clock")}
    assert filmed(tmp_path / "both.avi", "rain", "clock")[0] not in alone


def test_make_nuisances_lists_the_choices() -> None:
    with pytest.raises(OptionError, match=r"--nuisance hail.*clock, glints, rain"):
        make_nuisances(["hail"], 64, 64, 1)


def points_of(light: np.ndarray) -> set[tuple[int, int]]:
    grey = light.sum(axis=2)
    peaks = (grey == cv2.dilate(grey, np.ones((9, 9)))) & (grey > grey.mean() + 0.3)
    return {(int(x), int(y)) for y, x in np.argwhere(peaks)}


def test_stars_stay_and_twinkle() -> None:
    stars = make_nuisance("stars", np.random.default_rng(2), 320, 240)
    first, second = (stars.light(np.full((240, 320, 3), 0.2, np.float32), t) for t in (0, 1))
    both = points_of(first) & points_of(second)
    assert len(both) >= 3
    changes = [float(second[y, x].sum() / first[y, x].sum()) for x, y in both]
    assert max(changes) > 1.05 or min(changes) < 0.95


def test_leaves_sparkle_in_a_part_of_the_picture() -> None:
    leaves = make_nuisance("leaves", np.random.default_rng(3), 320, 240)
    ground = np.full((240, 320, 3), 0.05, np.float32)
    frames = np.stack([leaves.light(ground, t).sum(axis=2) for t in range(40)])
    moving = np.ptp(frames, axis=0) > 0.3
    assert 1e-4 < moving.mean() < 0.3
    rows, columns = np.nonzero(moving)
    assert np.ptp(rows) < 200
    assert np.ptp(columns) < 240
