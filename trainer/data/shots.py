"""A shot: three consecutive pictures as an agent receives them, and the middle one once more with hits in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.filming.temporal import TemporalFilter
from trainer.filming.truth import BLOTCH_DN
from trainer.sensor.isp import GREY_OF_BGR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.data.dataset import Strata
    from trainer.data.triples import SceneTriple
    from trainer.filming.exposure import Exposure, PlacedCharge
    from trainer.filming.fusion import Fusion
    from trainer.filming.studio import Studio
    from trainer.scenes.splits import Split

_END_OF_JPEG = b"\xff\xd9"


class Undecodable(Exception):  # noqa: N818 - a drop of the stream that the caller expects, as StopIteration
    """A picture that a nuisance has cut so short that nothing can be decoded: the agent would drop the frame."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A hit as it shows in the middle picture.

    Attributes
    ----------
    x, y : int
        The pixel whose grey it raises most.
    box : tuple of int
        x0, y0, x1, y1, the last ones included: pixels that it raises by more than 8 grey levels, and the brightest.
    added_dn : float
        Grey levels that it adds there, before JPEG.
    kept_dn : float
        Most grey levels that are left of it after JPEG.
    pixels : int
        Pixels that it raises by more than 8 grey levels.
    peak_e : float
        Electrons in its brightest pixel.
    nuclide, silicon : str

    """

    x: int
    y: int
    box: tuple[int, int, int, int]
    added_dn: float
    kept_dn: float
    pixels: int
    peak_e: float
    nuclide: str
    silicon: str


@dataclass(frozen=True, slots=True, eq=False)
class Struck:
    """The middle picture once more, with hits in it: decoded grey (h, w) and colours (h, w, 3), uint8.

    `following` is the grey of the next frame, with the afterglow that temporal noise reduction leaves of the hits.
    """

    grey: NDArray[np.uint8] = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    following: NDArray[np.uint8] = field(repr=False)
    strikes: tuple[Strike, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ThreeFrames:
    """Three frames of a scene as an agent receives them, ready to take the middle one again with hits in it.

    Attributes
    ----------
    studio : Studio
    exposure : Exposure
        Exposure of the middle frame.
    blotches : tuple of PlacedCharge
        Noise of single pixels, in every version of the middle frame.
    middle : uint8 array, shape (h, w, 3)
        The middle picture before JPEG, without hits.
    content : bytes
        JPEG of the middle picture, without hits.
    previous, following : uint8 arrays, shape (h, w)
        Decoded greys of the frames beside it.
    before : float32 array, shape (h, w, 3), or None
        The frames before the middle one as temporal noise reduction mixed them; None without it.
    after : uint8 array, shape (h, w, 3), or None
        The frame behind the middle one by itself, before temporal noise reduction; None without it.

    """

    studio: Studio = field(repr=False)
    exposure: Exposure = field(repr=False)
    blotches: tuple[PlacedCharge, ...] = field(repr=False)
    middle: NDArray[np.uint8] = field(repr=False)
    content: bytes = field(repr=False)
    previous: NDArray[np.uint8] = field(repr=False)
    following: NDArray[np.uint8] = field(repr=False)
    before: NDArray[np.float32] | None = field(default=None, repr=False)
    after: NDArray[np.uint8] | None = field(default=None, repr=False)

    @staticmethod
    def take(studio: Studio, scene: SceneTriple, blotches: Sequence[PlacedCharge] = ()) -> ThreeFrames:
        """Take the three frames without hits.

        Raises
        ------
        Undecodable
            A nuisance destroyed the first or the last frame.

        """
        temporal = TemporalFilter(studio.temporal_denoise)
        # Frames that came before the first: the scene runs backwards, so that what moves has left its trail.
        for number, view in ((4, 2), (3, 1)) if studio.temporal_denoise else ():
            temporal.filtered(studio.expose(scene.levels[view], number).blank)
        previous = _arrived(studio, temporal.filtered(studio.expose(scene.levels[0], 0).blank), 0)
        before = temporal.output
        exposure = studio.expose(scene.levels[1], 1)
        middle = studio.finish(temporal.filtered(exposure.picture(blotches)), 1)
        content = studio.send(middle, 1)
        after = studio.expose(scene.levels[2], 2).blank
        following = _arrived(studio, temporal.filtered(after), 2)
        kept = (before, after) if studio.temporal_denoise else (None, None)
        return ThreeFrames(studio, exposure, tuple(blotches), middle, content, previous, following, *kept)

    def struck(self, hits: Sequence[PlacedCharge], grey: NDArray[np.uint8]) -> Struck:
        """Take the middle frame with hits; `grey` is the decoded grey without them.

        Raises
        ------
        Undecodable
            A nuisance destroyed it.

        """
        temporal = TemporalFilter(self.studio.temporal_denoise, self.before)
        picture = self.studio.finish(temporal.filtered(self.exposure.picture([*self.blotches, *hits])), 1)
        content = self.studio.send(picture, 1)
        struck_grey = decode_grey(content)
        following = self.following
        if self.after is not None:
            following = _arrived(self.studio, temporal.filtered(self.after), 2)
        strikes = describe_strikes(hits, self.middle, picture, struck_grey.astype(np.int16) - grey)
        return Struck(struck_grey, decode_colour(content), following, tuple(strikes))


def _arrived(studio: Studio, picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Return the grey that the agent decodes of a frame after temporal noise reduction; raises `Undecodable`."""
    return decode_grey(studio.send(studio.finish(picture, number), number))


