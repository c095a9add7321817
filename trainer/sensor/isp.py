"""The camera's own image pipeline: raw numbers in, the 8-bit picture and its JPEG out; and `photograph`, all of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.errors import SensorError
from trainer.sensor.pixels import add_noise, colour_gains, convert, expose, mean_dark_dn, mosaic_sites
from trainer.sensor.tone import encoded_light

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Bayer, Camera
    from trainer.sensor.fixed_pattern import FixedPattern

WHITE_LEVEL = 16383  # of linear light after white balance
# OpenCV names a mosaic by the second row's second and third pixel.
_DEMOSAIC: dict[Bayer, int] = {
    "RGGB": cv2.COLOR_BayerBG2BGR,
    "BGGR": cv2.COLOR_BayerRG2BGR,
    "GRBG": cv2.COLOR_BayerGB2BGR,
    "GBRG": cv2.COLOR_BayerGR2BGR,
}
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
GREY_OF_BGR = np.array([0.114, 0.587, 0.299], np.float32)


@lru_cache(maxsize=16)
def _tone_table(tone_gamma: float) -> NDArray[np.uint8]:
    """Tabulate the tone curve from linear light 0..WHITE_LEVEL to 8 bits."""
    light = np.arange(WHITE_LEVEL + 1) / WHITE_LEVEL
    table: NDArray[np.uint8] = np.rint(255 * encoded_light(light, tone_gamma)).astype(np.uint8)
    return table


@lru_cache(maxsize=16)
def _balance_table(bits: int, black: float, gain: float) -> NDArray[np.uint16]:
    """Tabulate linear light 0..WHITE_LEVEL by raw number: black level subtracted, white balance applied."""
    top = 2**bits - 1
    light = (np.arange(top + 1) - black) * (gain * WHITE_LEVEL / (top - black))
    table: NDArray[np.uint16] = np.clip(np.rint(light), 0, WHITE_LEVEL).astype(np.uint16)
    return table


def correct_defects(raw: NDArray[np.uint16], camera: Camera) -> NDArray[np.uint16]:
    """Replace each pixel that exceeds its eight neighbours of like colour by the threshold with the greatest of them.

    This removes hot pixels, and hits of a single pixel with them.
    """
    threshold = round(camera.defect_threshold * (2**camera.adc_bits - 1))
    corrected: NDArray[np.uint16] = raw.copy()
    for row, column, _ in mosaic_sites(camera):
        plane = np.ascontiguousarray(raw[row::2, column::2])
        greatest = cv2.dilate(plane, _NEIGHBOURS)
        corrected[row::2, column::2] = np.where(plane > greatest.astype(np.int32) + threshold, greatest, plane)
    return corrected


def develop(raw: NDArray[np.uint16], camera: Camera) -> NDArray[np.uint8]:
    """Make the picture of raw numbers: defects, white balance, demosaic, gamma, noise reduction, sharpening.

    Parameters
    ----------
    raw : uint16 array, shape (height, width)
    camera : Camera

    Returns
    -------
    uint8 array, shape (height / scale_down, width / scale_down, 3)
        Blue first.

    """
    if camera.defect_correction:
        raw = correct_defects(raw, camera)
    balanced = np.empty_like(raw)
    gains = colour_gains(camera)
    black_dn = camera.black_level_dn + camera.black_offset_dn + mean_dark_dn(camera)
    for row, column, colour in mosaic_sites(camera):
        table = _balance_table(camera.adc_bits, black_dn, gains[colour])
        balanced[row::2, column::2] = table[raw[row::2, column::2]]
    light = cv2.demosaicing(balanced, _DEMOSAIC[camera.bayer])
    picture: NDArray[np.uint8] = _tone_table(camera.tone_gamma)[light]
    if camera.denoise:
        weight = _exact_weight(camera.denoise)
        picture = cv2.addWeighted(cv2.medianBlur(picture, 3), weight, picture, 1 - weight, 0)
    if camera.sharpen:
        weight = _exact_weight(camera.sharpen)
        blurred = cv2.GaussianBlur(picture, (3, 3), 0)
        picture = cv2.addWeighted(picture, 1 + weight, blurred, -weight, 0)
    if camera.scale_down > 1 or camera.digital_gain != 1.0:
        picture = _scaled(picture, camera.scale_down, camera.digital_gain)
    if camera.chroma_422:
        picture = _halve_chroma(picture)
    return picture


def _exact_weight(weight: float) -> float:
    """Round a weight to 256ths: sums of 8-bit values with it are exact, so that every processor rounds them alike."""
    return round(weight * 256) / 256


def _scaled(picture: NDArray[np.uint8], scale_down: int, digital_gain: float) -> NDArray[np.uint8]:
    """Average n×n pixels and apply the digital gain, as cameras with more pixels than their picture do."""
    height, width = picture.shape[:2]
    size = (width // scale_down, height // scale_down)
    mean = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    scaled: NDArray[np.uint8] = np.clip(mean * digital_gain + 0.5, 0, 255).astype(np.uint8)
    return scaled


def _halve_chroma(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average the colours of each two neighbours in a row, as a YUYV stream does; brightness stays."""
    parts = cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb)
    pairs = parts[:, :, 1:].astype(np.uint16).reshape(parts.shape[0], -1, 2, 2)
    parts[:, :, 1:] = np.repeat((pairs.sum(axis=2) + 1) // 2, 2, axis=1)
    halved: NDArray[np.uint8] = cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR)
    return halved


def photograph(  # noqa: PLR0917 - in the order of the light's way
    scene_bgr: NDArray[np.uint8],
    charge_e: NDArray[np.float32] | None,
    camera: Camera,
    pattern: FixedPattern | None,
    rng: Generator | None,
    frame: int = 0,
) -> NDArray[np.uint8]:
    """Photograph a scene, of any even size, with the charge of hits in it.

    Parameters
    ----------
    scene_bgr : uint8 array, shape (height, width, 3)
        The scene as a perfect camera would show it.
    charge_e : float32 array, shape (height, width), or None
        Electrons of hits in each pixel of the mosaic.
    camera : Camera
    pattern : FixedPattern or None
        Faults of the sensor, of the scene's size; None for a sensor without.
    rng : Generator or None
        Noise; None for a picture without shot and read noise.
    frame : int
        Number of the frame, for pixels with telegraph noise.

    Returns
    -------
    uint8 array, shape (height / scale_down, width / scale_down, 3)
        Blue first; before JPEG.

    """
    charge = expose(scene_bgr, camera, pattern, frame)
    if rng is not None:
        add_noise(charge, camera, rng)
    if charge_e is not None:
        charge += charge_e
    return develop(convert(charge, camera), camera)


def encode(picture_bgr: NDArray[np.uint8], quality: int) -> bytes:
    """Compress a picture as cameras do: baseline JPEG with colours at half the width (4:2:2)."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    ]
    done, packed = cv2.imencode(".jpg", picture_bgr, options)
    if not done:
        raise SensorError(f"OpenCV could not make a JPEG of quality {quality}; give one from 1 to 100")
    jpeg: bytes = packed.tobytes()
    return jpeg
