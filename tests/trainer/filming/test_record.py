"""A film that was begun goes on to the same bytes; whatever else is in its place is refused and kept."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import FilmError
from trainer.filming.events import HitEvent
from trainer.filming.film import film
from trainer.filming.nuisances import make_nuisances
from trainer.filming.record import Record, record_of
from trainer.scenes.hall import default_scene
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.photons import source_spectrum
from trainer.sensor.radiation import Field

FRAMES = 12
NUISANCES = ("truncated",)


@pytest.fixture(scope="module")
def small() -> Camera:
    return change(OV2710, width=96, height=64)


@pytest.fixture(scope="module")
def events() -> list[HitEvent]:
    charge = np.full((2, 2), 1500, np.float32)
    return [HitEvent(frame, 6 * frame, 30, charge, 20.0, "Tc-99m") for frame in range(FRAMES)]


def record(camera: Camera, **changed: object) -> Record:
    field = Field(source_spectrum("Tc-99m"), 500.0)
    options = {"scene": "generated", "frames": FRAMES, "seed": 3, "background": True, "nuisances": NUISANCES}
    return record_of(camera, [field], **(options | changed))


def filmed(out: Path, camera: Camera, events: list[HitEvent], progress=None):
    return film(
        out,
        default_scene(camera.width, camera.height, 3),
        events,
        camera,
        frames=FRAMES,
        seed=3,
        threads=1,
        progress=progress,
        nuisances=make_nuisances(NUISANCES, camera.width, camera.height, 3),
        record=record(camera),
    )


def files_of(out: Path) -> list[bytes]:
    return [out.with_suffix(ending).read_bytes() for ending in (".avi", ".jsonl", ".json")]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, small: Camera, events: list[HitEvent]) -> Path:
    """A whole film, and beside it what the disk held after each frame: what a kill would have left."""
    out = tmp_path_factory.mktemp("film") / "whole.avi"

    def keep(frames: int) -> None:
        for ending in (".avi", ".jsonl", ".json"):
            place = out.with_suffix(ending)
            shutil.copyfile(place, place.with_name(f"after-{frames}{ending}"))

    filmed(out, small, events, keep)
    return out


@pytest.mark.parametrize("frames", [1, 2, 7, FRAMES])
def test_film_goes_on_after_a_kill_to_the_same_bytes(unbroken, small, events, frames) -> None:
    out = unbroken.with_name(f"after-{frames}.avi")
    made = filmed(out, small, events)
    assert made.kept == frames - 1
    assert (made.frames, made.hits) == (FRAMES, FRAMES)
    assert files_of(out) == files_of(unbroken)
    assert not list(out.parent.glob("part.*"))


def test_film_goes_on_after_a_kill_between_clip_and_truth(unbroken, small, events, tmp_path) -> None:
    out = tmp_path / "cut.avi"
    for ending, cut in ((".avi", 1), (".jsonl", 20), (".json", 0)):
        content = unbroken.with_suffix(ending).read_bytes()
        out.with_suffix(ending).write_bytes(content[: len(content) - cut])
    filmed(out, small, events)
    assert files_of(out) == files_of(unbroken)


def test_film_leaves_a_finished_film_as_it_is(unbroken, small, events) -> None:
    before = [unbroken.with_suffix(ending).stat().st_mtime_ns for ending in (".avi", ".jsonl", ".json")]
    made = filmed(unbroken, small, events)
    assert (made.kept, made.frames, made.hits) == (FRAMES, FRAMES, FRAMES)
    assert [unbroken.with_suffix(ending).stat().st_mtime_ns for ending in (".avi", ".jsonl", ".json")] == before


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"seed": 4}, "(seed differ)", id="seed"),
        pytest.param({"scene": "hall.avi sha256:0"}, "(scene differ)", id="scene"),
        pytest.param({"nuisances": ()}, "(nuisances differ)", id="nuisances"),
    ],
)
def test_film_refuses_other_options(unbroken, small, changed, named) -> None:
    before = files_of(unbroken)
    with pytest.raises(FilmError) as refused:
        film(unbroken, itertools.repeat(None), [], small, frames=FRAMES, seed=3, record=record(small, **changed))
    assert named in str(refused.value)
    assert files_of(unbroken) == before


def test_film_names_the_camera_parameters_that_differ(unbroken, small) -> None:
    with pytest.raises(FilmError, match=r"camera\.gain, camera\.jpeg_quality differ"):
        film(unbroken, [], [], small, frames=1, seed=3, record=record(change(small, gain=3, jpeg_quality=80)))


@pytest.mark.parametrize("name", ["other.avi", "other.jsonl", "other.json"])
def test_film_refuses_foreign_files(small, tmp_path, name) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(FilmError, match=name):
        film(tmp_path / "other.avi", [], [], small, frames=1, seed=3, record=record(small))
    assert [place.name for place in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
