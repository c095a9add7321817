"""When and where hits come: Poisson in time, even over the sensor, sorted into frames by the rolling shutter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary


@dataclass(frozen=True, slots=True, eq=False)
class HitEvent:
    """One hit of a film.

    Attributes
    ----------
    frame : int
    x0, y0 : int
        Upper left pixel of the charge on the sensor.
    charge_e : float32 array, shape (h, w)
        Electrons; cut off at the sensor's border.
    energy_kev : float
        Left in the layers that collect charge.
    origin : str
        Nuclide, tube or "muon".

    """

    frame: int
    x0: int
    y0: int
    charge_e: NDArray[np.float32] = field(repr=False)
    energy_kev: float
    origin: str


def frame_of(times_s: NDArray[np.float64], rows: NDArray[np.int64], camera: Camera) -> NDArray[np.int64]:
    """Give the frame whose exposure of that row a moment falls into, or −1 where the row was not integrating.

    Row r of frame k integrates from k/fps + r × readout/height on, for exposure_s.
    """
    period = 1.0 / camera.fps
    since = times_s - rows * (camera.readout_s / camera.height)
    frame = np.floor(since / period + 1e-12).astype(np.int64)
    within = since - frame * period
    return np.where((within < camera.exposure_s + 1e-12) & (frame >= 0), frame, -1)


def draw_events(
    library: HitLibrary,
    hits_per_s: float,
    span_s: tuple[float, float],
    camera: Camera,
    rng: Generator,
    *,
    half_life_s: float = float("inf"),
) -> list[HitEvent]:
    """Draw the hits of one radiation between two moments of a film.

    Parameters
    ----------
    library : HitLibrary
    hits_per_s : float
        On the whole sensor at full duty, at the first moment.
    span_s : (float, float)
        From and to, seconds from the start of the film.
    camera : Camera
    rng : Generator
    half_life_s : float
        The rate falls with it.

    """
    begin, end = span_s
    count = int(rng.poisson(hits_per_s * max(end - begin, 0.0)))
    times = np.sort(rng.uniform(begin, end, count))
    alive = rng.random(count) < 2.0 ** (-(times - begin) / half_life_s)
    rows = rng.integers(camera.height, size=count)
    columns = rng.integers(camera.width, size=count)
    frames = frame_of(times, rows, camera)
    events = []
    for i, (charge, energy_kev) in enumerate(library.sample(rng, count)):
        if alive[i] and frames[i] >= 0:
            y, x = np.unravel_index(int(charge.argmax()), charge.shape)
            corner = int(columns[i] - x), int(rows[i] - y)
            cut_corner, inside = _cut(charge, corner, camera)
            events.append(HitEvent(int(frames[i]), *cut_corner, inside, energy_kev, library.name))
    return events


def _cut(
    charge: NDArray[np.float32], corner: tuple[int, int], camera: Camera
) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """Cut off what lies beyond the sensor's border; gives the new corner (x0, y0) too."""
    (x0, y0), (height, width) = corner, charge.shape
    left, top = max(-x0, 0), max(-y0, 0)
    inside = charge[top : min(height, camera.height - y0), left : min(width, camera.width - x0)]
    return (x0 + left, y0 + top), inside
