"""Light or ionisation: a small network that looks once more at the few hits of a frame, with colour and older frames.

The charge of a hit lies in single pixels of the colour mosaic. Light comes through a lens that blurs it over all
colours, and what shines, drifts or sways mostly shows in the frames before, too. Each hit is described by numbers of
its height, shape, colour and surroundings. `gammabox-trainer study light` fits the network.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from edge.errors import BundleError
from edge.files import read_text, why
from edge.statistics import row_medians

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.capture.frame import Image

    Values = NDArray[np.float32]

Number = TypeVar("Number", bound=np.generic)
Network = TypeVar("Network")

GREY_PX, COLOUR_PX = 33, 9
"""Sides of the patches: of the five grey frames, and of the colours at half the size."""
FRAMES = 5
"""Two older frames, the previous, the current and the next one."""
# fmt: off
_SHAPE = (
    "spike", "ground", "peak", "sum_1", "sum_2", "sum_3", "extent", "side_high", "side_low", "corner_high",
    "corner_low", "elongation", "motion", "motion_before", "change", "motion_inside", "texture", "bright_here",
    "bright_before", "dark_here", "before", "after", "odds",
)
_COLOUR = (
    "blue_1", "green_1", "red_1", "blue_2", "green_2", "red_2", "contrast", "spread", "red_shift", "blue_shift",
)
# fmt: on
NAMES = (*_SHAPE, *_COLOUR)
_WEIGHTS = Path(__file__).with_name("light.json")
_WINDOW, _INNER, _NEAR = 11, 7, 5
_FOOT = 0.25
_LIMIT = 4.0
"""Numbers farther than this from their mean, in standard deviations, say nothing more."""
_SRGB = np.arange(256) / 255
_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""Linear light of each level (IEC 61966-2-1)."""


@dataclass(frozen=True, slots=True, eq=False)
class LightNetwork:
    """A network of one hidden layer.

    Attributes
    ----------
    mean, scale : float32 array, shape (33,)
        Of each number that describes a hit: see NAMES.
    hidden : float32 array, shape (33, n)
    hidden_bias, output : float32 array, shape (n,)
    bias : float

    """

    mean: Values
    scale: Values
    hidden: Values
    hidden_bias: Values
    output: Values
    bias: float

    def log_odds(self, described: Values) -> Values:
        """Return how much more likely each hit is radiation than light, as a logarithm, shape (n,)."""
        normal = standardised(described, self.mean, self.scale)
        odds: Values = np.maximum(normal @ self.hidden + self.hidden_bias, 0) @ self.output + np.float32(self.bias)
        return odds


@functools.cache
def shipped_network() -> LightNetwork:
    """Return the network that ships.

    Raises
    ------
    BundleError
        Its file is missing or damaged.

    """
    names = ("mean", "scale", "hidden", "hidden_bias", "output")
    return read_network(
        _WEIGHTS,
        lambda stored: LightNetwork(
            **{name: np.array(stored[name], np.float32) for name in names}, bias=stored["bias"]
        ),
    )


def standardised(described: Values, mean: Values, scale: Values) -> Values:
    """Return numbers in standard deviations from their mean, cut off where they say nothing more."""
    values: Values = np.clip((described - mean) / scale, -_LIMIT, _LIMIT)
    return values


