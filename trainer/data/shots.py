"""A shot: three consecutive pictures as an agent would receive them, and the middle one once more with hits in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from trainer.data.cameras import random_camera, random_cover_camera
from trainer.data.fusion import Fusion, add_noise, draw_noise, fuse_light, fuse_max
from trainer.data.light import to_levels, to_linear
from trainer.data.nuisances import Nuisance, make_nuisance
from trainer.sensor.fixed_pattern import FixedPattern, make_pattern
from trainer.sensor.isp import GREY_OF_BGR, encode, photograph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.triples import SceneTriple
    from trainer.sensor.camera import Camera

Way = Literal["sensor", "picture", "max"]
_GREY_SHARE = 0.6  # of a hit's linear light that its brightest pixel shows in grey after demosaicing, roughly
_GREY_SHARE_SCALED = 0.3  # likewise where 2×2 pixels make one
_END_OF_JPEG = b"\xff\xd9"
_SPRITE_FLOOR_DN = 8  # of a covered camera's picture, what is not above this is no part of a hit


class Undecodable(Exception):  # noqa: N818 - a drop of the stream that the caller expects, as StopIteration
    """A picture that a nuisance has cut so short that nothing can be decoded: the agent would drop the frame."""


@dataclass(frozen=True, slots=True)
class Studio:
    """One camera before one scene; takes the same picture again for the same frame number.

    Attributes
    ----------
    camera : Camera
    pattern : FixedPattern
        Of the sensor's faults.
    cover : Camera
        Of the way "picture": the covered camera that recorded the hits.
    way : {"sensor", "picture", "max"}
        How light and hits come together: all through the simulated sensor (charge added to charge); a covered camera's
        picture added to the scene's picture in linear light, then noise; or the maximum of both (paper, equations 1
        and 2).
    scene : SceneTriple
    nuisance : Nuisance or None
    jpeg_quality : int
    seed : int
        Of the noise.
    noise_dn, shot_dn, chroma : float
        Noise of the way "picture" and of the monitoring pictures of "max" (see `fusion.with_noise`).

    """

    camera: Camera
    pattern: FixedPattern = field(repr=False)
    cover: Camera
    way: Way
    scene: SceneTriple
    nuisance: Nuisance | None
    jpeg_quality: int
    seed: int
    noise_dn: float
    shot_dn: float
    chroma: float

    @property
    def fusion(self) -> Fusion:
        """The fusion in the words of the dataset."""
        return "max" if self.way == "max" else "charge"

    def light_of(self, peak_e: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate the linear light that hits add to the grey of their brightest pixel, 1 = white, by its electrons."""
        if self.way != "picture":
            light: NDArray[np.float32] = np.minimum(_GREY_SHARE * peak_e / np.float32(self.camera.white_e), 1)
            return light
        share = _GREY_SHARE if self.cover.scale_down == 1 else _GREY_SHARE_SCALED
        on_sensor = np.minimum(share * peak_e / np.float32(self.cover.white_e), 1)
        if self.cover.tone_gamma:
            shown = 255 * on_sensor ** np.float32(1 / self.cover.tone_gamma)
        else:
            shown = to_levels(on_sensor)
        return to_linear(np.minimum(shown * np.float32(self.cover.digital_gain), 255))

    def view(self, t: int) -> NDArray[np.float32]:
        """Give what the camera looks at in frame t = 0, 1, 2, in levels, with the nuisance in its light."""
        levels = self.scene.levels[t]
        if self.nuisance is None or self.nuisance.light is None:
            return np.clip(levels, 0, 255)
        return to_levels(self.nuisance.light(to_linear(levels), t))

    def expose(self, t: int) -> Exposure:
        """Give frame t ready to be taken again and again with other charge, scene and noise the same."""
        rng = np.random.default_rng([self.seed, t])
        levels = self.view(t)
        drawn = None
        if self.way != "sensor":
            drawn = draw_noise(levels.shape, self.chroma, rng)
        seen = np.rint(levels).astype(np.uint8) if self.way == "sensor" else None
        if self.way == "max" and drawn is not None:
            seen = add_noise(levels, self.noise_dn, self.shot_dn, drawn)
        return Exposure(self, t, levels, seen, drawn)

    def picture(self, t: int, planned: Sequence[Planned] = ()) -> NDArray[np.uint8]:
        """Take frame t with the charge of hits and blotches; before JPEG."""
        return self.expose(t).picture(planned)

    def sent(self, picture: NDArray[np.uint8], t: int) -> bytes:
        """Compress a picture as the camera sends it."""
        content = encode(picture, self.jpeg_quality)
        if self.nuisance is not None and self.nuisance.stream is not None:
            content = self.nuisance.stream(content, t)
        return content


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """One frame of a studio before hits are in it."""

    studio: Studio
    t: int
    levels: NDArray[np.float32] = field(repr=False)
    seen: NDArray[np.uint8] | None = field(repr=False)
    drawn: NDArray[np.float32] | None = field(repr=False)

    def picture(self, planned: Sequence[Planned] = ()) -> NDArray[np.uint8]:
        """Take the frame with the charge of hits and blotches; before JPEG."""
        studio = self.studio
        if studio.way == "picture":
            levels = fuse_light(self._sprites(planned), self.levels) if planned else self.levels
            assert self.drawn is not None  # noqa: S101 - set for this way by Studio.expose
            taken = add_noise(levels, studio.noise_dn, studio.shot_dn, self.drawn)
        else:
            assert self.seen is not None  # noqa: S101 - likewise
            charge_e = place_charge(self.levels.shape[:2], planned) if planned else None
            scene = np.zeros_like(self.seen) if studio.way == "max" else self.seen
            rng = np.random.default_rng([studio.seed, self.t, 1])
            taken = photograph(scene, charge_e, studio.camera, studio.pattern, rng, self.t)
            if studio.way == "max":
                taken = fuse_max(taken, self.seen)
        if studio.nuisance is not None and studio.nuisance.picture is not None:
            taken = studio.nuisance.picture(taken, self.t)
        return taken

    def _sprites(self, planned: Sequence[Planned]) -> NDArray[np.uint8]:
        """Photograph hits with the lens covered and without noise, and cut away what is not bright."""
        cover = self.studio.cover
        shape = (cover.height, cover.width)
        charge_e = place_charge(shape, planned, cover.scale_down)
        dark = photograph(np.zeros((*shape, 3), np.uint8), charge_e, cover, None, None)
        # Three comparisons are far faster than a maximum over an axis of three.
        floor = _SPRITE_FLOOR_DN
        dark[(dark[..., 0] <= floor) & (dark[..., 1] <= floor) & (dark[..., 2] <= floor)] = 0
        return dark


