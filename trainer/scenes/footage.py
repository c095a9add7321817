"""Footage of fixed cameras as scenes: videos and folders of pictures, probed once and read in short runs."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2

from edge.capture.base import quiet_opencv
from edge.capture.container import container_of
from edge.capture.picture_file import PICTURE_SUFFIXES, bits_of, read_colour
from edge.capture.video import bits_of_pixels
from edge.files import in_natural_order, name_in_utf8, sha256_of, shown_name, why
from trainer.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from trainer.scenes.splits import Split

VIDEO_SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".mkv", ".m4v", ".mjpg", ".mjpeg", ".webm", ".mpg", ".mpeg"})
MIN_FRAMES = 3
MIN_SIZE = 64


@dataclass(frozen=True, slots=True)
class Footage:
    """A recording of a scene.

    Attributes
    ----------
    path : Path
        A video, or a folder of pictures that are its frames in order of name.
    kind : {"video", "pictures"}
    frames : int
        Frames that can be read.
    width, height : int
        Size of the picture in pixels.
    sha256 : str
        SHA-256 of the video's bytes, or of the pictures' names and bytes.
    bits : int or None
        Bits in use of pictures with 16, which are scaled to 8; None where they have 8.
    remark : str
        What the recording holds and is not read; empty where nothing is lost.

    """

    path: Path
    kind: Literal["video", "pictures"]
    frames: int
    width: int
    height: int
    sha256: str
    bits: int | None = None
    remark: str = ""

    @property
    def scene(self) -> str:
        """Name of the scene: the same recording has the same name wherever it lies."""
        return f"footage-{shown_name(self.path.stem)}-{self.sha256[:8]}"

    @property
    def origin(self) -> dict[str, Any]:
        """What dataset.json says of it."""
        return {"scene": self.scene, "frames": self.frames, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not used, and why."""

    path: Path
    reason: str


def probe(places: Iterable[Path]) -> tuple[list[Footage], list[Refusal]]:
    """Probe videos, folders of pictures and folders that hold either.

    A folder whose own files are pictures is one recording; each video is one. What cannot be used is named with its
    reason, not raised.
    """
    quiet_opencv()  # what cannot be decoded is named once, in our words
    used: list[Footage] = []
    refused: list[Refusal] = []
    for place in places:
        for source in _sources(place):
            outcome = _probe(source)
            if isinstance(outcome, Footage):
                used.append(outcome)
            else:
                refused.append(outcome)
    by_content = {footage.sha256: footage for footage in reversed(used)}
    for footage in used:
        first = by_content[footage.sha256]
        if first is not footage:
            refused.append(Refusal(footage.path, f"the same recording as {first.path.name}"))
    return sorted(by_content.values(), key=lambda footage: footage.sha256), refused


def require_footage(places: Sequence[Path], warn: Callable[[str], object] = lambda _: None) -> list[Footage]:
    """Probe places of which at least one must be usable. `warn` is called with what is not used, and why.

    Raises
    ------
    DatasetError
        None is; the message names the first reasons.

    """
    used, refused = probe(places)
    if places and not used:
        why = (
            "; ".join(f"{refusal.path.name}: {refusal.reason}" for refusal in refused[:3])
            or "no video and no picture in it"
        )
        raise DatasetError(
            places[0], f"no usable footage ({why})", "give videos or picture folders of at least three frames"
        )
    for refusal in refused:
        warn(f"{refusal.path}: not used: {refusal.reason}")
    for footage in used:
        if footage.remark:
            warn(f"{footage.path}: {footage.remark}")
    return used


def split_footage(recordings: Sequence[Footage]) -> dict[Split, list[Footage]]:
    """Share recordings 75/25 between train and validation, each whole; the shortest go to validation.

    A single recording goes to train: frames of one recording are never in both.
    """
    by_length = sorted(recordings, key=lambda footage: (footage.frames, footage.sha256))
    held_out = max(1, round(len(by_length) / 4)) if len(by_length) > 1 else 0
    return {"train": by_length[held_out:], "validation": by_length[:held_out], "test": list(recordings)}


