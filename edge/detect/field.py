"""A strong field: so many hits that they cannot be told one by one, but that show in every part of the picture.

Hits of a strong field are points that brighten, in other places in each frame, evenly over the picture. Things that
move brighten some places and darken others, a camera that shakes moves the edges alone, a flash changes whole areas.
Of three frames p, c, n the highest, middle and lowest value of each pixel tell them apart: a hit lifts the highest over
the middle, a shadow sinks the lowest under it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.parts import COLUMNS, ROWS, part_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.noise_map import NoiseMap
    from edge.detect.view import Greys

BLOCK = 16
"""Pixels a side of the blocks that are occupied or not."""
OVERLOAD_OCCUPANCY = 0.05
"""Occupancy of an overload. Recordings without a source stay below 0.001 for eight frames in a row."""
FLOODED_SHARE = 0.9
MAX_CORRELATION = 0.05
MAX_STREAKS = 0.015
STREAKS_PER_OCCUPANCY = 0.5
"""Rain that fills more of the picture has longer streaks; in a strong field behind rain they are few of the points."""
_MIN_STEP_DN, _MAX_STEP_DN = 18.0, 40.0
_STEP_SIGMAS = 6.0
_MIN_PIXELS = 2
_EVEN_PX = 31
_EVEN_BYTES, _TO_TOP = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0001000100010001)
_BYTE, _TOP = np.uint64(8), np.uint64(48)
_FLOODED_PIXELS = 0.3
_LOW_QUANTILE = 0.25
_FLOODED_HITS = 3.0
_FRAMES = 3
_SOME_POINTS, _MANY_POINTS = 1 / 6000, 1 / 20
"""Share of the pixels that exceed their floor: so many ask for a look now and then, or at each frame."""
_DROWNED_SHARE = 0.5
_EVERY = 4
_REMEMBERED = 10
_MIN_SIDE = 64
_SPREAD = 1.2
"""Blocks that one hit occupies: wide hits reach into neighbours."""
_APART_PX = 6
"""Hits are narrower than this, so that the change of pixels so far apart is not related."""
_STEPS = ((6, 0), (6, 2), (4, 4), (2, 6), (0, 6), (-2, 6), (-4, 4), (-6, 2))
"""Columns and rows to another pixel that far apart."""
_LEFT_OUT = 1 / 3
"""Share of the parts that are left out, those with most pairs of pixels: things may move there."""


@dataclass(frozen=True, slots=True)
class Field:
    """What three frames show of a strong field.

    Attributes
    ----------
    occupancy : float
        Share of the blocks of 16×16 pixels with points that brightened, less those with points that darkened; of 24
        parts of the picture the lower quartile, so that it is high only where all parts have them. Where all points
        that brightened are too few for an overload, the share of the blocks with them, which is no less.
    flooded : float
        Share of the blocks in which a third of the pixels change, in the part of the picture with fewest of them.
    streaks : float
        Share of the pixels that brighten of which another one 6 apart in one direction brightens, too, less those that
        darken and chance; of eight directions the greatest, a third of the picture left out. It is about 0 for points,
        and 0.05 to 0.5 for rain.
    correlation : float
        Correlation of the change of pixels that lie 6 apart: about 0 for points, high for things that move.
    blocks : int
        Blocks of the picture.

    """

    occupancy: float
    flooded: float
    correlation: float
    blocks: int
    streaks: float = 0.0

    @property
    def overloads(self) -> bool:
        """Whether more comes than can be judged hit by hit."""
        return (self.occupancy >= OVERLOAD_OCCUPANCY and not self._streams) or self.floods

    @property
    def falls(self) -> bool:
        """Whether streaks in all parts of the picture brighten, as falling rain does."""
        return self.occupancy >= OVERLOAD_OCCUPANCY and self._streams and not self.floods

    @property
    def _streams(self) -> bool:
        streaks = max(MAX_STREAKS, STREAKS_PER_OCCUPANCY * (self.occupancy - OVERLOAD_OCCUPANCY))
        return self.streaks >= streaks

    @property
    def floods(self) -> bool:
        """Whether hits cover most of the picture, so that not even their number can be estimated."""
        return self.flooded >= FLOODED_SHARE and abs(self.correlation) < MAX_CORRELATION

    @property
    def in_words(self) -> str:
        """What it shows, for people."""
        if self.floods:
            return "hits cover the picture: a very strong field, or a camera that drowns in noise"
        return f"hits in all parts of the picture, at least {self.min_hits:.0f} in a frame"

    @property
    def min_hits(self) -> float:
        """Lower limit of the hits in a frame.

        A block without a hit in any of three frames has the probability exp(−3 × hits / blocks), if one hit occupies
        one block. A flooded picture holds several hits in each block.
        """
        if self.floods:
            return _FLOODED_HITS * self.blocks
        share = min(max(self.occupancy, 0.0), 1 - 0.5 / self.blocks)
        return -math.log1p(-share) * self.blocks / (_FRAMES * _SPREAD)


class FieldWatch:
    """Decides in which frames it is worth while to look for a strong field: few frames have that many points.

    After a look that found a strong field the next frames are looked at, too.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._strong = 0

    def look(self, greys: Greys, points: int, noise: NoiseMap) -> Field | None:
        """Return what the frames show of a strong field, None where none is likely.

        Parameters
        ----------
        greys : three uint8 arrays, shape (height, width)
        points : int
            Pixels of the middle frame that exceed their floor.
        noise : NoiseMap

        """
        self._frames += 1
        pixels = greys[1].size
        drowned = np.count_nonzero(noise.open_blocks) < noise.open_blocks.size * _DROWNED_SHARE
        some, many = points > pixels * _SOME_POINTS, points > pixels * _MANY_POINTS or drowned
        if min(greys[1].shape) < _MIN_SIDE or not (many or self._strong or (some and self._frames % _EVERY == 0)):
            return None
        field = field_of(greys, float(np.median(noise.sigma_dn)))
        self._strong = _REMEMBERED if field.overloads else max(0, self._strong - 1)
        return field


