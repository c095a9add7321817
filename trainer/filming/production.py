"""A film from its options: scene, hits, disturbances and record are made ready, then it is filmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import SensorError
from trainer.filming.events import film_events
from trainer.filming.film import film, frame_count
from trainer.filming.nuisances import make_nuisances
from trainer.filming.record import record_of
from trainer.scenes.film_scene import GENERATED, scene_digest, scene_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from trainer.filming.events import FilmHits
    from trainer.filming.film import FilmSummary
    from trainer.filming.nuisances import Nuisance
    from trainer.filming.record import Record
    from trainer.sensor.camera import Camera
    from trainer.sensor.radiation import Field


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """What a film shows besides its source and its camera.

    Attributes
    ----------
    scene : str
        "generated", or the path of a video, of a picture, or of a folder of pictures.
    seconds : float
    background : bool
        Whether natural gammas and cosmic muons come too.
    nuisances : sequence of str
        Names of disturbances.
    seed : int

    """

    scene: str = GENERATED
    seconds: float = 20.0
    background: bool = True
    nuisances: Sequence[str] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Production:
    """A film that is ready to be made: what it shows, all its hits, and the record of its options."""

    out: Path
    camera: Camera
    frames: int
    seed: int
    pictures: Iterator[NDArray[np.uint8]] = field(repr=False)
    hits: FilmHits = field(repr=False)
    nuisances: tuple[Nuisance, ...] = field(repr=False)
    record: Record = field(repr=False)

    def make(self, *, threads: int | None = None, progress: Callable[[int], None] | None = None) -> FilmSummary:
        """Film it once, or go on where an earlier run of the same film was interrupted; see `film`."""
        return film(
            self.out,
            self.pictures,
            self.hits,
            self.camera,
            frames=self.frames,
            seed=self.seed,
            threads=threads,
            progress=progress,
            nuisances=self.nuisances,
            record=self.record,
        )


def prepare(out: Path, radiation: Field, camera: Camera, settings: FilmSettings, *, command: str = "") -> Production:
    """Open the scene and draw all hits of a film. Nothing is written.

    Parameters
    ----------
    out : Path
        The clip, in a folder that exists.
    radiation : Field
    camera : Camera
    settings : FilmSettings
    command : str
        The command line, recorded beside the clip.

    Raises
    ------
    SensorError
        There is no such folder or scene, the clip is the scene itself, or it has no frame.
    OptionError
        There is no such disturbance.

    """
    frames = frame_count(camera, settings.seconds)
    _require_place(out, settings.scene)
    nuisances = make_nuisances(settings.nuisances, camera.width, camera.height, settings.seed)
    pictures = iter(scene_frames(settings.scene, (camera.width, camera.height), settings.seed))
    hits = film_events(camera, [radiation], settings.seconds, settings.seed, background=settings.background)
    record = record_of(
        camera,
        [radiation],
        scene=scene_digest(settings.scene),
        frames=frames,
        seed=settings.seed,
        background=settings.background,
        nuisances=settings.nuisances,
        command=command,
    )
    return Production(out, camera, frames, settings.seed, pictures, hits, nuisances, record)


def _require_place(out: Path, scene: str) -> None:
    """Refuse a film without a folder, or one that would overwrite its own scene."""
    if not out.parent.is_dir():
        raise SensorError(f"{out}: there is no folder {out.parent}; make it first")
    if out.exists() and Path(scene).exists() and out.samefile(scene):
        raise SensorError(f"{out}: is the scene itself and would be overwritten; give the film another name")