def strata_of(studio: Studio, scene: str, recording: str, trait: str, split: Split) -> Strata:
    """Return what all samples of a shot have in common; scene, recording and trait are as of a SceneTriple."""
    fusion: Fusion = "max" if studio.way == "max" else "charge"
    return {
        "scene": scene,
        "recording": recording,
        "split": split,
        "trait": trait,
        "jpeg_quality": studio.camera.jpeg_quality,
        "fusion": fusion,
        "way": studio.way,
        "nuisance": studio.nuisances[0].name if studio.nuisances else None,
    }


def decode_grey(content: bytes) -> NDArray[np.uint8]:
    """Decode the grey picture as the agent does.

    Raises
    ------
    Undecodable
        Nothing can be decoded.

    """
    return _decode(content, cv2.IMREAD_GRAYSCALE)


def decode_colour(content: bytes) -> NDArray[np.uint8]:
    """Decode the colours as the agent does, blue first; raises `Undecodable` likewise."""
    return _decode(content, cv2.IMREAD_COLOR)


def _decode(content: bytes, how: int) -> NDArray[np.uint8]:
    if not content.endswith(_END_OF_JPEG):  # the agent drops such a frame; some versions of OpenCV would fill it up
        raise Undecodable
    picture: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    if picture is None:
        raise Undecodable
    return picture


def describe_strikes(
    hits: Sequence[PlacedCharge], before: NDArray[np.uint8], after: NDArray[np.uint8], kept: NDArray[np.int16]
) -> list[Strike]:
    """Measure hits by what they change.

    Parameters
    ----------
    hits : sequence of PlacedCharge
    before, after : uint8 arrays, shape (height, width, 3)
        The middle picture without and with hits, the same noise in both, before JPEG.
    kept : int16 array, shape (height, width)
        The greys with hits minus those without, after JPEG.

    """
    height, width = kept.shape
    strikes = []
    for hit in hits:
        h, w = hit.charge_e.shape
        x0, y0 = max(0, hit.x0 - 1), max(0, hit.y0 - 1)
        x1, y1 = min(width, hit.x0 + w + 1), min(height, hit.y0 + h + 1)
        was, now = (p[y0:y1, x0:x1].astype(np.float32) @ GREY_OF_BGR for p in (before, after))
        rise = now - was
        peak_y, peak_x = (int(v) for v in np.unravel_index(int(rise.argmax()), rise.shape))
        blotch = rise > BLOTCH_DN
        pixels = int(np.count_nonzero(blotch))
        blotch[peak_y, peak_x] = True
        rows, columns = np.nonzero(blotch)
        strikes.append(
            Strike(
                x=x0 + peak_x,
                y=y0 + peak_y,
                box=(
                    x0 + int(columns.min()),
                    y0 + int(rows.min()),
                    x0 + int(columns.max()),
                    y0 + int(rows.max()),
                ),
                added_dn=round(float(rise.max()), 1),
                kept_dn=float(kept[y0:y1, x0:x1].max()),
                pixels=pixels,
                peak_e=round(float(hit.charge_e.max()), 1),
                nuclide=hit.nuclide,
                silicon=hit.silicon,
            )
        )
    return strikes