def field_of(greys: Greys, sigma_dn: float) -> Field:
    """Return what three frames show of a strong field.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width), both at least 64
        Previous, current and next frame.
    sigma_dn : float
        Usual standard deviation of a pixel from frame to frame, grey levels.

    Examples
    --------
    Frames of noise, and the same frames with 500 points each:

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> still = rng.normal(80, 2, (3, 480, 640)).astype(np.uint8)
    >>> hits = still.copy()
    >>> for picture in hits:
    ...     picture[rng.integers(0, 479, 500)[:, None] + [0, 1], rng.integers(0, 640, 500)[:, None]] = 200
    >>> field_of(tuple(still), 2.0).overloads, field_of(tuple(hits), 2.0).overloads
    (False, True)

    """
    previous, current, following = greys
    step_dn = min(max(_MIN_STEP_DN, _STEP_SIGMAS * sigma_dn), _MAX_STEP_DN)
    low, high = cv2.min(previous, following), cv2.max(previous, following)
    middle = cv2.max(low, cv2.min(current, high))
    rise, fall = cv2.subtract(cv2.max(high, current), middle), cv2.subtract(middle, cv2.min(low, current))
    rising, falling = _counts(rise, step_dn), _counts(fall, step_dn)
    flooded = float(part_means(rising + falling >= _FLOODED_PIXELS * BLOCK**2).min())
    # Most frames have too few points, even with those that an even change of light makes.
    occupancy = float(np.quantile(part_means(rising >= _MIN_PIXELS), _LOW_QUANTILE))
    if occupancy >= OVERLOAD_OCCUPANCY:
        up, down = (_counts(_uneven(change), step_dn) for change in (rise, fall))
        brightened = (up >= _MIN_PIXELS) & (down <= up / 2)
        darkened = (down >= _MIN_PIXELS) & (up <= down / 2)
        occupancy = float(np.quantile(part_means(brightened) - part_means(darkened), _LOW_QUANTILE))
    return Field(
        occupancy=occupancy,
        flooded=flooded,
        correlation=_correlation(previous, current, step_dn) if flooded >= FLOODED_SHARE else 1.0,
        blocks=rising.size,
        streaks=_streaks(greys, step_dn) if occupancy >= OVERLOAD_OCCUPANCY else 0.0,
    )


