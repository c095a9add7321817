"""From a scene to raw numbers: light as electrons on the Bayer mosaic, hits, noise, full well, gain and converter."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.tone import linear_light

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Bayer, Camera
    from trainer.sensor.fixed_pattern import FixedPattern

# Rows and columns of each colour's first pixel; colours count as in OpenCV's pictures: blue 0, green 1, red 2.
_SITES: dict[Bayer, tuple[tuple[int, int, int], ...]] = {
    "RGGB": ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 0)),
    "BGGR": ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)),
    "GRBG": ((0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 1)),
    "GBRG": ((0, 0, 1), (0, 1, 0), (1, 0, 2), (1, 1, 1)),
}


def mosaic_sites(camera: Camera) -> tuple[tuple[int, int, int], ...]:
    """Return row, column (0 or 1) and colour (blue 0, green 1, red 2) of the four pixels of a mosaic cell."""
    return _SITES[camera.bayer]


def colour_gains(camera: Camera) -> tuple[float, float, float]:
    """Return the white balance of blue, green and red."""
    return camera.wb_blue, 1.0, camera.wb_red


@lru_cache(maxsize=16)
def _electrons_of_grey(
    white_e: float, colour_gain: float, tone_gamma: float, digital_gain: float
) -> NDArray[np.float32]:
    light = linear_light(np.arange(256) / (255.0 * digital_gain), tone_gamma)
    return (light * white_e / colour_gain).astype(np.float32)


def light_electrons(scene_bgr: NDArray[np.uint8], camera: Camera) -> NDArray[np.float32]:
    """Return the mean photo-electrons with which this camera shows the scene as it is.

    Parameters
    ----------
    scene_bgr : uint8 array, shape (height, width, 3)
        Both sides even; its upper left corner is the upper left of a mosaic cell.
    camera : Camera

    Returns
    -------
    float32 array, shape (height, width)

    """
    height, width = scene_bgr.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"a Bayer mosaic has an even size, not {width}x{height}")
    mosaic = np.empty((height, width), np.float32)
    gains = colour_gains(camera)
    for row, column, colour in mosaic_sites(camera):
        table = _electrons_of_grey(camera.white_e, gains[colour], camera.tone_gamma, camera.digital_gain)
        mosaic[row::2, column::2] = table[scene_bgr[row::2, column::2, colour]]
    return mosaic


def dark_factor(camera: Camera) -> float:
    """Return the electrons in a frame per e⁻/s of dark current at 25 °C, by exposure and temperature."""
    return float(camera.exposure_s * 2.0 ** ((camera.temperature_c - 25.0) / camera.dark_doubling_c))


def raw_per_electron(camera: Camera) -> float:
    """Return the raw numbers (DN) per electron."""
    return float((2**camera.adc_bits - 1 - camera.black_level_dn) / camera.white_e)


def mean_dark_dn(camera: Camera) -> float:
    """Return what the mean dark current adds to raw numbers; the camera subtracts it, known from its covered rows."""
    return camera.dark_e_s * dark_factor(camera) * raw_per_electron(camera)


def expose(
    scene_bgr: NDArray[np.uint8], camera: Camera, pattern: FixedPattern | None, frame: int = 0
) -> NDArray[np.float32]:
    """Return the mean charge of each pixel after the exposure without hits: light, dark current, telegraph noise.

    The charge of hits is added after the noise: it has fluctuated already where it was set free.

    Parameters
    ----------
    scene_bgr : uint8 array, shape (height, width, 3)
    camera : Camera
    pattern : FixedPattern or None
        Pattern of the same size; None for a sensor without faults and without dark current.
    frame : int
        Number of the frame, for telegraph noise.

    Returns
    -------
    float32 array, shape (height, width)
        Electrons, not yet limited by the full well.

    """
    charge = light_electrons(scene_bgr, camera)
    if pattern is not None:
        charge *= pattern.sensitivity
        charge += pattern.dark_e_s * np.float32(dark_factor(camera))
        if len(pattern.telegraph_e):
            rows, columns = pattern.telegraph_at.T
            charge[rows, columns] += pattern.telegraph_now(frame)
    return charge


def add_noise(charge: NDArray[np.float32], camera: Camera, rng: Generator) -> NDArray[np.float32]:
    """Add shot noise (variance = charge) and read noise in place; both at once, as one Gaussian."""
    height, width = charge.shape
    return add_drawn_noise(charge, camera, *draw_noise((height, width), camera, rng))


def draw_noise(
    shape: tuple[int, ...], camera: Camera, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Draw the noise of a frame of shape (height, width).

    Returns
    -------
    noise : float32 array, shape (height, width)
        Noise of each pixel, standard deviation 1.
    row_noise : float32 array, shape (height, 1), or None
        Noise of each row in electrons; None for a camera without row noise.

    """
    noise = rng.standard_normal(shape, np.float32)
    if not camera.row_noise_e:
        return noise, None
    return noise, np.float32(camera.row_noise_e) * rng.standard_normal((shape[0], 1), np.float32)


def add_drawn_noise(
    charge: NDArray[np.float32], camera: Camera, noise: NDArray[np.float32], row_noise: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Add noise that `draw_noise` drew, or that of a part of the frame, to its mean charge, in place."""
    sigma = charge + np.float32(camera.read_noise_e**2)
    np.sqrt(sigma, out=sigma)
    sigma *= noise
    charge += sigma
    if row_noise is not None:
        charge += row_noise
    return charge


def convert(charge: NDArray[np.float32], camera: Camera) -> NDArray[np.uint16]:
    """Convert charge to raw numbers: full-well clip, gain, black level, converter. Overwrites `charge`."""
    top = 2**camera.adc_bits - 1
    np.minimum(charge, np.float32(camera.full_well_e), out=charge)
    charge *= np.float32(raw_per_electron(camera))
    charge += np.float32(camera.black_level_dn + 0.5)
    np.clip(charge, 0, top, out=charge)
    return charge.astype(np.uint16)