def read_network(path: Path, build: Callable[[Any], Network]) -> Network:
    """Return what is built from a JSON file that ships.

    Raises
    ------
    BundleError
        The file is missing or damaged.

    """
    try:
        return build(json.loads(read_text(path)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(path, f"cannot be read ({why(error)})", "install Gammabox again") from error


def describe(greys: Image, colours: Image, scores: NDArray[np.floating]) -> Values:
    """Describe hits by numbers.

    Parameters
    ----------
    greys : uint8 array, shape (n, 33, 33, 5)
        Their surroundings in five frames, of which the fourth holds the hits in its middle.
    colours : uint8 array, shape (n, 9, 9, 3)
        Blue, green and red of the same frame at half the size.
    scores : float array, shape (n,)
        Of the classifier, 0..1.

    Returns
    -------
    float32 array, shape (n, 33)
        In the order of NAMES.

    """
    spike = _spikes(greys)
    score = np.clip(scores, 1e-6, 1 - 1e-6)
    odds = np.log(score / (1 - score))
    return np.column_stack([_shape(greys, spike), odds, _colour(colours, spike)]).astype(np.float32)


def _spikes(greys: Image) -> Values:
    before, current, after = (greys[:, GREY_PX // 2, GREY_PX // 2, frame].astype(np.float32) for frame in (2, 3, 4))
    spikes: Values = np.maximum(current - np.maximum(before, after), 1)
    return spikes


def _shape(greys: Image, spike: Values) -> Values:
    near = _inner(greys, _WINDOW)
    oldest, older, previous, current, following = (near[..., frame].astype(np.float32) for frame in range(FRAMES))
    beside, ground = np.maximum(previous, following), (previous + following) / 2
    ring, inside = ~_square(_WINDOW, _INNER), _square(_WINDOW, _NEAR)
    light = _LINEAR[near]
    added = light[..., 3] - (light[..., 2] + light[..., 4]) / 2
    peak = np.maximum(added[:, _WINDOW // 2, _WINDOW // 2], 1e-4)
    rise, tall = current - beside, spike[:, None, None]
    wide = _inner(rise, _INNER)
    level = row_medians(ground.reshape(len(ground), -1))
    stood = _inner((oldest + older) / 2, 3).max(axis=(1, 2)) - level
    sides, corners = _neighbours(added, peak)
    columns = [
        np.log(spike),
        row_medians(ground[:, ring]) / 255,
        np.log(peak),
        *(np.log(np.maximum(_inner(added, side).sum(axis=(1, 2)) / peak, 0.3)) for side in (3, 5, 7)),
        np.log(np.maximum(np.where(wide > tall * _FOOT, wide, 0).sum(axis=(1, 2)) / spike, 1)),
        sides.max(axis=1),
        sides.min(axis=1),
        corners.max(axis=1),
        corners.min(axis=1),
        _elongation(np.maximum(wide, 0)),
        _log_mean(previous - following, ring),
        _log_mean(previous - older, ring),
        _log_mean(current - ground, ring),
        _log_mean(previous - following, inside),
        np.log(0.5 + ground.std(axis=(1, 2))),
        np.clip((_inner(ground, 3).max(axis=(1, 2)) - level) / spike, -1, 2),
        np.clip(stood, -50, 50) / spike,
        np.clip((level - _inner(ground, 3).min(axis=(1, 2))) / spike, -1, 3),
        *_spikes_beside(greys, spike),
    ]
    return np.column_stack(columns)


def _neighbours(added: NDArray[np.floating], peak: NDArray[np.floating]) -> tuple[Values, Values]:
    """Return the light of the four pixels at the sides and of the four at the corners, in units of the peak."""
    middle = _WINDOW // 2
    sides, corners = (
        np.stack([added[:, middle + down, middle + right] for down, right in places], axis=1) / peak[:, None]
        for places in (((0, 1), (1, 0), (0, -1), (-1, 0)), ((1, 1), (1, -1), (-1, -1), (-1, 1)))
    )
    return np.clip(sides, -1, 2), np.clip(corners, -1, 2)


def _elongation(weights: Values) -> Values:
    """Return how elongated spots are: half the difference of the two moments over their sum, 0 to 0.5."""
    axis = np.arange(_INNER, dtype=np.float32) - _INNER // 2
    total = np.maximum(weights.sum(axis=(1, 2)), 1)
    right, down = (weights * axis).sum(axis=(1, 2)) / total, (weights * axis[:, None]).sum(axis=(1, 2)) / total
    across = (weights * axis**2).sum(axis=(1, 2)) / total - right**2
    along = (weights * axis[:, None] ** 2).sum(axis=(1, 2)) / total - down**2
    mixed = (weights * axis * axis[:, None]).sum(axis=(1, 2)) / total - right * down
    sum_, determinant = across + along, across * along - mixed**2
    longer: Values = np.sqrt(np.maximum(sum_**2 / 4 - determinant, 0)) / np.maximum(sum_, 0.1)
    return longer


def _log_mean(difference: NDArray[np.floating], where: NDArray[np.bool_]) -> Values:
    mean: Values = np.log(0.5 + np.abs(difference)[:, where].mean(axis=1))
    return mean


def _spikes_beside(greys: Image, spike: Values) -> tuple[Values, Values]:
    """Return the highest spikes of the previous and of the next frame near each hit, in units of its own."""
    values = greys.astype(np.int16)
    _, older, previous, current, following = (values[..., frame] for frame in range(FRAMES))
    before = (previous - np.maximum(np.maximum(current, following), older)).max(axis=(1, 2))
    after = (following - np.maximum(current, previous)).max(axis=(1, 2))
    return np.clip(before / spike, 0, 3), np.clip(after / spike, 0, 3)


def _colour(colours: Image, spike: Values) -> Values:
    """Return the colour of the light that each hit adds to its ground."""
    ring = ~_square(COLOUR_PX, 5)
    light = _LINEAR[colours]
    added = light - row_medians(light[:, ring])[:, None, None]
    columns: list[Values] = []
    for side in (3, 5):
        sums = _inner(added, side).sum(axis=(1, 2))
        columns += list((sums / np.maximum(np.abs(sums).sum(axis=1), 3e-3)[:, None]).T)
    levels = colours.astype(np.float32)
    brightness = levels @ np.array([0.114, 0.587, 0.299], np.float32)
    red, blue = (
        _inner(shift, 3) - row_medians(shift[:, ring])[:, None, None]
        for shift in ((levels[..., 2] - brightness) * 0.713, (levels[..., 0] - brightness) * 0.564)
    )
    columns += [
        np.log((np.hypot(red, blue).max(axis=(1, 2)) + 1) / spike),
        np.log(0.02 + (red.std(axis=(1, 2)) + blue.std(axis=(1, 2))) / spike),
        np.clip(red.mean(axis=(1, 2)) / spike, -1, 1),
        np.clip(blue.mean(axis=(1, 2)) / spike, -1, 1),
    ]
    return np.column_stack(columns)


def _inner(patches: NDArray[Number], side: int) -> NDArray[Number]:
    """Return the middle of patches, shape (n, side, side, …)."""
    first = (patches.shape[1] - side) // 2
    return patches[:, first : first + side, first : first + side]


def _square(side: int, inner: int) -> NDArray[np.bool_]:
    """Return a square of False, shape (side, side), with True in its middle."""
    inside = np.zeros((side, side), bool)
    first = (side - inner) // 2
    inside[first : first + inner, first : first + inner] = True
    return inside
