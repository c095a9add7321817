"""Tells pictures that repeat the one before from new ones, and a picture that stands from a scene that rests.

A sensor has noise, so two pictures of a resting scene differ nearly everywhere. A repeated picture is equal to the one
before, or equal but for a clock that a streamer draws into it, or differs by much less than noise when it was encoded
anew. A source without any noise (a black picture cut off at 0, a drawn or heavily compressed scene) is not told from a
standing picture by the picture alone: it counts as new only as long as something happens in new places.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.statistics import row_medians

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Frame, Image

    Tiles: TypeAlias = "NDArray[np.bool_]"

STILL_S = 3.0
"""A picture that shows nothing new for longer stands."""
ROWS = 40
"""Rows of the picture that are compared."""
TILE = 64
BLOCK = 16
LIKE_SHARE = 0.03
"""Pictures of which a smaller share differs are equal but for an overlay."""
NOISY_SHARE = 0.5
"""Of a picture of a camera with noise at least so much differs from the one before."""
ALIVE_SHARE = 0.3
"""So many of the pictures of a source without noise must show something in a new place."""
REENCODED_SHARE = 0.4
"""Of the noise of new pictures; repeats that were encoded anew differ by less."""
BLACK_DN, WHITE_DN = 10, 250
OTHER_SHARE = 0.01
"""A picture is black or white where fewer pixels are anything else."""
STEP_DN = 6.0
"""A larger mean change of the picture is a change of light, after which the noise is another one."""
_PRECISION = 16.0
_MIN_MEAN_DN = 1.0
_SHARES, _LEVELS, _MIN_LEVELS = 64, 96, 50
_PATTERN, _MIN_PATTERN, _MIN_RUNS, _MAX_RUN = 48, 24, 5, 12
_LEARN_EVERY = 4
_CLASS_SHARE, _CLASS_RATIO, _CLASS_MIN_DN = 0.15, 2.0, 0.5


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a picture compares with the last new one.

    Attributes
    ----------
    repeats : bool
        Whether it only repeats that one.
    still_s : float
        For how long nothing new has been seen.
    black : bool
        Whether it is black, where it repeats or nearly repeats the last one.

    """

    repeats: bool
    still_s: float
    black: bool = False

    @property
    def stands(self) -> bool:
        """Whether the picture stands."""
        return self.still_s > STILL_S


