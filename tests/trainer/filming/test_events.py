"""Hits of a film come when and where the rolling shutter has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.filming.events import FilmHits, draw_events, frame_of, hits_of
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.library import HitLibrary


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.floats(0, 2), min_size=1, max_size=30),
    exposure_ms=st.floats(0.1, 33.3),
    row=st.integers(0, 119),
)
def test_frame_of_follows_the_rolling_shutter(times: list[float], exposure_ms: float, row: int) -> None:
    camera = change(OV2710, width=160, height=120, exposure_s=exposure_ms / 1000)
    frames = frame_of(np.array(times), np.full(len(times), row), camera)
    for moment, frame in zip(times, frames, strict=True):
        if frame >= 0:
            begin = frame / camera.fps + row * camera.readout_s / camera.height
            assert begin - 1e-9 <= moment <= begin + camera.exposure_s + 1e-9


def test_draw_events_of_a_short_exposure(camera: Camera, library: HitLibrary) -> None:
    counts = [
        len(draw_events(library, 3000.0, (0.0, 4.0), change(camera, exposure_s=t), np.random.default_rng(2)))
        for t in (1 / 30, 1 / 120)
    ]
    assert counts[1] / counts[0] == pytest.approx(0.25, rel=0.1)


def test_draw_events_of_a_decaying_source(camera: Camera, library: HitLibrary) -> None:
    made = draw_events(library, 1000.0, (0.0, 6.0), camera, np.random.default_rng(3), half_life_s=1.0)
    frames = made.frames
    first, second = (frames < 30).sum(), ((frames >= 30) & (frames < 60)).sum()
    assert second / first == pytest.approx(0.5, rel=0.15)


def test_film_hits_hold_hundred_thousand_a_second(camera: Camera, library: HitLibrary) -> None:
    made = FilmHits(camera, (draw_events(library, 150_000.0, (0.0, 2.0), camera, np.random.default_rng(4)),))
    assert len(made) > 290_000
    held_bytes = sum(getattr(made.parts[0], name).nbytes for name in ("frames", "rows", "columns", "numbers", "turns"))
    assert held_bytes <= 25 * len(made)
    of_frame = made.of_frame(30)
    assert len(of_frame) == pytest.approx(5000, rel=0.1)
    assert {event.frame for event in of_frame} == {30}


def test_hits_of_are_the_same_one_by_one_and_by_frame(camera: Camera, library: HitLibrary) -> None:
    made = FilmHits(camera, (draw_events(library, 200.0, (0.0, 1.0), camera, np.random.default_rng(4)),))
    listed = hits_of(list(made))
    for frame in range(31):
        one, other = ([(e.x0, e.y0, e.charge_e.tobytes()) for e in of(frame)] for of in (hits_of(made), listed))
        assert one == other
