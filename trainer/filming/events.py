"""The hits of a film: Poisson in time, uniform over the sensor, sorted into frames by the rolling shutter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import SensorError
from trainer.sensor.library import turned
from trainer.sensor.muons import muon_hits_per_s, muon_library
from trainer.sensor.radiation import hit_rate, hits_in, natural_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary
    from trainer.sensor.radiation import Field

MAX_HITS = 20_000_000  # of a film, at 25 bytes each; more is a typing error, or pictures with nothing but hits


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
        Source of the hit: the name of a nuclide or tube, "natural" or "muon".

    """

    frame: int
    x0: int
    y0: int
    charge_e: NDArray[np.float32] = field(repr=False)
    energy_kev: float
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class DrawnHits:
    """Hits of one radiation in a film, in the order of their frames; a row each, shape (n,).

    Attributes
    ----------
    library : HitLibrary
    frames, rows, columns : int32 arrays
        Frame, and pixel of the brightest charge.
    numbers : int32 array
        Numbers of the hits in the library.
    turns : uint8 array
        Position of each: see `trainer.sensor.library.turned`.

    """

    library: HitLibrary
    frames: NDArray[np.int32] = field(repr=False)
    rows: NDArray[np.int32] = field(repr=False)
    columns: NDArray[np.int32] = field(repr=False)
    numbers: NDArray[np.int32] = field(repr=False)
    turns: NDArray[np.uint8] = field(repr=False)

    def __len__(self) -> int:
        return len(self.frames)

    def event(self, row: int, camera: Camera) -> HitEvent:
        """Return one of the hits with its charge, cut off at the sensor's border."""
        number = int(self.numbers[row])
        charge = turned(self.library.maps[number], int(self.turns[row]))
        y, x = np.unravel_index(int(charge.argmax()), charge.shape)
        corner, inside = _cut(charge, (int(self.columns[row] - x), int(self.rows[row] - y)), camera)
        energy_kev = float(self.library.energy_kev[number])
        return HitEvent(int(self.frames[row]), *corner, inside, energy_kev, self.library.name)


@dataclass(frozen=True, slots=True, eq=False)
class FilmHits:
    """All hits of a film; each is made when its frame is: 100,000 a second do not fill the memory.

    Examples
    --------
    >>> from trainer.sensor.camera import OV2710
    >>> nothing = FilmHits(OV2710, ())
    >>> len(nothing), nothing.of_frame(3)
    (0, [])

    """

    camera: Camera
    parts: tuple[DrawnHits, ...] = field(repr=False)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[HitEvent]:
        for part in self.parts:
            for row in range(len(part)):
                yield part.event(row, self.camera)

    def of_frame(self, number: int) -> list[HitEvent]:
        """Return the hits of a frame."""
        hits = []
        for part in self.parts:
            first, end = np.searchsorted(part.frames, [number, number + 1])
            hits += [part.event(row, self.camera) for row in range(int(first), int(end))]
        return hits


def hits_of(events: FilmHits | Iterable[HitEvent]) -> Callable[[int], list[HitEvent]]:
    """Return the function that returns the hits of a frame."""
    if isinstance(events, FilmHits):
        return events.of_frame
    by_frame: dict[int, list[HitEvent]] = {}
    for event in events:
        by_frame.setdefault(event.frame, []).append(event)
    return lambda number: by_frame.get(number, [])


def film_events(
    camera: Camera,
    fields: list[Field],
    seconds: float,
    seed: int,
    *,
    background: bool = True,
    cache: Path | None = None,
) -> FilmHits:
    """Draw all hits of a film.

    Parameters
    ----------
    camera : Camera
    fields : list of Field
    seconds : float
        Duration of the film.
    seed : int
    background : bool
        Whether natural gammas and cosmic muons come too (for a camera that looks to the horizon).
    cache : Path, optional
        Folder of the libraries, where not the user's cache.

    Raises
    ------
    SensorError
        A start outside of the film, or more hits than any picture holds.

    """
    rng = np.random.default_rng([seed, 1])
    parts: list[DrawnHits] = []
    for source in [*fields, natural_field()] if background else fields:
        if not 0 <= source.start_s <= seconds:
            raise SensorError(f"start at {source.start_s} s: give a moment within the film of {seconds} s")
        rate, _ = hit_rate(camera, source, cache)
        if rate * seconds > MAX_HITS:
            raise SensorError(f"{rate:.3g} hits a second are more than a film holds; lower the dose rate")
        if rate:
            library = hits_in(camera, source.spectrum, cache)
            span = source.start_s, seconds
            parts.append(draw_events(library, rate, span, camera, rng, half_life_s=source.half_life_s))
    if background:
        library = muon_library(camera)
        parts.append(draw_events(library, muon_hits_per_s(camera, library), (0.0, seconds), camera, rng))
    return FilmHits(camera, tuple(parts))


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
) -> DrawnHits:
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
    # Rounded: the last digits of a simulated rate differ from processor to processor, the number of hits must not.
    count = int(rng.poisson(float(f"{hits_per_s * max(end - begin, 0.0):.6g}")))
    times = np.sort(rng.uniform(begin, end, count))
    alive = rng.random(count) < 2.0 ** (-(times - begin) / half_life_s)
    rows = rng.integers(camera.height, size=count)
    columns = rng.integers(camera.width, size=count)
    frames = frame_of(times, rows, camera)
    numbers, turns = library.draw(rng, count)
    kept = np.flatnonzero(alive & (frames >= 0) & (frames < round(end * camera.fps)))
    kept = kept[np.argsort(frames[kept], kind="stable")]  # the rolling shutter mixes neighbouring frames
    return DrawnHits(
        library,
        frames[kept].astype(np.int32),
        rows[kept].astype(np.int32),
        columns[kept].astype(np.int32),
        numbers[kept].astype(np.int32),
        turns[kept].astype(np.uint8),
    )


def _cut(
    charge: NDArray[np.float32], corner: tuple[int, int], camera: Camera
) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """Cut off what lies beyond the sensor's border; return the new corner (x0, y0) and what is left."""
    (x0, y0), (height, width) = corner, charge.shape
    left, top = max(-x0, 0), max(-y0, 0)
    inside = charge[top : min(height, camera.height - y0), left : min(width, camera.width - x0)]
    return (x0 + left, y0 + top), inside
