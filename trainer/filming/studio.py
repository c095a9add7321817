"""The simulated camera in front of a scene: what it sees in a frame, how it takes it, and what it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.random import Generator

from trainer.filming.cameras import random_camera, random_cover_camera
from trainer.filming.exposure import Exposure, PictureFrame, SensorFrame
from trainer.filming.nuisances import Nuisance, make_nuisance
from trainer.filming.picture_noise import PictureNoise
from trainer.sensor import pixels
from trainer.sensor.fixed_pattern import FixedPattern, make_pattern
from trainer.sensor.isp import encode
from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.filming.exposure import PlacedCharge
    from trainer.sensor.camera import Camera

    Scene: TypeAlias = NDArray[np.float32] | NDArray[np.uint8]

Way = Literal["sensor", "picture", "max"]
NoisePart = Literal["sensor", "picture"]
NoiseSource: TypeAlias = Callable[[int, NoisePart], Generator]

_GREY_SHARE = 0.6  # of a hit's linear light that its brightest pixel shows in grey after demosaicing, roughly
_GREY_SHARE_SCALED = 0.3  # likewise where 2×2 pixels make one


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """One simulated camera in front of a scene.

    A frame's picture depends on nothing but the scene, the charge and the frame's number, so that any frame can be
    taken at any time, and again with other charge (electrons of hits and noise blotches).

    Attributes
    ----------
    camera : Camera
    way : {"sensor", "picture", "max"}
        How light and hits come together. "sensor": the electrons of a hit are added to those of the light, and the
        simulated sensor does the rest. "picture": the picture that a camera with its lens covered takes of the hit is
        added in linear light, then noise. "max": pixel by pixel the brighter of the two pictures (paper, equations 1
        and 2).
    noise : function of (frame number, "sensor" or "picture")
        Returns the generator of a frame's noise: the sensor's own, or that of `picture_noise`.
    pattern : FixedPattern or None
        Faults of the sensor's pixels; None for a faultless sensor.
    cover : Camera or None
        The covered camera that recorded the hits; used by the way "picture" only.
    picture_noise : PictureNoise or None
        Noise of the scene's picture; needed by the ways "picture" and "max".
    nuisances : tuple of Nuisance

    """

    camera: Camera
    way: Way
    noise: NoiseSource = field(repr=False)
    pattern: FixedPattern | None = field(default=None, repr=False)
    cover: Camera | None = None
    picture_noise: PictureNoise | None = None
    nuisances: tuple[Nuisance, ...] = ()

    @property
    def temporal_denoise(self) -> float:
        """Weight of the earlier pictures in each: the camera's own or a nuisance's, whichever is greater."""
        return max(self.camera.temporal_denoise, *(nuisance.temporal_denoise for nuisance in self.nuisances), 0.0)

    def view(self, scene: Scene, number: int) -> Scene:
        """Return what the camera looks at in a frame: the scene's levels 0..255 with every nuisance that acts on light.

        Parameters
        ----------
        scene : float32 or uint8 array, shape (h, w, 3)
            sRGB levels, blue first; lamps may be above 255.
        number : int

        """
        acting = [nuisance.light for nuisance in self.nuisances if nuisance.light is not None]
        if acting:
            light = to_linear(scene.astype(np.float32, copy=False))
            for act in acting:
                light = act(light, number)
            return to_levels(light)
        if scene.dtype == np.uint8:
            return scene
        clipped: NDArray[np.float32] = np.clip(scene, 0, 255)
        return clipped

    def frame(self, scene: Scene, number: int) -> SensorFrame | PictureFrame:
        """Return a frame ready to be taken, with its noise drawn."""
        levels = self.view(scene, number)
        if self.way == "picture":
            noise = self._picture_noise
            drawn = noise.draw(levels.shape, self.noise(number, "picture"))
            return PictureFrame(self.cover, levels.astype(np.float32, copy=False), noise, drawn)
        beneath = None
        if self.way == "max":
            noise = self._picture_noise
            drawn = noise.draw(levels.shape, self.noise(number, "picture"))
            beneath = noise.add(levels.astype(np.float32, copy=False), drawn)
            levels = np.zeros_like(beneath)
        eight_bits = np.asarray(levels if levels.dtype == np.uint8 else np.rint(levels), np.uint8)
        light_e = pixels.expose(eight_bits, self.camera, self.pattern, number)
        drawn, row_noise = pixels.draw_noise(light_e.shape, self.camera, self.noise(number, "sensor"))
        return SensorFrame(self.camera, light_e, drawn, row_noise, beneath)

    def expose(self, scene: Scene, number: int) -> Exposure:
        """Return a frame that can be taken again and again with other charge, its scene and noise the same."""
        return Exposure.of(self.frame(scene, number))

    def picture(self, scene: Scene, number: int, charges: Sequence[PlacedCharge] = ()) -> NDArray[np.uint8]:
        """Take a frame by itself with the charge of hits and blotches; before temporal noise reduction and JPEG."""
        return self.finish(self.expose(scene, number).picture(charges), number)

    def finish(self, picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
        """Return the picture of a frame with what nuisances draw into it."""
        for nuisance in self.nuisances:
            if nuisance.picture is not None:
                picture = nuisance.picture(picture, number)
        return picture

    def send(self, picture: NDArray[np.uint8], number: int) -> bytes:
        """Return the JPEG of a finished picture as it arrives: encoded by the camera, damaged by nuisances."""
        content = encode(picture, self.camera.jpeg_quality)
        for nuisance in self.nuisances:
            if nuisance.stream is not None:
                content = nuisance.stream(content, number)
        return content

    def light_of(self, peak_e: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate the linear light that hits add to the grey of their brightest pixel, 1 = white, by its electrons."""
        if self.way != "picture" or self.cover is None:
            light: NDArray[np.float32] = np.minimum(_GREY_SHARE * peak_e / np.float32(self.camera.white_e), 1)
            return light
        share = _GREY_SHARE if self.cover.scale_down == 1 else _GREY_SHARE_SCALED
        on_sensor = np.minimum(share * peak_e / np.float32(self.cover.white_e), 1)
        if self.cover.tone_gamma:
            shown = 255 * on_sensor ** np.float32(1 / self.cover.tone_gamma)
        else:
            shown = to_levels(on_sensor)
        return to_linear(np.minimum(shown * np.float32(self.cover.digital_gain), 255))

    @property
    def _picture_noise(self) -> PictureNoise:
        if self.picture_noise is None:
            raise ValueError(f"the way {self.way!r} needs picture_noise")
        return self.picture_noise


