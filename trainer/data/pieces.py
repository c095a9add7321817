"""Pieces of recordings as a box would meet them: scaled, noisy, compressed, struck by hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.frame import Frame
from trainer.data.places import random_hits
from trainer.data.shots import decode_colour, decode_grey, describe_strikes
from trainer.data.triples import cut_window, draw_footage
from trainer.filming.cameras import random_cover_camera
from trainer.filming.nuisances import make_nuisance
from trainer.filming.picture_noise import PictureNoise
from trainer.filming.studio import Studio
from trainer.scenes.footage import read_run
from trainer.sensor.camera import OV2710, change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.hits import HitBank
    from trainer.data.shots import Strike
    from trainer.scenes.footage import Footage

SIZE = 352
"""Side of the pictures, pixels: most of a small recording at its own scale."""
FRAMES = 34
"""Frames of a piece: the detector gets to know the camera's noise in the first ones."""
LEARNT_FRAMES = 4
"""Frames at the start without hits, and of which no candidate is kept."""
NUISANCES = ("rain", "insects", "glints")
"""What makes spots of a frame's length. Snow is left out: its flakes are like hits to the pixel."""
_OWN_SCALE_SHARE = 0.35
_SMALLER, _LARGER = (0.6, 1.0), (1.0, 4.5)
_SMALLER_SHARE = 0.5  # of the scaled ones
_STRIDES = (1, 1, 1, 2, 3)
_QUALITIES = (70, 80, 85, 90, 90, 90, 95)
_APART_PX = 40  # between two hits of a frame
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some frames of a window of a recording, before the camera.

    Attributes
    ----------
    footage : Footage
    views : list of float32 arrays, shape (SIZE, SIZE, 3)
        sRGB levels 0..255, blue first.
    scale : float
        Size of the picture for that of the recording.
    studio : Studio
        The camera before it.

    """

    footage: Footage
    views: list[NDArray[np.float32]] = field(repr=False)
    scale: float
    studio: Studio = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class FilmedFrame:
    """A frame of a piece as the box gets it, its JPEG, and the hits in it."""

    frame: Frame
    content: bytes = field(repr=False)
    strikes: tuple[Strike, ...]

    @property
    def bgr(self) -> NDArray[np.uint8]:
        """The decoded picture, uint8, shape (SIZE, SIZE, 3)."""
        return decode_colour(self.content)


def draw_piece(recordings: Sequence[Footage], nuisance_share: float, rng: Generator) -> Piece:
    """Draw a piece of one of some recordings, the longer ones more often, and a camera before it."""
    footage, scale = draw_footage(recordings, rng), _scale(rng)
    views = cut_window(_frames(footage, rng), SIZE, scale, rng)
    nuisance = str(rng.choice(NUISANCES)) if rng.random() < nuisance_share else None
    return Piece(footage, views, scale, _studio(nuisance, rng))


def film(
    piece: Piece, hits_a_frame: float, crop_size: int, bank: HitBank | None, rng: Generator
) -> Iterator[FilmedFrame]:
    """Yield the frames of a piece as a box gets them.

    Parameters
    ----------
    piece : Piece
    hits_a_frame : float
        Mean of the hits that fall into each frame, Poisson; none fall into the first LEARNT_FRAMES.
    crop_size : int
        Hits keep half of it from the border, as most of a full picture's do.
    bank : HitBank or None
        The hits to choose from; None without hits.
    rng : Generator

    """
    studio = piece.studio
    for number, view in enumerate(piece.views):
        exposure = studio.expose(view, number)
        blank = studio.finish(exposure.blank, number)
        content, grey = _sent(studio, blank, number)
        strikes: tuple[Strike, ...] = ()
        count = int(rng.poisson(hits_a_frame)) if bank is not None and number >= LEARNT_FRAMES else 0
        if bank is not None and count:
            hits = random_hits(studio, grey, rng, count=count, crop_size=crop_size, apart_px=_APART_PX, bank=bank)
            picture = studio.finish(exposure.picture(hits), number)
            content, struck = _sent(studio, picture, number)
            strikes = tuple(describe_strikes(hits, blank, picture, struck.astype(np.int16) - grey))
            grey = struck
        yield FilmedFrame(Frame(number, number / OV2710.fps, _START, grey), content, strikes)


def _sent(studio: Studio, picture: NDArray[np.uint8], number: int) -> tuple[bytes, NDArray[np.uint8]]:
    """Return the JPEG of a picture, and the grey that the box decodes of it."""
    content = studio.send(picture, number)
    return content, decode_grey(content)


def _frames(footage: Footage, rng: Generator) -> list[NDArray[np.uint8]]:
    """Read frames from anywhere in a recording, each, or every second or third where it is long enough for that."""
    stride = min(int(rng.choice(_STRIDES)), max(footage.frames // FRAMES, 1))
    count = min(FRAMES, (footage.frames - 1) // stride + 1)
    frames = read_run(footage, int(rng.integers(0, footage.frames - (count - 1) * stride)), count, stride)
    return frames if len(frames) > LEARNT_FRAMES else read_run(footage, 0, FRAMES)  # not all can be read from anywhere


def _scale(rng: Generator) -> float:
    """Draw a scale: often the recording's own, else smaller as often as larger."""
    if rng.random() < _OWN_SCALE_SHARE:
        return 1.0
    low, high = _SMALLER if rng.random() < _SMALLER_SHARE else _LARGER
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _studio(nuisance: str | None, rng: Generator) -> Studio:
    """Draw a camera: its noise, JPEG and what disturbs it, and the covered one that recorded the hits."""
    noise = PictureNoise(
        noise_dn=float(np.exp(rng.uniform(np.log(1.0), np.log(3.5)))),
        shot_dn=float(rng.uniform(0, 0.04)),
        chroma=float(rng.choice([0.0, 0.5, 1.0])),
    )
    disturbing = (make_nuisance(nuisance, rng, SIZE, SIZE),) if nuisance else ()
    cover, seed = random_cover_camera(rng, SIZE), int(rng.integers(2**31))
    camera = change(OV2710, jpeg_quality=int(rng.choice(_QUALITIES)))
    return Studio(
        camera,
        "picture",
        lambda number, _: np.random.default_rng([seed, number]),
        cover=cover,
        picture_noise=noise,
        nuisances=disturbing,
    )