def _counts(difference: Image, step_dn: float) -> NDArray[np.float32]:
    """Count the pixels of each block that exceed the step: float32, shape (height // 16, width // 16)."""
    _, over = cv2.threshold(difference, step_dn, 1, cv2.THRESH_BINARY)
    rows, columns = (side // BLOCK for side in difference.shape)
    # Eight pixels are added at a time, as bytes of a word: 16 rows first, then the bytes, of which none overflows.
    words = np.ascontiguousarray(over[: rows * BLOCK, : columns * BLOCK]).view(np.uint64)
    of_rows = np.add.reduce(words.reshape(rows, BLOCK, -1), axis=1)
    pairs = (of_rows & _EVEN_BYTES) + ((of_rows >> _BYTE) & _EVEN_BYTES)
    of_words = (pairs * _TO_TOP) >> _TOP
    counts: NDArray[np.float32] = (of_words[:, ::2] + of_words[:, 1::2]).astype(np.float32)
    return counts


def _uneven(difference: Image) -> Image:
    """Take off an even change of light, as a lamp that flickers gives it."""
    uneven: Image = cv2.subtract(difference, cv2.blur(difference, (_EVEN_PX, _EVEN_PX)))
    return uneven


def _correlation(first: Image, second: Image, step_dn: float) -> float:
    """Return the correlation of the change of pixels that lie 6 apart; 1 where all pixels change alike."""
    change = cv2.subtract(second, first, dtype=cv2.CV_32F)
    change -= change.mean()
    power = float((change**2).mean())
    if power <= step_dn**2 / 4:
        return 1.0
    across = float((change[:, :-_APART_PX] * change[:, _APART_PX:]).mean())
    along = float((change[:-_APART_PX] * change[_APART_PX:]).mean())
    return (across + along) / 2 / power


def _streaks(greys: Greys, step_dn: float) -> float:
    """Return how the pixels that brighten in the middle frame are related to others 6 apart: see `Field.streaks`."""
    previous, current, following = greys
    rise = cv2.subtract(current, cv2.max(previous, following))
    fall = cv2.subtract(cv2.min(previous, following), current)
    bright, dark = (cv2.threshold(_uneven(change), step_dn, 1, cv2.THRESH_BINARY)[1] for change in (rise, fall))
    counts, greatest = _part_sums(bright), 0.0
    for step in _STEPS:
        pairs = np.maximum(_pairs(bright, *step) - _pairs(dark, *step), 0)
        kept = np.argsort(pairs)[: round(pairs.size * (1 - _LEFT_OUT))]
        points = counts[kept].sum()
        chance = points / (bright.size * kept.size / counts.size)
        greatest = max(greatest, float(pairs[kept].sum() / max(points, 1) - chance))
    return greatest


def _pairs(marked: Image, right: int, down: int) -> NDArray[np.float64]:
    """Count the marked pixels of each part of which the pixel so far to the right and down is marked, too."""
    height, width = marked.shape
    first = marked[: height - down, max(-right, 0) : width - max(right, 0)]
    second = marked[down:, max(right, 0) : width + min(right, 0)]
    return _part_sums(cv2.bitwise_and(first, second))


def _part_sums(counted: Image) -> NDArray[np.float64]:
    """Return the sums over 24 parts of a picture, shape (24,)."""
    rows = np.linspace(0, counted.shape[0], ROWS + 1).astype(int)
    columns = np.linspace(0, counted.shape[1], COLUMNS + 1).astype(int)
    sums = [
        cv2.countNonZero(counted[top:bottom, left:right])
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    ]
    return np.array(sums, float)