@dataclass(frozen=True, slots=True)
class Strike:
    """A hit as it shows in the middle picture.

    Attributes
    ----------
    x, y : int
        The pixel whose grey it raises most.
    box : tuple of int
        x0, y0, x1, y1, the last ones included: pixels of the charge.
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
class Planned:
    """Charge that is to fall into the middle frame: float32 (h, w) electrons with its upper left pixel."""

    x0: int
    y0: int
    charge_e: NDArray[np.float32] = field(repr=False)
    nuclide: str = ""
    silicon: str = ""

    def corner(self, scale: int) -> tuple[int, int]:
        """Give x, y of the upper left pixel on a sensor with `scale` pixels on a side for one of the picture.

        The brightest pixel stays in its pixel of the picture.
        """
        if scale == 1:
            return self.x0, self.y0
        peak_y, peak_x = (int(v) for v in np.unravel_index(int(self.charge_e.argmax()), self.charge_e.shape))
        within = (self.x0 + self.y0) % scale
        return (self.x0 + peak_x) * scale + within - peak_x, (self.y0 + peak_y) * scale + within - peak_y


def open_studio(
    scene: SceneTriple, way: Way, nuisance: str | None, rng: Generator, *, noise_free_share: float = 0.05
) -> Studio:
    """Set up a random camera before a scene."""
    size = scene.levels[0].shape[0]
    camera = random_camera(rng, size)
    pattern = make_pattern(camera, int(rng.integers(2**31)), (size, size))
    made = make_nuisance(nuisance, rng, size, size) if nuisance else None
    noiseless = rng.random() < noise_free_share
    return Studio(
        camera=camera,
        pattern=pattern,
        cover=random_cover_camera(rng, size),
        way=way,
        scene=scene,
        nuisance=made,
        jpeg_quality=camera.jpeg_quality,
        seed=int(rng.integers(2**31)),
        noise_dn=0.3 if noiseless else float(np.exp(rng.uniform(np.log(0.7), np.log(4)))),
        shot_dn=0.0 if noiseless else float(rng.uniform(0, 0.05)),
        chroma=float(rng.choice([0.0, 0.5, 1.0])),
    )


def place_charge(shape: tuple[int, int], planned: Sequence[Planned], scale: int = 1) -> NDArray[np.float32]:
    """Add charge maps into a frame of electrons, float32 (height, width); what lies outside of it is lost.

    `scale` is how many pixels of the sensor on a side make one of the picture; places are in pixels of the picture.
    """
    height, width = shape
    frame = np.zeros(shape, np.float32)
    for one in planned:
        h, w = one.charge_e.shape
        left, top = one.corner(scale)
        y0, x0 = max(0, top), max(0, left)
        y1, x1 = min(height, top + h), min(width, left + w)
        if y1 > y0 and x1 > x0:
            frame[y0:y1, x0:x1] += one.charge_e[y0 - top : y1 - top, x0 - left : x1 - left]
    return frame


def decode_grey(content: bytes) -> NDArray[np.uint8]:
    """Decode the grey picture as the agent does.

    Raises
    ------
    Undecodable
        Where nothing can be decoded.

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
    planned: Sequence[Planned], before: NDArray[np.uint8], after: NDArray[np.uint8], kept: NDArray[np.int16]
) -> list[Strike]:
    """Measure hits by what they change.

    Parameters
    ----------
    planned : sequence of Planned
    before, after : uint8 arrays, shape (height, width, 3)
        The middle picture without and with hits, the same noise in both, before JPEG.
    kept : int16 array, shape (height, width)
        The greys with hits minus those without, after JPEG.

    """
    height, width = kept.shape
    found = []
    for one in planned:
        h, w = one.charge_e.shape
        x0, y0 = max(0, one.x0 - 1), max(0, one.y0 - 1)
        x1, y1 = min(width, one.x0 + w + 1), min(height, one.y0 + h + 1)
        was, now = (p[y0:y1, x0:x1].astype(np.float32) @ GREY_OF_BGR for p in (before, after))
        rise = now - was
        at_y, at_x = (int(v) for v in np.unravel_index(int(rise.argmax()), rise.shape))
        found.append(
            Strike(
                x=x0 + at_x,
                y=y0 + at_y,
                box=(max(0, one.x0), max(0, one.y0), min(width, one.x0 + w) - 1, min(height, one.y0 + h) - 1),
                added_dn=round(float(rise.max()), 1),
                kept_dn=float(kept[y0:y1, x0:x1].max()),
                pixels=int(np.count_nonzero(rise > 8)),
                peak_e=round(float(one.charge_e.max()), 1),
                nuclide=one.nuclide,
                silicon=one.silicon,
            )
        )
    return found
