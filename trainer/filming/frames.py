"""Frames of the simulated camera in memory, as the agent gets them, with the true hits of each."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.capture.frame import Frame
from edge.capture.jpeg import decode_grey
from edge.truth import TrueHit
from trainer.filming.events import hits_of
from trainer.filming.film import film_frame
from trainer.filming.studio import film_studio
from trainer.filming.temporal import TemporalFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from trainer.filming.events import FilmHits, HitEvent
    from trainer.sensor.camera import Camera

_BEGINNING = datetime(2026, 1, 1, tzinfo=timezone.utc)


def simulated_frames(
    camera: Camera,
    scene: Iterable[NDArray[np.uint8]],
    events: FilmHits | Iterable[HitEvent],
    truth: dict[int, list[TrueHit]],
    *,
    seed: int,
) -> Iterator[Frame]:
    """Film a scene without a file and yield its frames, each with its JPEG and the decoded grey picture.

    Parameters
    ----------
    camera : Camera
    scene : iterable of uint8 arrays, shape (height, width, 3)
        One picture for each frame; the film ends with it.
    events : FilmHits, or iterable of HitEvent
    truth : dict
        The true hits of each frame are written into it before the frame is yielded.
    seed : int
        Seed of noise and sensor faults.

    """
    of_frame = hits_of(events)
    studio = film_studio(camera, seed)
    temporal = TemporalFilter(studio.temporal_denoise)
    for number, picture in enumerate(scene):
        jpeg, lines = film_frame(studio, picture, number, of_frame(number), temporal)
        truth[number] = [
            TrueHit(number, line["x"], line["y"], tuple(line["box"]), float(line["added"])) for line in lines
        ]
        time_s = number / camera.fps
        yield Frame(
            number,
            time_s,
            _BEGINNING + timedelta(seconds=time_s),
            decode_grey(jpeg),
            exposure_s=camera.exposure_s,
            jpeg=jpeg,
        )
