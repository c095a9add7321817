"""A shot: three consecutive pictures as an agent would receive them, and the middle one once more with hits in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from trainer.film.cameras import random_camera, random_cover_camera
from trainer.film.exposure import Exposure, PictureFrame, SensorFrame
from trainer.film.fusion import Fusion, add_noise, draw_noise
from trainer.film.nuisances import Nuisance, make_nuisance
from trainer.sensor import pixels
from trainer.sensor.fixed_pattern import FixedPattern, make_pattern
from trainer.sensor.isp import GREY_OF_BGR, encode
from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.triples import SceneTriple
    from trainer.film.exposure import Planned
    from trainer.sensor.camera import Camera

Way = Literal["sensor", "picture", "max"]
_GREY_SHARE = 0.6  # of a hit's linear light that its brightest pixel shows in grey after demosaicing, roughly
_GREY_SHARE_SCALED = 0.3  # likewise where 2×2 pixels make one
_END_OF_JPEG = b"\xff\xd9"


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
        frame: SensorFrame | PictureFrame
        if self.way == "picture":
            drawn = draw_noise(levels.shape, self.chroma, rng)
            frame = PictureFrame(self.cover, levels, drawn, self.noise_dn, self.shot_dn)
        else:
            scene, beneath = np.rint(levels).astype(np.uint8), None
            if self.way == "max":
                beneath = add_noise(levels, self.noise_dn, self.shot_dn, draw_noise(levels.shape, self.chroma, rng))
                scene = np.zeros_like(beneath)
            light_e = pixels.expose(scene, None, self.camera, self.pattern, t)
            noise, row_noise = pixels.draw_noise(light_e.shape, self.camera, np.random.default_rng([self.seed, t, 1]))
            frame = SensorFrame(self.camera, light_e, noise, row_noise, beneath)
        return Exposure.of(frame, levels.shape[:2])

    def picture(self, t: int, planned: Sequence[Planned] = ()) -> NDArray[np.uint8]:
        """Take frame t with the charge of hits and blotches; before JPEG."""
        return self.finished(self.expose(t).picture(planned), t)

    def finished(self, picture: NDArray[np.uint8], t: int) -> NDArray[np.uint8]:
        """Give the picture of frame t with what a nuisance draws into it."""
        if self.nuisance is None or self.nuisance.picture is None:
            return picture
        return self.nuisance.picture(picture, t)

    def sent(self, picture: NDArray[np.uint8], t: int) -> bytes:
        """Compress a picture as the camera sends it."""
        content = encode(picture, self.jpeg_quality)
        if self.nuisance is not None and self.nuisance.stream is not None:
            content = self.nuisance.stream(content, t)
        return content


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
