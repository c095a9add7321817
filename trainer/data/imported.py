"""Datasets N and P from imported recordings: A fused with B has label 0, C fused with B label 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.crops import cut, window_origin
from trainer.data.dataset import Dataset, DatasetIndex, Samples, Strata
from trainer.data.places import Place, around, in_groups, random_places
from trainer.data.recordings import CUT_PX, Blotch, Imported, split_recordings
from trainer.data.shots import decode_colour, decode_grey
from trainer.data.triples import SceneSource
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError
from trainer.filming.fusion import fuse_light, fuse_max
from trainer.filming.picture_noise import PictureNoise
from trainer.filming.studio import Studio
from trainer.scenes.footage import split_footage
from trainer.sensor.camera import OV2710, change
from trainer.sensor.isp import GREY_OF_BGR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.filming.fusion import Fusion
    from trainer.scenes.splits import Split

_SAMPLES_A_SHARD = 256
_PLACES = 24


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How blotches and scenes are fused; `crops` in all, half of each label, three quarters of them for training."""

    crops: int
    crop_size: int
    fusion: Fusion
    seed: int
    noise_dn: float = 1.5
    shot_dn: float = 0.02


def build_imported(
    path: Path,
    imported: Imported,
    options: ImportOptions,
    *,
    command: str = "",
    on_shard: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Fuse imported blotches with imported scenes and write the dataset.

    Blotches and scenes are split 75/25 by recording, each set by itself, so that validation meets new ones of both.

    Raises
    ------
    DatasetError
        B holds a single recording, or A or C has too few blotches for two splits.

    """
    scenes = split_footage(imported.scenes)
    noise, radiation = split_recordings(imported.noise), split_recordings(imported.radiation)
    if not scenes["validation"]:
        raise DatasetError(path, "B holds one recording only", "give two or more: splits are by recording")
    if not all((*noise, *radiation)):
        raise DatasetError(path, "A or C has too few blotches for two splits", "record longer, or in two sessions")
    counts = _shards(options.crops)
    index = DatasetIndex(
        kind="imported",
        command=command,
        seed=options.seed,
        crop_size=options.crop_size,
        recipe={
            "crops": options.crops,
            "fusion": options.fusion,
            "scenes": [footage.sha256 for footage in imported.scenes],
            "noise_blotches": len(imported.noise),
            "radiation_blotches": len(imported.radiation),
            "contaminated": "A holds natural ionisation labelled 0",
            **_recorded(imported),
        },
        planned_shards=len(counts),
    )
    writer = DatasetWriter(path, index)
    for shard in writer.missing:
        split: Split = "validation" if shard % 4 == 3 or (len(counts) < 4 and shard == len(counts) - 1) else "train"
        part = 1 if split == "validation" else 0
        rng = np.random.default_rng([options.seed, 13, shard])
        source = SceneSource(rng, split, [], scenes[split], max(448, 2 * options.crop_size + 192), footage_share=1.0)
        samples = _fused(source, (noise[part], radiation[part]), counts[shard], options, rng)
        writer.add(shard, split, _marked(samples, split))
        if on_shard:
            on_shard(sum(counts[: shard + 1]), options.crops)
    return Dataset.open(path)


def _recorded(imported: Imported) -> dict[str, object]:
    """Return the notes of the recordings, where a box made them."""
    if not imported.notes:
        return {}
    return {"recordings": {name: note.model_dump(mode="json") for name, note in sorted(imported.notes.items())}}


def _shards(crops: int) -> list[int]:
    whole, rest = divmod(crops, _SAMPLES_A_SHARD)
    counts = [_SAMPLES_A_SHARD] * whole + ([rest] if rest else [])
    return counts if len(counts) > 1 else [crops - crops // 4, crops // 4]


def _marked(samples: Samples, split: Split) -> Samples:
    strata = tuple({**sample, "split": split} for sample in samples.strata)
    return Samples(samples.greys, samples.bgr, samples.spot, samples.label, strata)


def _fused(
    source: SceneSource,
    blotches: tuple[Sequence[Blotch], Sequence[Blotch]],
    count: int,
    options: ImportOptions,
    rng: Generator,
) -> Samples:
    """Make `count` samples, label 0 with blotches of A and label 1 with blotches of C, at places alike."""
    quota = [count - count // 2, count // 2]
    parts: list[Samples] = []
    while any(quota):
        for label in (0, 1):
            if quota[label]:
                samples = _shot(source, blotches[label], label, options, rng)
                parts += samples[: quota[label]]
                quota[label] -= min(quota[label], len(samples))
    return Samples.joined(parts, options.crop_size)


def _shot(
    source: SceneSource, blotches: Sequence[Blotch], label: int, options: ImportOptions, rng: Generator
) -> list[Samples]:
    scene = source.draw(rng)
    size = scene.levels[0].shape[0]
    [places, *_] = in_groups(
        random_places(rng, size, options.crop_size, _PLACES, "random"), options.crop_size // 2 + CUT_PX, 1
    )
    chosen = [blotches[int(i)] for i in rng.integers(len(blotches), size=len(places))]
    covered = _covered(size, places, chosen)
    quality = int(rng.integers(70, 96))
    studio = Studio(
        change(OV2710, jpeg_quality=quality),
        "picture",
        lambda *_: rng,
        picture_noise=PictureNoise(options.noise_dn, options.shot_dn, 0.5),
    )
    contents = []
    for t, levels in enumerate(scene.levels):
        struck = fuse_light(covered, levels) if t == 1 and options.fusion == "charge" else levels
        picture = studio.picture(struck, t)
        contents.append(studio.send(fuse_max(covered, picture) if t == 1 and options.fusion == "max" else picture, t))
    greys = [decode_grey(content) for content in contents]
    bgr = decode_colour(contents[1])
    before = scene.levels[1] @ GREY_OF_BGR
    made = []
    for place, blotch in zip(places, chosen, strict=True):
        added = _added(options.fusion, blotch, float(before[place.y, place.x]))
        if added < 1:
            continue  # on ground so bright nothing is left of it; for both labels
        origin = window_origin(place.x, place.y, options.crop_size, size, size)
        motion = cv2.absdiff(around(greys[0], place.x, place.y), around(greys[2], place.x, place.y)).mean()
        strata: Strata = {
            "scene": scene.scene,
            "recording": blotch.recording,
            "added_dn": round(added, 1) if label else None,
            "background_dn": round(float(before[place.y, place.x]), 1),
            "motion_dn": round(float(motion), 2),
            "jpeg_quality": quality,
            "nuclide": "recorded" if label else None,
            "fusion": options.fusion,
            "nuisance": None,
            "stratum": ("faint" if added < 25 else "visible" if added < 40 else "bright") if label else "negative",
            "blotch": not label,
            "contaminated": not label,
        }
        crops = np.stack([cut(grey, origin, options.crop_size) for grey in greys], axis=-1)[None]
        spot = np.array([[place.x - origin[0], place.y - origin[1]]], np.int16)
        colours = cut(bgr, origin, options.crop_size)[None]
        made.append(Samples(crops, colours, spot, np.array([label], np.uint8), (strata,)))
    return made


def _covered(size: int, places: Sequence[Place], blotches: Sequence[Blotch]) -> NDArray[np.uint8]:
    """Lay blotches on black, each with its brightest pixel at its place: uint8, shape (size, size, 3)."""
    half = CUT_PX // 2
    covered = np.zeros((size + CUT_PX, size + CUT_PX, 3), np.uint8)
    for place, blotch in zip(places, blotches, strict=True):
        window = covered[place.y : place.y + CUT_PX, place.x : place.x + CUT_PX]
        np.maximum(window, blotch.patch, out=window)
    return covered[half : half + size, half : half + size]


def _added(fusion: Fusion, blotch: Blotch, ground_dn: float) -> float:
    """Return the grey levels that the brightest pixel of a blotch adds to its ground."""
    middle = blotch.patch[CUT_PX // 2 : CUT_PX // 2 + 1, CUT_PX // 2 : CUT_PX // 2 + 1]
    ground = np.full((1, 1, 3), ground_dn, np.float32)
    after = fuse_light(middle, ground) if fusion == "charge" else np.maximum(middle.astype(np.float32), ground)
    return float(((after - ground) @ GREY_OF_BGR)[0, 0])