def read_run(footage: Footage, start: int, count: int, stride: int = 1) -> list[NDArray[np.uint8]]:
    """Read frames start, start + stride, ...: uint8 arrays, shape (height, width, 3), blue first; fewer at the end."""
    if footage.kind == "pictures":
        files = picture_files(footage.path)[start : start + count * stride : stride]
        read = [read_colour(file, footage.bits) for file in files]
        return [picture for picture in read if picture is not None]
    with name_in_utf8(footage.path) as name:
        capture = cv2.VideoCapture(name)
    try:
        capture.set(cv2.CAP_PROP_POS_FRAMES, start)
        frames: list[NDArray[np.uint8]] = []
        for i in range((count - 1) * stride + 1):
            if i % stride:
                if not capture.grab():
                    break
                continue
            ok, frame = capture.read()
            if not ok:
                break
            frames.append(frame)
        return frames
    finally:
        capture.release()


def read_all(video: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield all frames of a video. Reading in runs would repeat or skip some where the rate varies."""
    with name_in_utf8(video) as name:
        capture = cv2.VideoCapture(name)
    try:
        while True:
            is_read, frame = capture.read()
            if not is_read:
                return
            yield frame
    finally:
        capture.release()


def remark_on(recording: Path, pixel_format: int = 0) -> str:
    """Return what a recording holds and is not read: further streams, bits beyond the eighth. It is often empty.

    `pixel_format` is that of a video, as OpenCV names it.
    """
    if recording.is_dir():
        bits = bits_of(picture_files(recording))
        return "" if bits is None else f"its pictures have 16 bits and use {bits} of them, which are scaled to 8"
    remarks = []
    streams = container_of(recording).video_streams if recording.is_file() else 0
    if streams > 1:
        remarks.append(f"holds {streams} streams of pictures, of which only the first is read")
    deep = bits_of_pixels(pixel_format)
    if deep > 8:
        remarks.append(f"its pictures have {deep} bits, of which the upper 8 are read")
    return "; ".join(remarks)


def picture_files(folder: Path) -> list[Path]:
    """List the pictures directly in a folder, in natural order."""
    return in_natural_order(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)


def _sources(place: Path) -> list[Path]:
    """Return the videos and picture folders at a place; a place of neither kind is returned as it is, to be refused."""
    if not place.is_dir():
        return [place]
    folders = [place, *in_natural_order(inner for inner in place.rglob("*") if inner.is_dir())]
    of_pictures = [folder for folder in folders if picture_files(folder)]
    return of_pictures + in_natural_order(file for file in place.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)


def _probe(source: Path) -> Footage | Refusal:
    if source.is_dir():
        return _probe_pictures(source)
    if not source.exists():
        return Refusal(source, "does not exist")
    try:
        with name_in_utf8(source) as name:
            capture = cv2.VideoCapture(name)
    except OSError as error:
        return Refusal(source, f"cannot be read ({why(error)})")
    ok, first = capture.read()
    frames = 1 if ok else 0
    while ok and capture.grab():
        frames += 1
    pixel_format = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT))
    capture.release()
    if not ok:
        return Refusal(source, "is no video that OpenCV can decode")
    try:
        digest = sha256_of(source)
    except OSError as error:
        return Refusal(source, f"cannot be read ({why(error)})")
    return _long_enough(
        Footage(source, "video", frames, first.shape[1], first.shape[0], digest, remark=remark_on(source, pixel_format))
    )


def _probe_pictures(folder: Path) -> Footage | Refusal:
    digest = hashlib.sha256()
    sizes = set()
    files = picture_files(folder)
    bits = bits_of(files)
    for file in files:
        picture = read_colour(file, bits)
        if picture is None:
            return Refusal(folder, f"{file.name} is cut short or cannot be decoded: the frames would have a gap")
        sizes.add(picture.shape[:2])
        digest.update(os.fsencode(file.name) + file.read_bytes())
    if len(sizes) != 1:
        return Refusal(folder, f"its pictures have {len(sizes)} different sizes: they are no frames of one camera")
    height, width = sizes.pop()
    return _long_enough(
        Footage(folder, "pictures", len(files), width, height, digest.hexdigest(), bits, remark_on(folder))
    )


def _long_enough(footage: Footage) -> Footage | Refusal:
    if footage.frames < MIN_FRAMES:
        return Refusal(footage.path, f"has {footage.frames} frames, three in a row are needed")
    if min(footage.width, footage.height) < MIN_SIZE:
        return Refusal(footage.path, f"has {footage.width}x{footage.height} pixels, at least {MIN_SIZE} are needed")
    return footage
