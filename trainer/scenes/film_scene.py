"""Scenes to film: the generated one, a video, a still, a folder of stills; always frames of the camera's size."""

from __future__ import annotations

import hashlib
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.arguments import takes
from edge.capture.picture_file import PICTURE_SUFFIXES, bits_of, read_colour
from trainer.errors import SensorError
from trainer.scenes.footage import picture_files, read_all
from trainer.scenes.hall import default_scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

GENERATED = "generated"
MAX_KEPT_BYTES = 400_000_000  # of footage kept as JPEG to be shown backwards when it ends before the film
_KEPT_QUALITY = 97


@takes(spec=str)
def scene_frames(spec: str, size: tuple[int, int], seed: int) -> Iterator[NDArray[np.uint8]]:
    """Open a scene as endless frames: uint8, shape (height, width, 3), blue first.

    A video shows one of its frames in each of the film's. When it ends it runs backwards and forwards again, so that no
    cut stands in the film. Pictures of another shape are scaled to fill the sensor and cut evenly.

    Parameters
    ----------
    spec : str
        "generated", or the path of a video, of a picture, or of a folder of pictures.
    size : (int, int)
        Width and height in pixels.
    seed : int
        Seed of the generated scene.

    Raises
    ------
    SensorError
        Nothing there, or nothing that OpenCV reads. Raised at the call, not at the first frame.

    """
    if spec == GENERATED:
        return default_scene(*size, seed)
    path = Path(spec)
    if not path.exists():
        raise SensorError(f"scene {spec}: not found; name a video, a picture, a folder of pictures, or '{GENERATED}'")
    if path.is_dir():
        stills = picture_files(path)
        if not stills:
            raise SensorError(f"scene {spec}: a folder without pictures ({', '.join(PICTURE_SUFFIXES)})")
        bits = bits_of(stills)
        frames: Iterator[NDArray[np.uint8]] = (_still(still, bits) for still in stills)
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        fitted = fit(_still(path), size)
        return repeat(fitted)
    else:
        frames = read_all(path)
    first = next(frames, None)
    if first is None:
        raise SensorError(f"scene {spec}: no frame can be read; is it a video that OpenCV knows?")
    return _there_and_back(fit(frame, size) for frame in chain([first], frames))


@takes(spec=str)
def scene_digest(spec: str) -> str:
    """Return what tells a scene from others: its name and the SHA-256 of its file or of a folder's pictures."""
    if spec == GENERATED:
        return spec
    path = Path(spec)
    digest = hashlib.sha256()
    for file in picture_files(path) if path.is_dir() else [path]:
        with file.open("rb") as opened:
            while content := opened.read(1 << 20):
                digest.update(content)
    return f"{path.name} sha256:{digest.hexdigest()}"


def fit(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale a picture to fill a size (width, height) and crop it evenly."""
    width, height = size
    own_height, own_width = picture.shape[:2]
    if (own_width, own_height) == size:
        return picture
    scale = max(width / own_width, height / own_height)
    scaled_size = max(round(own_width * scale), width), max(round(own_height * scale), height)
    scaled = cv2.resize(picture, scaled_size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    x0, y0 = (scaled_size[0] - width) // 2, (scaled_size[1] - height) // 2
    cut: NDArray[np.uint8] = np.ascontiguousarray(scaled[y0 : y0 + height, x0 : x0 + width])
    return cut


def _still(path: Path, bits: int | None = None) -> NDArray[np.uint8]:
    picture = read_colour(path, bits)
    if picture is None:
        raise SensorError(f"scene {path}: no picture that can be read; is the file whole?")
    return picture


def _there_and_back(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames, then the last ones backwards, forwards, and so on; frames shown are kept as JPEG."""
    shown: list[NDArray[np.uint8]] = []
    held_bytes = 0
    for frame in frames:
        yield frame
        packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _KEPT_QUALITY])[1]
        shown.append(packed)
        held_bytes += packed.nbytes
        while held_bytes > MAX_KEPT_BYTES:
            held_bytes -= shown.pop(0).nbytes
    while True:
        shown.reverse()
        for packed in shown[1:] or shown:
            again = cv2.imdecode(packed, cv2.IMREAD_COLOR)
            if again is not None:
                yield again
