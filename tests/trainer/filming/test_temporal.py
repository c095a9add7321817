"""Temporal noise reduction: hits fade, leave an afterglow, and films stay the same bytes."""

import json
from pathlib import Path

import numpy as np
import pytest

from trainer.data.shots import ThreeFrames, decode_grey
from trainer.data.triples import SceneTriple
from trainer.filming.events import HitEvent
from trainer.filming.exposure import PlacedCharge
from trainer.filming.film import film
from trainer.filming.record import Record
from trainer.filming.studio import random_studio
from trainer.filming.temporal import TemporalFilter
from trainer.sensor.camera import OV2710, Camera, change

SIZE = 96


def test_temporal_filter_forgets_by_its_weight() -> None:
    bright, dark = np.full((4, 4, 3), 200, np.uint8), np.zeros((4, 4, 3), np.uint8)
    camera = TemporalFilter(0.6)
    shown = [int(camera.filtered(picture)[0, 0, 0]) for picture in (dark, bright, dark, dark)]
    assert shown == [0, 80, 48, 29]


def test_temporal_filter_without_weight_changes_nothing() -> None:
    picture = np.full((4, 4, 3), 200, np.uint8)
    assert TemporalFilter(0.0).filtered(picture) is picture


def filmed(out: Path, camera: Camera, record: Record | None = None, progress=None) -> tuple[list[np.ndarray], dict]:
    charge = np.full((3, 3), 1500, np.float32)
    scene = [np.full((SIZE, SIZE, 3), 60, np.uint8)] * 6
    hits = [HitEvent(2, 50, 40, charge, 20.0, "Tc-99m")]
    made = film(out, scene, hits, camera, frames=6, seed=1, threads=2, record=record, progress=progress)
    content = made.clip.read_bytes()
    parts = [b"\xff\xd8" + part for part in content.split(b"\xff\xd8")[1:]]
    greys = [decode_grey(part[: part.rindex(b"\xff\xd9") + 2]) for part in parts]
    return greys, json.loads(made.truth.read_text())


def test_film_fades_hits_and_leaves_an_afterglow(tmp_path: Path) -> None:
    camera = change(OV2710, width=SIZE, height=SIZE)
    _, plain = filmed(tmp_path / "plain.avi", camera)
    greys, faded = filmed(tmp_path / "faded.avi", change(camera, temporal_denoise=0.5))
    assert faded["added"] == pytest.approx(plain["added"] / 2, abs=0.1)
    rise = [float(grey[faded["y"], faded["x"]]) - 60 for grey in greys]
    assert rise[2] == pytest.approx(faded["added"], abs=12)
    assert rise[3] == pytest.approx(rise[2] / 2, abs=8)
    assert abs(rise[1]) < 8


def test_film_with_afterglow_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    camera = change(OV2710, width=SIZE, height=SIZE, temporal_denoise=0.6)
    whole, cut = tmp_path / "whole.avi", tmp_path / "cut.avi"

    class Stopped(Exception):  # noqa: N818 - stands for a kill
        pass

    def stop(frames: int) -> None:
        if frames == 4:
            raise Stopped

    filmed(whole, camera, Record({"frames": 6}))
    with pytest.raises(Stopped):
        filmed(cut, camera, Record({"frames": 6}), stop)
    filmed(cut, camera, Record({"frames": 6}))
    assert cut.read_bytes() == whole.read_bytes()


def test_three_frames_show_the_afterglow_behind_the_hit() -> None:
    studio = random_studio(SIZE, "sensor", "afterglow", np.random.default_rng(3))
    assert studio.temporal_denoise >= 0.3
    levels = tuple(np.full((SIZE, SIZE, 3), 60, np.float32) for _ in range(3))
    frames = ThreeFrames.take(studio, SceneTriple("s", "r", levels))
    grey = decode_grey(frames.content)
    charge = np.full((4, 4), 2 * studio.camera.white_e, np.float32)
    struck = frames.struck([PlacedCharge(40, 40, charge)], grey)
    place = np.s_[41:43, 41:43]
    rise, glow = (
        float(a[place].mean()) - float(b[place].mean())
        for a, b in ((struck.grey, grey), (struck.following, frames.following))
    )
    assert 20 < glow < rise
    assert glow == pytest.approx(studio.temporal_denoise * rise, abs=12)
