"""The record beside a film: the options it was made with, so that an interrupted film goes on to the same bytes."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2
import numpy as np

from edge.files import load_json, read_text, why
from trainer.errors import FilmError
from trainer.sensor.library import LIBRARY_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trainer.sensor.camera import Camera
    from trainer.sensor.radiation import Field

FILM_VERSION = 3  # raise it when the same options would give other bytes
Options = dict[str, Any]
TruthLine = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """The record of how a film is made.

    Attributes
    ----------
    options : dict
        All options that decide the bytes of clip and truth, as JSON values.
    command : str
        The command line, to be read by people.

    """

    options: Options = field(repr=False)
    command: str = ""


@dataclass(frozen=True, slots=True)
class KeptFilm:
    """The part of a film that an earlier run has left.

    Attributes
    ----------
    clip : Path
    pictures : tuple of (offset, size)
        Bytes of the clip that hold the JPEGs of the first frames.
    truth : tuple of dict
        Lines of the truth of these frames.
    finished : bool
        Whether nothing is left to film.

    """

    clip: Path
    pictures: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    truth: tuple[TruthLine, ...] = field(default=(), repr=False)
    finished: bool = False

    @property
    def frames(self) -> int:
        """Frames that need not be filmed again."""
        return len(self.pictures)

    def jpegs(self) -> Iterator[bytes]:
        """Yield the JPEGs of the kept frames."""
        if self.pictures:
            with self.clip.open("rb") as file:
                for offset, size in self.pictures:
                    file.seek(offset)
                    yield file.read(size)


def record_of(
    camera: Camera,
    fields: Sequence[Field],
    *,
    scene: str,
    frames: int,
    seed: int,
    background: bool,
    nuisances: Sequence[str],
    command: str = "",
) -> Record:
    """Return the record of a film; `scene` is its digest (`trainer.scenes.film_scene.scene_digest`)."""
    options = {
        "version": FILM_VERSION,
        "camera": camera.model_dump(mode="json"),
        "sources": [_source(source) for source in fields],
        "scene": scene,
        "frames": frames,
        "seed": seed,
        "background": background,
        "nuisances": list(nuisances),
        "hit_library_version": LIBRARY_VERSION,
        "versions": {"opencv": cv2.__version__, "numpy": np.__version__},
    }
    return Record(options, command)


def begin_or_resume(clip: Path, record: Record) -> KeptFilm:
    """Write the record of a new film beside its clip, or find what an earlier run of the same film left.

    Raises
    ------
    FilmError
        Another film is there, or files that no film's record belongs to.

    """
    place, truth = clip.with_suffix(".json"), clip.with_suffix(".jsonl")
    if not place.exists():
        for other in (clip, truth):
            if other.exists():
                raise FilmError(other, "is there already, of another film", "name another file, or remove this one")
        _write_record(place, record)
        return KeptFilm(clip)
    differing = _differences(_read_options(place), record.options)
    if differing:
        problem = f"holds a film of other options ({', '.join(differing)} differ)"
        raise FilmError(clip, problem, "name another file, or give the same options to go on")
    if not clip.exists():
        return KeptFilm(clip)
    if clip.stat().st_size and _beginning(clip) != b"RIFF":
        raise FilmError(clip, "is no film", "name another film, or remove this file")
    pictures, closed = _pictures_of(clip)
    finished = closed and len(pictures) == record.options["frames"]
    # The truth of a frame is written after its picture: a kill may have left the last one without.
    frames = len(pictures) if finished else max(len(pictures) - 1, 0)
    lines = tuple(line for line in _truth_of(truth) if line["frame"] < frames)
    return KeptFilm(clip, tuple(pictures[:frames]), lines, finished)


def is_record(place: Path) -> bool:
    """Return whether a file is the record of a film."""
    try:
        return bool(_read_options(place))
    except FilmError:
        return False


def _source(source: Field) -> dict[str, Any]:
    spectrum = source.spectrum
    return {
        "name": spectrum.name,
        "spectrum_sha256": hashlib.sha256(spectrum.energies_kev.tobytes() + spectrum.weights.tobytes()).hexdigest(),
        "dose_rate_usv_h": source.dose_rate_usv_h,
        "start_s": source.start_s,
        "half_life_s": None if math.isinf(source.half_life_s) else source.half_life_s,
    }


def _write_record(place: Path, record: Record) -> None:
    text = json.dumps({"command": record.command, "options": record.options}, indent=1) + "\n"
    part = place.with_name(f"{place.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(place)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FilmError(place, f"cannot be written ({error.strerror})", "check the folder") from error


def _read_options(place: Path) -> Options:
    try:
        options = load_json(read_text(place))["options"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FilmError(place, "is no record of a film", "name another film, or remove this file") from error
    return options if isinstance(options, dict) else {}


def _differences(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Name the options that differ; those of the camera each by itself."""
    names = []
    for key in sorted({*recorded, *asked}):
        old, new = recorded.get(key), asked.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            names += [f"{key}.{name}" for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        elif old != new:
            names.append(key)
    return names


def _truth_of(place: Path) -> Iterator[TruthLine]:
    """Yield the lines of a truth file up to one that a kill cut short."""
    try:
        text = read_text(place)
        lines = [load_json(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise FilmError(
            place, f"is no truth of a film ({why(error)})", "name another film, or remove this file"
        ) from error
    for line in lines:
        if not isinstance(line, dict) or not isinstance(line.get("frame"), int):
            raise FilmError(place, "is no truth of a film", "name another film, or remove this file")
        yield line


def _pictures_of(clip: Path) -> tuple[list[tuple[int, int]], bool]:
    """Find the JPEGs in a clip that `MotionJpegWriter` wrote: offset and size of each, and whether it was closed."""
    pictures: list[tuple[int, int]] = []
    closed = False
    size_bytes = clip.stat().st_size
    with clip.open("rb") as file:
        for kind, riff_start, riff_end in _chunks(file, 0, size_bytes):
            for name, start, end in _chunks(file, riff_start + 4, riff_end) if kind == b"RIFF" else ():
                if name == b"LIST" and _read(file, start, 4) == b"movi":
                    inside = list(_chunks(file, start + 4, end))
                    pictures += [(begin, stop - begin) for tag, begin, stop in inside if tag == b"00dc"]
                    closed = bool(inside) and inside[-1][0] == b"ix00"
    return pictures, closed


def _beginning(clip: Path) -> bytes:
    with clip.open("rb") as file:
        return file.read(4)


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, begin and end of the content of each whole RIFF chunk between two offsets."""
    while start + 8 <= end:
        name, size = struct.unpack("<4sI", _read(file, start, 8))
        if start + 8 + size > end:
            return
        yield name, start + 8, start + 8 + size
        start += 8 + size + (size & 1)


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    return file.read(count)
