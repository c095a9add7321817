from pathlib import Path

import numpy as np
import pytest

from trainer.errors import OptionError
from trainer.film.events import HitEvent
from trainer.film.film import film
from trainer.film.nuisances import NUISANCES, make_nuisances
from trainer.sensor.camera import OV2710, change

WIDTH, HEIGHT, FRAMES = 160, 96, 8


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
def test_a_film_with_a_nuisance_has_other_pictures_and_the_same_truth(tmp_path: Path, name: str) -> None:
    plain, truth = filmed(tmp_path / "plain.avi")
    disturbed, still_truth = filmed(tmp_path / "disturbed.avi", name)
    assert still_truth == truth
    assert len(truth.splitlines()) == FRAMES - 2
    assert disturbed != plain
    assert filmed(tmp_path / "again.avi", name)[0] == disturbed


def test_several_nuisances_act_together(tmp_path: Path) -> None:
    alone = {filmed(tmp_path / f"{name}.avi", name)[0] for name in ("rain", "clock")}
    assert filmed(tmp_path / "both.avi", "rain", "clock")[0] not in alone


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(OptionError, match=r"--nuisance hail.*clock, glints, rain"):
        make_nuisances(["hail"], 64, 64, 1)