def film_studio(camera: Camera, seed: int, nuisances: tuple[Nuisance, ...] = ()) -> Studio:
    """Return the studio of a film: everything through the simulated sensor, faults and noise from one seed."""

    def noise(number: int, _: NoisePart) -> Generator:
        return np.random.default_rng([seed, 2, number])

    return Studio(camera, "sensor", noise, make_pattern(camera, seed), nuisances=nuisances)


def random_studio(
    size: int, way: Way, nuisance: str | None, rng: Generator, *, noise_free_share: float = 0.05
) -> Studio:
    """Draw a camera, what disturbs it and its noise, for pictures of size × size.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels; even.
    way : {"sensor", "picture", "max"}
    nuisance : str or None
        Name of the nuisance; None for an undisturbed camera.
    rng : Generator
    noise_free_share : float
        Share of studios whose `picture_noise` is next to none.

    """
    camera = random_camera(rng, size)
    pattern = make_pattern(camera, int(rng.integers(2**31)), (size, size))
    nuisances = (make_nuisance(nuisance, rng, size, size),) if nuisance else ()
    noise_free = rng.random() < noise_free_share
    cover = random_cover_camera(rng, size)
    seed = int(rng.integers(2**31))
    picture_noise = PictureNoise(
        noise_dn=0.3 if noise_free else float(np.exp(rng.uniform(np.log(0.7), np.log(4)))),
        shot_dn=0.0 if noise_free else float(rng.uniform(0, 0.05)),
        chroma=float(rng.choice([0.0, 0.5, 1.0])),
    )

    def noise(number: int, part: NoisePart) -> Generator:
        return np.random.default_rng([seed, number, 1] if part == "sensor" else [seed, number])

    return Studio(camera, way, noise, pattern, cover, picture_noise, nuisances)
