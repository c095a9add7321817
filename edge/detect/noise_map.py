"""The noise of each block of the picture, and from it the spike that each pixel has to exceed to be a candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.manifest import CandidateRules

Blocks: TypeAlias = "NDArray[np.float32]"
"""One value a block of 8×8 pixels, shape (ceil(height / 8), ceil(width / 8))."""

Value = TypeVar("Value", np.uint8, np.float32)

BLOCK = 8
NEVER = 255
"""A floor that no spike exceeds: masked and hot pixels."""
_MEAN_OF_DIFFERENCE = 2 / np.sqrt(np.pi)
"""Mean |a − b| of two normal variables, in units of their common standard deviation."""
_MIN_SIGMA_DN = 0.5
_MAX_FLOOR_DN = 45.0
"""Highest spike that a candidate may need on live ground. Where it needs a higher one, too few hits are seen."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMap:
    """The noise of a camera and its mask: all that the fast path knows of it before it searches a frame.

    Attributes
    ----------
    sigma_dn : float32 array, shape (ceil(height / 8), ceil(width / 8))
        Standard deviation of a pixel from frame to frame, for each block, in grey levels.
    floor_dn : uint8 array, shape (height, width)
        Grey levels that a candidate's spike has to exceed; 255 at masked and hot pixels, which are never candidates.
    open_blocks : bool array, shape as sigma_dn
        Blocks of which at least half is not masked, and whose noise does not drown hits.

    """

    sigma_dn: Blocks = field(repr=False)
    floor_dn: Image = field(repr=False)
    open_blocks: NDArray[np.bool_] = field(repr=False)


def block_means(picture: Image) -> Image:
    """Return the means of a picture over blocks of 8×8 pixels.

    Parameters
    ----------
    picture : uint8 array, shape (height, width), both at least 8

    Returns
    -------
    uint8 array, shape (ceil(height / 8), ceil(width / 8)); incomplete blocks at the right and lower border repeat
    their neighbours.

    """
    return _completed(_halved(_halved(_halved(_whole_blocks(picture)))), picture)


def fine_block_means(picture: Image) -> Blocks:
    """Return means over blocks like `block_means`, but exact to about 0.1 grey levels: float32."""
    return _completed(_halved(_halved(_halved(_whole_blocks(picture))).astype(np.float32)), picture)


def sampled_block_means(picture: Image) -> Image:
    """Return the mean of four pixels of each block: half the cost of `block_means`, and enough to see saturation."""
    whole = _whole_blocks(picture)
    near, far = BLOCK // 4, BLOCK - BLOCK // 4
    total = whole[near::BLOCK, near::BLOCK].astype(np.uint16)
    for row, column in ((near, far), (far, near), (far, far)):
        total += whole[row::BLOCK, column::BLOCK]
    return _completed((total // 4).astype(np.uint8), picture)


def _whole_blocks(picture: Image) -> Image:
    height, width = picture.shape
    return picture[: height // BLOCK * BLOCK, : width // BLOCK * BLOCK]


def _halved(picture: NDArray[Value]) -> NDArray[Value]:
    # Halving three times is eight times faster than one step of eight in OpenCV.
    half: NDArray[Value] = cv2.resize(
        picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA
    )
    return half


def _completed(blocks: NDArray[Value], picture: Image) -> NDArray[Value]:
    below, beside = (-(-whole // BLOCK) - part for whole, part in zip(picture.shape, blocks.shape, strict=True))
    if below or beside:
        blocks = cv2.copyMakeBorder(blocks, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return blocks


def over_pixels(blocks: Image, height: int, width: int) -> Image:
    """Return a picture of shape (height, width) in which each block's value stands at all of its pixels."""
    rows, columns = blocks.shape
    spread: Image = cv2.resize(blocks, (columns * BLOCK, rows * BLOCK), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(spread[:height, :width])


def sigma_of_difference(mean_difference_dn: Blocks) -> Blocks:
    """Return the noise of a pixel from the mean difference of two still frames."""
    sigma: Blocks = np.maximum(mean_difference_dn / np.float32(_MEAN_OF_DIFFERENCE), np.float32(_MIN_SIGMA_DN))
    return sigma


def noise_of_pair(previous: Image, following: Image, rules: CandidateRules, mask: Image | None = None) -> NoiseMap:
    """Return the noise as two frames show it, one value for the whole picture, where no history is known.

    It is the 40th percentile of the blocks' differences, which ignores what moves as long as most of the picture is
    still. The median difference of all pixels is subtracted first, so that a change of exposure is not taken for noise.

    Parameters
    ----------
    previous, following : uint8 arrays, shape (height, width)
    rules : CandidateRules
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels.

    """
    change = int(np.median(cv2.subtract(following[::4, ::4], previous[::4, ::4], dtype=cv2.CV_16S)))
    same_exposure = cv2.add(previous, float(change)) if change > 0 else cv2.subtract(previous, float(-change))
    means = fine_block_means(cv2.absdiff(same_exposure, following))
    open_means = means if mask is None else means[block_means(mask) == 0]
    typical = float(np.percentile(open_means, 40)) if open_means.size else 0.0
    return noise_map(sigma_of_difference(np.full(means.shape, typical, np.float32)), previous.shape, rules, mask)


def noise_map(
    sigma_dn: Blocks,
    shape: tuple[int, ...],
    rules: CandidateRules,
    closed: Image | None,
    resting_sigma_dn: Blocks | None = None,
) -> NoiseMap:
    """Return the noise map of a camera whose noise is known.

    Parameters
    ----------
    sigma_dn : float32 array, blocks
    shape : (height, width)
    rules : CandidateRules
    closed : uint8 array, shape (height, width), or None
        Not 0 at masked and hot pixels, which are never candidates.
    resting_sigma_dn : float32 array, blocks, or None
        Noise of each block while nothing moves in it, from which the floor is made; None where it is `sigma_dn`.

    """
    resting = sigma_dn if resting_sigma_dn is None else np.minimum(resting_sigma_dn, sigma_dn)
    block_floor = np.maximum(np.ceil(rules.noise_sigmas * resting), np.ceil(rules.spike_dn)) - 1
    floor = over_pixels(np.clip(block_floor, 0, NEVER - 1).astype(np.uint8), shape[0], shape[1])
    quiet = rules.noise_sigmas * resting <= _MAX_FLOOR_DN
    if closed is None:
        return NoiseMap(sigma_dn, floor, quiet)
    shut = np.where(closed != 0, np.uint8(255), np.uint8(0))
    return NoiseMap(sigma_dn, np.maximum(floor, shut), quiet & (block_means(shut) < 128))
