"""The hits of a film: Poisson in time, uniform over the sensor, sorted into frames by the rolling shutter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import SensorError
from trainer.sensor.library import build_library
from trainer.sensor.muons import muon_hits_per_s, muon_library
from trainer.sensor.radiation import LIBRARY_HITS, at_sensor, hit_rate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary
    from trainer.sensor.radiation import Field

MAX_HITS = 1_000_000  # of a film; more is a typing error, or a picture with nothing but hits


@dataclass(frozen=True, slots=True, eq=False)
class HitEvent:
    """A hit of a film.

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
        Source of the hit: the name of a nuclide or tube, or "muon".

    """

    frame: int
    x0: int
    y0: int
    charge_e: NDArray[np.float32] = field(repr=False)
    energy_kev: float
    origin: str


def film_events(
    camera: Camera,
    fields: list[Field],
    seconds: float,
    seed: int,
    *,
    muons: bool = True,
    cache: Path | None = None,
) -> list[HitEvent]:
    """Draw all hits of a film.

    Parameters
    ----------
    camera : Camera
    fields : list of Field
    seconds : float
        Duration of the film.
    seed : int
    muons : bool
        Whether cosmic muons come too (for a camera that looks to the horizon).
    cache : Path, optional
        Folder of the libraries, where not the user's cache.

    Raises
    ------
    SensorError
        A start outside of the film, or more hits than any picture holds.

    """
    rng = np.random.default_rng([seed, 1])
    events: list[HitEvent] = []
    for source in fields:
        if not 0 <= source.start_s <= seconds:
            raise SensorError(f"start at {source.start_s} s: give a moment within the film of {seconds} s")
        rate, _ = hit_rate(camera, source, cache)
        if rate * seconds > MAX_HITS:
            raise SensorError(f"{rate:.3g} hits a second are more than a film holds; lower the dose rate")
        if rate:
            inside, _ = at_sensor(camera, source.spectrum)
            library = build_library(inside, camera, LIBRARY_HITS, cache=cache)
            events += draw_events(library, rate, (source.start_s, seconds), camera, rng, half_life_s=source.half_life_s)
    if muons:
        library = muon_library(camera)
        events += draw_events(library, muon_hits_per_s(camera, library), (0.0, seconds), camera, rng)
    last = round(seconds * camera.fps) - 1
    return [event for event in events if event.frame <= last]


def frame_of(times_s: NDArray[np.float64], rows: NDArray[np.int64], camera: Camera) -> NDArray[np.int64]:
    """Return the frame whose exposure of a row each moment falls into, −1 where the row was not integrating.

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
        Hits a second on the whole sensor at full duty, at the first moment.
    span_s : (float, float)
        First and last moment, in seconds from the start of the film.
    camera : Camera
    rng : Generator
    half_life_s : float
        Half-life with which the rate falls.

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
    """Cut off what lies beyond the sensor's border; return the new corner (x0, y0) and what is left."""
    (x0, y0), (height, width) = corner, charge.shape
    left, top = max(-x0, 0), max(-y0, 0)
    inside = charge[top : min(height, camera.height - y0), left : min(width, camera.width - x0)]
    return (x0 + left, y0 + top), inside