class RepeatFinder:
    """Compares each picture of a source with the last one that was new.

    Examples
    --------
    Noisy pictures of a resting scene, each sent twice:

    >>> from datetime import datetime, timezone
    >>> from edge.capture.frame import Frame
    >>> utc, rng = datetime.now(timezone.utc), np.random.default_rng(1)
    >>> greys = [rng.normal(80, 2, (120, 160)).astype(np.uint8) for _ in range(3)]
    >>> twice = [grey for grey in greys for _ in range(2)]
    >>> finder = RepeatFinder()
    >>> [finder.compare(Frame(i, i / 25, utc, grey)).repeats for i, grey in enumerate(twice)]
    [False, True, False, True, False, True]

    """

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._new_s = 0.0
        self._noise = _Noise()
        self._places = _Places()

    def compare(self, frame: Frame) -> Likeness:
        """Compare the next picture. One that does not repeat the last new one takes its place."""
        now_s, last = frame.monotonic_s, self._last
        if last is None or last.grey.shape != frame.grey.shape or now_s < self._new_s:
            self._begin(frame)
            return Likeness(repeats=False, still_s=0.0)
        change = None if last.jpeg is not None and last.jpeg == frame.jpeg else _change(last.grey, frame.grey)
        if change is not None and not self._noise.is_like(change):
            self._new_s = now_s
            self._take(frame, change)
            return Likeness(repeats=False, still_s=0.0)
        if _is_white(frame.grey):
            # Nothing is live in it anyway, and it says of itself that the camera is blinded.
            self._last, self._new_s = frame, now_s
            return Likeness(repeats=False, still_s=0.0)
        equal = change is None or (not change.differs and np.array_equal(last.grey, frame.grey))
        black = _is_black(frame.grey)
        repeats = self._repeats(last, frame, equal=equal, black=black)
        if not repeats:
            # Where new pictures have noise nearly everywhere, this one says nothing of it.
            self._take(frame, None if self._noise.is_known else change)
        elif change is not None and not equal:
            self._noise.learn_repeat(change)
        return Likeness(repeats, now_s - self._new_s, black)

    def _repeats(self, last: Frame, frame: Frame, *, equal: bool, black: bool) -> bool:
        """Decide on a picture that is equal to the last new one, or nearly so."""
        now_s = frame.monotonic_s
        self._places.add(now_s, None if equal else _changed_blocks(last.grey, frame.grey))
        if not black and (equal or self._noise.is_mixed or (self._noise.is_known and self._places.are_overlay)):
            return True
        if self._places.alive:
            self._new_s = now_s
            return False
        return now_s - self._new_s > STILL_S

    def _take(self, frame: Frame, change: _Change | None) -> None:
        """Remember a new picture, and learn the noise from its difference to the one before."""
        self._last = frame
        if change is None:
            return
        if change.is_step:
            self._noise = _Noise()
        else:
            self._noise.learn(change)

    def _begin(self, frame: Frame) -> None:
        self._last, self._new_s = frame, frame.monotonic_s
        self._noise, self._places = _Noise(), _Places()


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """The difference of two pictures, without what a change of light adds to each tile.

    Attributes
    ----------
    noise_dn : float32 array, shape (tiles,)
        Mean difference of neighbouring pixels of the difference, in tiles of 1×64 pixels of some rows.
    mean_dn : float32 array, shape (tiles,)
        Mean difference, without its sign, rounded.

    """

    noise_dn: NDArray[np.float32]
    mean_dn: NDArray[np.float32]

    @property
    def differs(self) -> bool:
        """Whether any tile differs."""
        return bool(self.noise_dn.any() or self.mean_dn.any())

    @property
    def level_dn(self) -> float:
        """Median of the noise of the tiles."""
        return float(row_medians(self.noise_dn[None])[0])

    @property
    def is_step(self) -> bool:
        """Whether the light has changed."""
        return float(self.mean_dn.mean()) > STEP_DN

    def share_over(self, noise_dn: float) -> float:
        """Return the share of tiles that change by more than a level of noise."""
        over = (self.noise_dn > noise_dn) | (self.mean_dn > _MIN_MEAN_DN + noise_dn)
        return np.count_nonzero(over) / over.size


class _Noise:
    """What is known of the noise of new pictures, and of that of repeats."""

    def __init__(self) -> None:
        self._shares: deque[float] = deque(maxlen=_SHARES)
        self._levels_dn: deque[float] = deque(maxlen=_LEVELS)
        self._pattern_dn: deque[float] = deque(maxlen=_PATTERN)
        self._split_dn: float | None = None
        self._limit_dn = 0.0
        self._usual_share = 0.0
        self._learnt = 0

    @property
    def is_mixed(self) -> bool:
        """Whether new pictures come among repeats that were encoded anew."""
        return self._split_dn is not None

    @property
    def is_known(self) -> bool:
        """Whether new pictures have noise nearly everywhere."""
        return self._usual_share >= NOISY_SHARE

    def is_like(self, change: _Change) -> bool:
        """Return whether the pictures differ only in few places by more than repeats do."""
        return change.share_over(self._limit_dn) <= LIKE_SHARE

    def learn(self, change: _Change) -> None:
        """Learn from a new picture."""
        level_dn = change.level_dn
        self._shares.append(change.share_over(self._limit_dn))
        self._levels_dn.append(level_dn)
        self._pattern_dn.append(level_dn)
        self._learnt += 1
        if self._learnt % _LEARN_EVERY:
            return
        self._usual_share = float(np.quantile(self._shares, 0.75))
        if len(self._pattern_dn) >= _MIN_PATTERN:
            self._split_dn = split_of_pattern(self._pattern_dn)
        if self._split_dn is not None:
            self._limit_dn = self._split_dn
        elif len(self._levels_dn) >= _MIN_LEVELS:
            self._limit_dn = REENCODED_SHARE * float(np.quantile(self._levels_dn, 0.1))

    def learn_repeat(self, change: _Change) -> None:
        """Learn from a repeat that was encoded anew."""
        self._pattern_dn.append(change.level_dn)


