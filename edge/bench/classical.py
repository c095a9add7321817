"""Methods from elsewhere: frame difference, the motion gate of video recorders, L.A.Cosmic."""

from __future__ import annotations

from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.bench.method import Sighting, Verdict
from edge.detect.crops import window_origin
from edge.detect.networks import Classifier
from edge.detect.view import View
from edge.errors import RuntimeMissingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image, Triple
    from edge.detect.manifest import Bundle

_MAX_PIXELS = 60


class FrameDifference:
    """A reconstruction of an earlier frame-difference method, with thresholds of our own, as none were published.

    The difference to the previous frame is thresholded and closed. Motion, which is too large for a hit, is removed
    with its surroundings, and so is everything that stands in the next frame as well.
    """

    name = "difference"
    about = "frame difference, morphology, no motion, no repetition (a reconstruction; thresholds ours)"
    slow = False

    def __init__(self, threshold_dn: int = 40) -> None:
        self._threshold_dn = threshold_dn

    def judge(self, triple: Triple) -> Verdict:
        """Judge the middle frame."""
        started = perf_counter()
        previous, current, following = (frame.grey for frame in (triple.previous, triple.current, triple.following))
        appeared = self._over(cv2.subtract(current, previous))
        repeated = self._over(cv2.subtract(following, previous))
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        blotches = cv2.morphologyEx(appeared, cv2.MORPH_CLOSE, cross)
        moved = self._large(cv2.bitwise_or(self._over(cv2.absdiff(current, previous)), repeated))
        unwanted = cv2.bitwise_or(cv2.dilate(moved, np.ones((15, 15), np.uint8)), cv2.dilate(repeated, cross))
        blotches[unwanted != 0] = 0
        sightings = _spots(blotches, cv2.subtract(current, previous))
        return Verdict(sightings, {"difference": (perf_counter() - started) * 1e3})

    def _over(self, difference: Image) -> Image:
        above: Image = cv2.threshold(difference, self._threshold_dn, 255, cv2.THRESH_BINARY)[1]
        return above

    @staticmethod
    def _large(changed: Image) -> Image:
        closed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
        large = stats[:, cv2.CC_STAT_AREA] > _MAX_PIXELS
        large[0] = False
        moved: Image = large.astype(np.uint8)[labels] * np.uint8(255)
        return moved


class MotionGated:
    """The motion gate of video recorders: a running average selects regions, and the network judges them."""

    name = "motion"
    slow = False
    _shrink = 4
    _memory = 0.02
    _threshold_dn = 8

    def __init__(self, bundle: Bundle, threads: int, regions: int = 16) -> None:
        self._classifier = Classifier(bundle, threads)
        self._regions = regions
        self._background: NDArray[np.float32] | None = None
        self.about = f"background average at 1/{self._shrink} size, {bundle.manifest.name} on at most {regions} regions"

    def judge(self, triple: Triple) -> Verdict:
        """Judge the middle frame."""
        started = perf_counter()
        grey = triple.current.grey
        height, width = grey.shape
        small = cv2.resize(grey, (width // self._shrink, height // self._shrink), interpolation=cv2.INTER_AREA)
        if self._background is None or self._background.shape != small.shape:
            self._background = small.astype(np.float32)
        changed = cv2.absdiff(small, cv2.convertScaleAbs(self._background))
        cv2.accumulateWeighted(small, self._background, self._memory)
        regions = _spots(
            cv2.threshold(changed, self._threshold_dn, 255, cv2.THRESH_BINARY)[1], changed, max_pixels=1 << 20
        )
        regions = tuple(sorted(regions, key=lambda region: -region.score))[: self._regions]
        size = self._classifier.crop_size
        origins = [
            window_origin(region.x0 * self._shrink, region.y0 * self._shrink, size, width, height) for region in regions
        ]
        gated = perf_counter()
        sightings = []
        if origins:
            xs, ys = (np.array(column, np.intp) + size // 2 for column in zip(*origins, strict=True))
            view = View(triple.current, (triple.previous.grey, grey, triple.following.grey))
            scores = self._classifier.scores(self._classifier.crops_around(view, xs, ys))
            sightings = [
                Sighting(x, y, x + size - 1, y + size - 1, float(score))
                for (x, y), score in zip(origins, scores, strict=True)
                if score >= self._classifier.threshold
            ]
        done = perf_counter()
        return Verdict(tuple(sightings), {"motion": (gated - started) * 1e3, "classify": (done - gated) * 1e3})


class LaCosmic:
    """L.A.Cosmic (van Dokkum 2001) in astroscrappy, a method for cosmic rays on telescope pictures.

    Raises
    ------
    RuntimeMissingError
        astroscrappy is not installed.

    """

    name = "lacosmic"
    slow = True
    _gain_e_per_dn = 20.0
    _read_noise_e = 40.0

    def __init__(self) -> None:
        try:
            self._find = import_module("astroscrappy").detect_cosmics
        except ImportError as error:
            raise RuntimeMissingError(
                "astroscrappy is not installed; pip install 'gammabox[bench]', or leave lacosmic out of --against"
            ) from error
        self.about = f"astroscrappy at {self._gain_e_per_dn:g} e-/DN and {self._read_noise_e:g} e- read noise"

    def judge(self, triple: Triple) -> Verdict:
        """Judge the middle frame alone."""
        started = perf_counter()
        grey = triple.current.grey
        marked, _ = self._find(
            grey.astype(np.float32), gain=self._gain_e_per_dn, readnoise=self._read_noise_e, satlevel=np.inf
        )
        sightings = _spots(marked.astype(np.uint8), grey)
        return Verdict(sightings, {"lacosmic": (perf_counter() - started) * 1e3})


def _spots(binary: Image, height_dn: Image, max_pixels: int = _MAX_PIXELS) -> tuple[Sighting, ...]:
    """Return the small components of a binary picture, each at its highest pixel."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    found = []
    for label in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[label])
        if area > max_pixels:
            continue
        window = (slice(y, y + height), slice(x, x + width))
        heights = np.where(labels[window] == label, height_dn[window].astype(np.int16), -1)
        row, column = np.unravel_index(int(heights.argmax()), heights.shape)
        px, py = x + int(column), y + int(row)
        found.append(Sighting(px, py, px, py, float(heights.max())))
    return tuple(found)
