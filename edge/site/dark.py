"""What a covered camera tells: its noise, its hot pixels, and how high its noise spikes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.noise_map import fine_block_means, sigma_of_difference
from edge.pipeline import Account, analyse_triple, walk
from edge.site.calibration import MAX_HOT_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from edge.capture.frame import Frame, Triple
    from edge.detect.detector import Detector
    from edge.detect.noise_map import Blocks
    from edge.pipeline import AnalysedFrame

MAX_MEAN_DN = 20.0
"""A covered camera's pictures are darker than this. `gammabox-trainer import` takes the same value."""
_HOT_DN = 10.0
"""A pixel that stands so far above the others all the time is hot."""
_MIN_BLINK_DN = 8
_BLINKS = 3
"""A pixel that spikes in so many frames blinks: radiation seldom falls on one pixel twice."""
_KEPT_SPIKES = 64


class LightLeakError(ValueError):
    """The lens was not covered, or light leaks in. The message says how it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class DarkNoise:
    """What was measured under the lens cap.

    Attributes
    ----------
    frames : int
    mean_dn : float
        Mean grey.
    sigma_dn : float32 array, blocks
        Noise of each block.
    hot_pixels : tuple of (x, y)
        Pixels that are bright all the time or blink.
    maxima : int array, shape (256,)
        Number of frames by their highest spike, hot pixels left out.

    """

    frames: int
    mean_dn: float
    sigma_dn: Blocks = field(repr=False)
    hot_pixels: tuple[tuple[int, int], ...] = field(repr=False)
    maxima: NDArray[np.int64] = field(repr=False)

    @property
    def median_sigma_dn(self) -> float:
        """Median noise of the blocks."""
        return float(np.median(self.sigma_dn))

    def threshold_dn(self, target_share: float) -> int:
        """Return the smallest spike that at most `target_share` of the frames reach.

        The threshold is read off the frames' maxima as CRAYFIS does (arXiv 1410.2895).

        Examples
        --------
        Of 100 frames 97 have no spike of more than 6 grey levels, and three have higher ones:

        >>> maxima = np.zeros(256, np.int64)
        >>> maxima[[5, 6, 9, 40]] = [50, 47, 2, 1]
        >>> noise = DarkNoise(100, 3.0, np.ones((8, 8), np.float32), (), maxima)
        >>> noise.threshold_dn(0.03), noise.threshold_dn(0.01)
        (7, 10)

        """
        reached = np.cumsum(self.maxima[::-1])[::-1]  # frames whose maximum is at least so high
        allowed = reached <= target_share * self.frames
        return int(np.argmax(allowed)) if allowed.any() else 255


class DarkMeter:
    """Measures the noise of a covered camera, frame by frame."""

    def __init__(self) -> None:
        self._frames = 0
        self._sum: NDArray[np.float32] | None = None
        self._difference: Blocks | None = None
        self._spikes: list[tuple[NDArray[np.intp], NDArray[np.uint8], int]] = []
        self._blinks: Counter[int] = Counter()

    def observe(self, triple: Triple) -> None:
        """Measure the middle frame of a triple. Frames of another size than the first are left out."""
        previous, current, following = triple.previous.grey, triple.current.grey, triple.following.grey
        difference = fine_block_means(cv2.absdiff(previous, following))
        if self._sum is None or self._difference is None:
            self._sum, self._difference = np.zeros(current.shape, np.float32), np.zeros_like(difference)
        if self._sum.shape != current.shape:
            return
        self._frames += 1
        cv2.accumulate(current, self._sum)
        self._difference += difference
        spike = cv2.subtract(current, cv2.max(previous, following))
        above = np.cumsum(cv2.calcHist([spike], [0], None, [256], [0, 256]).ravel()[::-1])[::-1]
        few = above <= _KEPT_SPIKES
        if not few.any():  # a flash
            self._spikes.append((np.empty(0, np.intp), np.empty(0, np.uint8), 255))
            return
        floor = max(int(np.argmax(few)), 1)  # the first level that few pixels reach
        places = np.flatnonzero(spike >= floor)
        heights = spike.ravel()[places]
        self._spikes.append((places, heights, floor - 1))
        self._blinks.update(places[heights >= _MIN_BLINK_DN].tolist())

    def result(self) -> DarkNoise:
        """Return what was measured.

        Raises
        ------
        LightLeakError
            The pictures are too bright, or too many pixels seem hot.
        ValueError
            Nothing was observed.

        """
        if self._sum is None or self._difference is None:
            raise ValueError("no frame was observed")
        mean = self._sum / self._frames
        mean_dn = float(mean.mean())
        if mean_dn > MAX_MEAN_DN:
            raise LightLeakError(f"the pictures have a mean grey of {mean_dn:.0f}, a covered lens less than 20")
        hot = np.flatnonzero(mean.ravel() > np.median(mean) + _HOT_DN).tolist()
        hot = sorted({*hot, *(place for place, blinks in self._blinks.items() if blinks >= _BLINKS)})
        if len(hot) > MAX_HOT_PIXELS:
            raise LightLeakError(f"{len(hot):,} pixels are bright or blink: light leaks in under the cap")
        width = self._sum.shape[1]
        return DarkNoise(
            frames=self._frames,
            mean_dn=mean_dn,
            sigma_dn=sigma_of_difference(self._difference / np.float32(self._frames)),
            hot_pixels=tuple((place % width, place // width) for place in hot),
            maxima=self._maxima(np.array(hot, np.intp)),
        )

    def _maxima(self, hot: NDArray[np.intp]) -> NDArray[np.int64]:
        maxima = np.zeros(256, np.int64)
        for places, heights, below in self._spikes:
            others = heights[~np.isin(places, hot)]
            maxima[int(others.max()) if others.size else below] += 1
        return maxima


def measure_dark(
    frames: Iterable[Frame], detector: Detector, seconds: float, progress: Callable[[float], None] = lambda _: None
) -> tuple[DarkNoise, Account]:
    """Measure the noise of a covered camera for some time, and count the hits that fall on it meanwhile.

    Raises
    ------
    LightLeakError
        The lens was not covered.
    ValueError
        There are no three frames in a row.

    """
    meter, account, first_s = DarkMeter(), Account(), None

    def analyse(triple: Triple) -> AnalysedFrame:
        meter.observe(triple)
        return analyse_triple(triple, detector)

    for (analysed,) in walk(frames, analyse):
        account = account.plus(analysed)
        now_s = analysed.frame.monotonic_s
        first_s = now_s if first_s is None else first_s
        progress(now_s - first_s)
        if now_s - first_s >= seconds:
            break
    return meter.result(), account


def wait_for_lens(frames: Iterator[Frame], *, covered: bool, patience_s: float) -> bool:
    """Read frames until the lens is covered, or uncovered. Return False when the patience or the frames end before."""
    first_s = None
    for frame in frames:
        if (float(frame.grey[::8, ::8].mean()) <= MAX_MEAN_DN) == covered:
            return True
        first_s = frame.monotonic_s if first_s is None else first_s
        if frame.monotonic_s - first_s >= patience_s:
            break
    return False