def split_of_pattern(levels_dn: deque[float]) -> float | None:
    """Return the level between new pictures and repeats that were encoded anew; None where they are not mixed.

    Where each picture is sent several times, its level of noise is high once and then low, again and again, with
    nothing between high and low.
    """
    values = np.sort(np.asarray(levels_dn))
    few = max(int(_CLASS_SHARE * values.size), 1)
    low, high = values[few - 1 : -few], values[few : values.size - few + 1]
    ratios = (high + 1e-3) / (low + 1e-3)
    best = int(np.argmax(ratios))
    if ratios[best] < _CLASS_RATIO or high[best] < _CLASS_MIN_DN:
        return None
    split_dn = float(np.sqrt((low[best] + 1e-3) * high[best]))
    runs, run, longest = 0, 0, 0
    for level_dn in levels_dn:
        run = run + 1 if level_dn < split_dn else 0
        runs += run == 1
        longest = max(longest, run)
    return split_dn if runs >= _MIN_RUNS and longest <= _MAX_RUN else None


class _Places:
    """Where a source without noise changes: a camera does so in new places, a clock always in the same."""

    def __init__(self) -> None:
        self._changed_s: NDArray[np.float64] | None = None
        self._latest: deque[tuple[float, bool]] = deque()
        self._news = 0
        self.are_overlay = False

    @property
    def alive(self) -> bool:
        """Whether many of the pictures of the last seconds show something in a new place."""
        return self._news >= 2 and self._news >= ALIVE_SHARE * len(self._latest)

    def add(self, now_s: float, changed: Tiles | None) -> None:
        """Add the blocks in which a picture differs from the last new one; None where it is equal."""
        news = False
        if changed is not None:
            if self._changed_s is None:
                self._changed_s = np.full(changed.shape, -np.inf)
            news = bool((changed & (now_s - self._changed_s > STILL_S)).any())
            self._changed_s[changed] = now_s
            recent = now_s - self._changed_s <= STILL_S
            self.are_overlay = not news and float(recent.mean()) <= LIKE_SHARE
        self._latest.append((now_s, news))
        self._news += news
        while now_s - self._latest[0][0] > STILL_S:
            self._news -= self._latest.popleft()[1]


def _change(earlier: Image, later: Image) -> _Change:
    step = max(earlier.shape[0] // ROWS, 1)
    earlier, later = earlier[step // 2 :: step], later[step // 2 :: step]
    # Whole tiles only: averages of whole numbers of pixels are ten times faster.
    columns = max((earlier.shape[1] - 1) // TILE, 1)
    width = min(columns * TILE, earlier.shape[1] - 1)
    difference = cv2.subtract(later, earlier, dtype=cv2.CV_16S)
    right, left = difference[:, 1 : width + 1], difference[:, :width]
    steps = cv2.convertScaleAbs(cv2.subtract(right, left), alpha=_PRECISION)
    tiles = (columns, difference.shape[0])
    noise = cv2.resize(steps, tiles, interpolation=cv2.INTER_AREA).ravel() * np.float32(1 / _PRECISION)
    mean = np.abs(cv2.resize(left, tiles, interpolation=cv2.INTER_AREA)).ravel().astype(np.float32)
    return _Change(noise, mean)


def _changed_blocks(earlier: Image, later: Image) -> Tiles:
    """Return the blocks of 16×16 pixels with any difference."""
    differs = (earlier != later).view(np.uint8) * np.uint8(255)
    rows, columns = (-(-side // BLOCK) for side in differs.shape)
    padding = (rows * BLOCK - differs.shape[0], columns * BLOCK - differs.shape[1])
    whole = cv2.copyMakeBorder(differs, 0, padding[0], 0, padding[1], cv2.BORDER_CONSTANT, value=0)
    blocks: Tiles = whole.reshape(rows, BLOCK, columns, BLOCK).any(axis=(1, 3))
    return blocks


def _is_black(grey: Image) -> bool:
    sample = grey[::8, ::2]
    return bool(np.count_nonzero(sample > BLACK_DN) <= OTHER_SHARE * sample.size)


def _is_white(grey: Image) -> bool:
    sample = grey[::8, ::2]
    return bool(np.count_nonzero(sample < WHITE_DN) <= OTHER_SHARE * sample.size)
