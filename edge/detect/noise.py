"""The noise of each block of the picture, and from it the least spike that each pixel must show to be noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.bundle import CandidateRules
    from edge.capture.frame import Image

Blocks: TypeAlias = "NDArray[np.float32]"
"""One value a block of 8×8 pixels, shape (ceil(height / 8), ceil(width / 8))."""

BLOCK = 8
NEVER = 255
"""A floor that no spike exceeds: masked and hot pixels."""
_HALVINGS = 3
_MEAN_OF_DIFFERENCE = 2 / np.sqrt(np.pi)
"""Mean |a − b| of two normal variables, in units of their common standard deviation."""
_LEAST_SIGMA_DN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMap:
    """What the fast path must know of a camera before it looks at a frame.

    Attributes
    ----------
    sigma_dn : float32 array, shape (ceil(height / 8), ceil(width / 8))
        Standard deviation from frame to frame of a pixel of each block, grey levels.
    floor_dn : uint8 array, shape (height, width)
        Least spike of a candidate; 255 where nothing may be a candidate: masked and hot pixels.

    """

    sigma_dn: Blocks = field(repr=False)
    floor_dn: Image = field(repr=False)


def block_means(picture: Image) -> Image:
    """Average a picture over blocks of 8×8 pixels.

    Parameters
    ----------
    picture : uint8 array, shape (height, width), both at least 8

    Returns
    -------
    uint8 array, shape (ceil(height / 8), ceil(width / 8)); incomplete blocks at the right and lower border repeat
    their neighbours.

    """
    height, width = picture.shape
    means = picture[: height // BLOCK * BLOCK, : width // BLOCK * BLOCK]
    for _ in range(_HALVINGS):  # halving three times is eight times faster than one step of eight in OpenCV
        means = cv2.resize(means, (means.shape[1] // 2, means.shape[0] // 2), interpolation=cv2.INTER_AREA)
    below, beside = -(-height // BLOCK) - means.shape[0], -(-width // BLOCK) - means.shape[1]
    if below or beside:
        means = cv2.copyMakeBorder(means, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return means


def over_pixels(blocks: NDArray[np.generic], height: int, width: int) -> NDArray[np.generic]:
    """Repeat each block's value over its pixels: shape (height, width)."""
    repeated: NDArray[np.generic] = np.repeat(np.repeat(blocks, BLOCK, axis=0), BLOCK, axis=1)
    return repeated[:height, :width]


def sigma_of_difference(mean_difference_dn: Blocks) -> Blocks:
    """Give the noise of a pixel from the mean difference of two still frames."""
    sigma: Blocks = np.maximum(mean_difference_dn / np.float32(_MEAN_OF_DIFFERENCE), np.float32(_LEAST_SIGMA_DN))
    return sigma


def noise_of_pair(previous: Image, following: Image, rules: CandidateRules, mask: Image | None = None) -> NoiseMap:
    """Judge the noise from two frames alone, for want of a history: one value for the whole picture.

    The 40th percentile of the blocks' differences keeps what moves out of it, as long as most of the picture is still.

    Parameters
    ----------
    previous, following : uint8 arrays, shape (height, width)
    rules : CandidateRules
    mask : uint8 array, shape (height, width), or None
        Not 0 where nothing is to be looked at.

    """
    means = block_means(cv2.absdiff(previous, following)).astype(np.float32)
    looked_at = means if mask is None else means[block_means(mask) == 0]
    typical = float(np.percentile(looked_at, 40)) if looked_at.size else 0.0
    sigma = sigma_of_difference(np.full(means.shape, typical, np.float32))
    return NoiseMap(sigma, floor_picture(sigma, previous.shape, rules, mask))


def floor_picture(sigma_dn: Blocks, shape: tuple[int, ...], rules: CandidateRules, closed: Image | None) -> Image:
    """Lay out the least spike of a candidate over the picture.

    Parameters
    ----------
    sigma_dn : float32 array, blocks
    shape : (height, width)
    rules : CandidateRules
    closed : uint8 array, shape (height, width), or None
        Not 0 where nothing may be a candidate.

    """
    height, width = shape
    least = np.maximum(np.ceil(rules.noise_sigmas * sigma_dn), np.ceil(rules.spike_dn)) - 1
    floor = over_pixels(np.clip(least, 0, NEVER - 1).astype(np.uint8), height, width).astype(np.uint8)
    if closed is not None:
        floor[closed != 0] = NEVER
    return floor
