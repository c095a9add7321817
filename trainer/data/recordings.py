"""The paper's own sets from a user's recordings: A (noise, lens covered), B (scenes), C (radiation, lens covered).

A folder with subfolders A, B and C, each with videos or pictures. They come without truth: a hit of C is taken to be a
compact spot that stands in one frame only. So are the blotches of A, and there lies a difficulty that no import
can mend: 48 hours under a lens cap hold natural ionisation, too, labelled 0. An imported A is marked as contaminated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.picture_file import bits_of, read_colour
from edge.files import in_natural_order
from trainer.data.notes import NOTE_SUFFIX, described, with_fitting_notes
from trainer.errors import DatasetError
from trainer.scenes.footage import Footage, Refusal, picture_files, probe, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.site.recording import RecordingNote, SetName

SETS: tuple[SetName, ...] = ("A", "B", "C")
CUT_PX = 32
"""Edge of the square that is cut out around a blotch."""
_FLOOR_DN = 8  # composites count a pixel of a covered camera's picture as bright above this
_MIN_PEAK_DN = 20
_MAX_PIXELS = 120  # larger bright areas are light that leaks in
_MAX_MEAN_DN = 20  # a covered camera's picture is dark
_MAX_GROUNDS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Blotch:
    """A bright spot of a covered camera.

    Attributes
    ----------
    recording : str
        Name of the recording in which it was found. Splits are by recording.
    frame, x, y : int
        Place of its brightest pixel.
    pixels : int
    peak_dn : int
    patch : uint8 array, shape (CUT_PX, CUT_PX, 3)
        The spot alone, black around it, its brightest pixel in the middle.

    """

    recording: str
    frame: int
    x: int
    y: int
    pixels: int
    peak_dn: int
    patch: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Imported:
    """The content of imported recordings.

    Attributes
    ----------
    noise, radiation : tuple of Blotch
        Blotches of set A and of set C.
    scenes : tuple of Footage
        Recordings of set B.
    used : dict of set name to list of (recording, what came of it)
    refused : dict of set name to list of Refusal
    session_auc : float
        How well a single figure of the dark background (a colour's mean or spread, blotches left out) tells a picture
        of A from one of C: 0.5 not at all, 1 always. It says what a network could cheat with if whole pictures were
        fused; the cut-outs that are fused hold nothing of the background.
    notes : dict of recording to RecordingNote
        Of those recordings that `gammabox-edge record` made.

    """

    noise: tuple[Blotch, ...] = field(repr=False)
    radiation: tuple[Blotch, ...] = field(repr=False)
    scenes: tuple[Footage, ...]
    used: dict[SetName, list[tuple[str, str]]]
    refused: dict[SetName, list[Refusal]]
    session_auc: float
    notes: dict[str, RecordingNote] = field(default_factory=dict)

    def report(self) -> str:
        """Say line by line what was used and what was not, and why."""
        lines = []
        for name in SETS:
            lines += [f"{name}  used      {recording}: {what}" for recording, what in self.used[name]]
            lines += [f"{name}  not used  {refusal.path.name}: {refusal.reason}" for refusal in self.refused[name]]
        lines.append(f"the session alone, without blotches, tells A from C with AUC {self.session_auc:.2f}")
        lines.append(
            "A is contaminated: natural radiation and muons under the lens cap are labelled 0 in it; "
            "a network trained on it is taught to overlook a few hits"
        )
        return "\n".join(lines)


def import_recordings(folder: Path) -> Imported:
    """Read a folder in the paper's form.

    Raises
    ------
    DatasetError
        A, B or C is missing, or nothing in one of them can be used; the message says why.

    """
    places = {name: _set_folder(folder, name) for name in SETS}
    used: dict[SetName, list[tuple[str, str]]] = {name: [] for name in SETS}
    refused: dict[SetName, list[Refusal]] = {name: [] for name in SETS}
    blotches: dict[SetName, list[Blotch]] = {"A": [], "C": []}
    grounds: dict[SetName, list[list[float]]] = {"A": [], "C": []}
    notes: dict[str, RecordingNote] = {}
    for name in ("A", "C"):
        for recording, pictures in _covered(places[name], name, refused[name], notes):
            of_recording, why = _blotches_of(recording, pictures, grounds[name])
            if why:
                refused[name].append(Refusal(places[name] / recording, why))
            else:
                blotches[name] += of_recording
                used[name].append((recording, f"{len(of_recording)} blotches{described(notes.get(recording))}"))
    scenes, not_scenes = probe([places["B"]])
    refused["B"] += not_scenes
    scenes = with_fitting_notes(scenes, "B", refused["B"], notes)
    for scene in scenes:
        remark = f"; {scene.remark}" if scene.remark else ""
        what = f"{scene.frames} frames of {scene.width}x{scene.height}{described(notes.get(scene.path.name))}{remark}"
        used["B"].append((scene.path.name, what))
    for name in SETS:
        if not used[name]:
            why = "; ".join(f"{refusal.path.name}: {refusal.reason}" for refusal in refused[name][:3]) or "it is empty"
            raise DatasetError(folder, f"nothing in {name} can be used ({why})", "see docs/datasets.md for its form")
    auc = session_auc(np.array(grounds["A"]), np.array(grounds["C"]))
    return Imported(tuple(blotches["A"]), tuple(blotches["C"]), tuple(scenes), used, refused, auc, notes)


def session_auc(noise: NDArray[np.float64], radiation: NDArray[np.float64]) -> float:
    """Return the best AUC of any single column for telling rows of one array from rows of the other, 0.5 to 1."""
    best = 0.5
    for a, c in zip(noise.T, radiation.T, strict=True):
        greater = (c[:, None] > a[None, :]).mean() + 0.5 * (c[:, None] == a[None, :]).mean()
        best = max(best, float(greater), float(1 - greater))
    return best


def split_recordings(blotches: Sequence[Blotch]) -> tuple[list[Blotch], list[Blotch]]:
    """Share blotches 75/25 by recording; those of a single recording by its time, the last quarter held out."""
    names = sorted({blotch.recording for blotch in blotches})
    if len(names) == 1:
        last = max(blotch.frame for blotch in blotches)
        return [b for b in blotches if b.frame <= 0.75 * last], [b for b in blotches if b.frame > 0.75 * last]
    held_out = set(names[-max(1, round(len(names) / 4)) :])
    return [b for b in blotches if b.recording not in held_out], [b for b in blotches if b.recording in held_out]


def find_blotches(
    picture: NDArray[np.uint8], others: Sequence[NDArray[np.uint8]], name: str, frame: int
) -> list[Blotch]:
    """Find the spots of a covered camera's picture that are not in the `others` (the frames beside it).

    Parameters
    ----------
    picture : uint8 array, shape (height, width, 3)
    others : sequence of the same
        A pixel that is bright there too is a hot pixel, no blotch.
    name : str
        Name of the recording.
    frame : int

    """
    bright = picture.max(axis=2)
    steady = np.zeros_like(bright)
    for other in others:
        steady = np.maximum(steady, other.max(axis=2))
    mask = ((bright > _FLOOR_DN) & (bright > steady.astype(np.int16) + _FLOOR_DN)).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    blotches = []
    half = CUT_PX // 2
    padded = cv2.copyMakeBorder(picture, half, half, half, half, cv2.BORDER_CONSTANT)
    marks = cv2.copyMakeBorder(labels.astype(np.int32), half, half, half, half, cv2.BORDER_CONSTANT)
    for i in range(1, count):
        x0, y0, w, h, pixels = (int(v) for v in boxes[i])
        own = np.where(labels[y0 : y0 + h, x0 : x0 + w] == i, bright[y0 : y0 + h, x0 : x0 + w], 0)
        if own.max() < _MIN_PEAK_DN or pixels > _MAX_PIXELS or max(w, h) > half:
            continue
        peak_y, peak_x = (int(v) for v in np.unravel_index(int(own.argmax()), own.shape))
        x, y = x0 + peak_x, y0 + peak_y
        window = np.s_[y : y + CUT_PX, x : x + CUT_PX]
        patch = padded[window] * (marks[window] == i)[..., None].astype(np.uint8)
        blotches.append(Blotch(name, frame, x, y, pixels, int(own.max()), patch))
    return blotches


def _set_folder(folder: Path, name: SetName) -> Path:
    for spelling in (name, name.lower(), f"dataset_{name}", f"Dataset {name}"):
        if (folder / spelling).is_dir():
            return folder / spelling
    raise DatasetError(folder, f"it has no subfolder {name}", "lay recordings in A (noise), B (scenes), C (radiation)")


def _covered(
    folder: Path, name: SetName, refused: list[Refusal], notes: dict[str, RecordingNote]
) -> Iterator[tuple[str, Iterator[NDArray[np.uint8]]]]:
    """Yield each recording of a covered camera: videos, and folders of pictures of any sizes."""
    for place in [folder, *in_natural_order(inner for inner in folder.rglob("*") if inner.is_dir())]:
        if picture_files(place):
            yield place.name, _readable(place, refused)
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != NOTE_SUFFIX)
    videos, not_used = probe(in_natural_order(file for file in files if not _is_picture(file)))
    refused += not_used
    for video in with_fitting_notes(videos, name, refused, notes):
        yield video.path.name, read_all(video.path)


def _is_picture(file: Path) -> bool:
    return file in picture_files(file.parent)


def _readable(folder: Path, refused: list[Refusal]) -> Iterator[NDArray[np.uint8]]:
    files = picture_files(folder)
    bits = bits_of(files)
    for file in files:
        picture = read_colour(file, bits)
        if picture is None:
            refused.append(Refusal(file, "is cut short or cannot be decoded"))
            continue
        yield picture


def _blotches_of(
    recording: str, pictures: Iterator[NDArray[np.uint8]], grounds: list[list[float]]
) -> tuple[list[Blotch], str]:
    """Find the blotches of a recording, each picture against its neighbours; or say why there are none.

    Adds to `grounds` the mean and spread of each colour's background in up to 500 pictures.
    """
    blotches: list[Blotch] = []
    frames, dark = 0, 0
    window: list[NDArray[np.uint8]] = []
    for picture in pictures:
        frames += 1
        if picture.mean() > _MAX_MEAN_DN:
            window = []
            continue
        dark += 1
        if dark <= _MAX_GROUNDS:
            ground = picture[picture.max(axis=2) <= _FLOOR_DN]
            grounds.append([*ground.mean(axis=0).tolist(), *ground.std(axis=0).tolist()] if len(ground) else [0.0] * 6)
        if window and window[-1].shape != picture.shape:
            window = []
        window = [*window[-2:], picture]
        if len(window) == 3:
            blotches += find_blotches(window[1], (window[0], window[2]), recording, frames - 2)
    if not frames:
        return [], "holds no picture that can be read"
    if not dark:
        return (
            [],
            f"all of its {frames} pictures are brighter than {_MAX_MEAN_DN} grey levels: the lens was not covered",
        )
    if not blotches:
        return [], f"no blotch in {dark} dark pictures (three of one size in a row are needed)"
    return blotches, ""
