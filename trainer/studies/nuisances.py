"""False hits of each nuisance: filmed without a source over textured scenes in which things move."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge.files import read_text
from trainer.errors import OptionError, SensorError
from trainer.filming.events import film_events
from trainer.filming.film import film, named_when_whole
from trainer.filming.nuisances import NUISANCES, make_nuisances
from trainer.scenes.generated import generate_scene
from trainer.sensor.camera import OV2710, change
from trainer.sensor.radiation import nuclide_field
from trainer.studies.quiet import count_false_hits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.detect.manifest import Bundle
    from trainer.sensor.camera import Camera
    from trainer.studies.quiet import QuietClip

UNDISTURBED = "none"
KINDS = (UNDISTURBED, *NUISANCES)
_RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The clips that are filmed of each nuisance.

    Attributes
    ----------
    width, height : int
    fps, seconds : float
        Frames a second and duration of each clip.
    clips : int
        Number of clips of each nuisance. Every clip has its own scene, camera faults and strength of the nuisance.
    seed : int
    dose_rate_usv_h : float
        Of the source, where one is filmed: Tc-99m. 1640 µSv/h gives 5 visible hits a second in 640×480 pixels.

    """

    width: int = 320
    height: int = 240
    fps: float = 25.0
    seconds: float = 120.0
    clips: int = 2
    seed: int = 1
    dose_rate_usv_h: float = 1640.0

    @property
    def frames(self) -> int:
        """Frames of each clip."""
        return round(self.seconds * self.fps)

    @property
    def camera(self) -> Camera:
        """The simulated camera, with the longest exposure that the frame rate and the preset allow."""
        exposure_s = min(OV2710.exposure_s, 1 / self.fps)
        return change(
            OV2710, width=self.width, height=self.height, fps=self.fps, exposure_s=exposure_s, readout_s=exposure_s
        )


def film_nuisances(
    out: Path,
    recipe: Recipe,
    kinds: Sequence[str] = KINDS,
    *,
    source: bool = False,
    threads: int | None = None,
    progress: Callable[[str, int], None] = lambda _name, _frames: None,
) -> dict[str, list[Path]]:
    """Film the clips that are missing, and return all of them.

    They are named NAME-NUMBER.avi, with a source NAME-NUMBER-source.avi.

    Parameters
    ----------
    out : Path
        A new folder, or one of an earlier run with the same recipe.
    recipe : Recipe
    kinds : sequence of str
        Nuisances; "none" is the same scene without any.
    source : bool
        Whether a source shines all the time. Scene, nuisance and faults of the camera are the same with and without.
    threads : int or None
        See `trainer.filming.film.film`.
    progress : callable
        Called with the name of the clip and the number of its frames that are written.

    Returns
    -------
    dict of str to list of Path
        The clips of each kind.

    Raises
    ------
    SensorError
        The folder holds clips of another recipe, or cannot be made.
    OptionError
        A nuisance is not known.

    """
    for kind in kinds:
        if kind not in KINDS:
            raise OptionError("--nuisance", kind, KINDS)
    _keep_recipe(out, recipe)
    clips: dict[str, list[Path]] = {}
    for kind in kinds:
        ending = "-source.avi" if source else ".avi"
        clips[kind] = [out / f"{kind}-{number}{ending}" for number in range(1, recipe.clips + 1)]
        for number, clip in enumerate(clips[kind], start=1):
            if not clip.exists():
                _film_clip(clip, kind, number, recipe, source=source, threads=threads, progress=progress)
    return clips


def analyse_nuisances(
    clips_of: dict[str, list[Path]],
    bundle: Bundle,
    recipe: Recipe,
    progress: Callable[[str, int], None] = lambda _name, _frames: None,
) -> dict[str, list[QuietClip]]:
    """Return the hits that a bundle's detector finds in the clips of each nuisance."""
    analysed: dict[str, list[QuietClip]] = {}
    for kind, clips in clips_of.items():
        analysed[kind] = []
        for clip in clips:
            analysed[kind].append(count_false_hits(clip, bundle, exposure_s=recipe.camera.exposure_s))
            progress(clip.name, analysed[kind][-1].frames)
    return analysed


def _keep_recipe(out: Path, recipe: Recipe) -> None:
    """Write the recipe into a new folder, and refuse a folder of another recipe."""
    wanted = json.dumps(asdict(recipe))
    kept = out / _RECIPE
    try:
        out.mkdir(exist_ok=True)
        if not kept.exists():
            kept.write_text(wanted + "\n", encoding="utf-8")
        found = read_text(kept).strip()
    except OSError as error:
        raise SensorError(f"{out}: cannot be used ({error.strerror}); name a folder in one that is there") from error
    if found != wanted:
        raise SensorError(f"{out}: holds clips of the recipe {found}, not of {wanted}; name another folder")


def _film_clip(
    clip: Path,
    kind: str,
    number: int,
    recipe: Recipe,
    *,
    source: bool,
    threads: int | None,
    progress: Callable[[str, int], None],
) -> None:
    seed = recipe.seed * 1000 + number
    scene = generate_scene(seed, "test", (recipe.width, recipe.height))
    nuisances = make_nuisances([] if kind == UNDISTURBED else [kind], recipe.width, recipe.height, seed)
    fields = [nuclide_field("Tc-99m", dose_rate=recipe.dose_rate_usv_h)] if source else []
    with named_when_whole(clip) as part:
        film(
            part,
            map(scene.picture, range(recipe.frames)),
            film_events(recipe.camera, fields, recipe.seconds, seed, background=False),
            recipe.camera,
            frames=recipe.frames,
            seed=seed,
            threads=threads,
            progress=lambda frames: progress(clip.name, frames),
            nuisances=nuisances,
        )
