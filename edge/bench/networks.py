"""Methods with a network: the detector of Gammabox, and the classification of every tile as in the paper."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.method import Sighting, Verdict
from edge.detect.detector import Detector
from edge.detect.networks import Classifier
from edge.detect.view import View

if TYPE_CHECKING:
    from edge.capture.frame import Triple
    from edge.detect.manifest import Bundle


class Gammabox:
    """The detector of Gammabox."""

    name = "gammabox"
    slow = False

    def __init__(self, bundle: Bundle) -> None:
        self._detector = Detector(bundle)
        self.about = f"fast path, {bundle.manifest.name} on candidates ({self._detector.runtime})"

    def judge(self, triple: Triple) -> Verdict:
        """Judge the middle frame."""
        detection = self._detector.detect(triple)
        sightings = tuple(Sighting(hit.x, hit.y, hit.x, hit.y, hit.score) for hit in detection.hits)
        return Verdict(sightings, detection.stage_ms)


class Tiles:
    """The method of the paper: every tile of the frame is classified by itself.

    A frame of 1920×1080 pixels has 40 tiles of 224 pixels; see `tile_origins`.
    """

    slow = True

    def __init__(self, name: str, bundle: Bundle, threads: int) -> None:
        self.name = name
        self._classifier = Classifier(bundle, threads)
        recipe = bundle.manifest.provenance.get("recipe", bundle.manifest.input.dtype)
        self.about = f"every tile through {bundle.manifest.name}, {recipe} ({self._classifier.runtime})"

    def judge(self, triple: Triple) -> Verdict:
        """Classify every tile of the middle frame."""
        started = perf_counter()
        size = self._classifier.crop_size
        frame = triple.current
        origins = tile_origins(frame.size, size)
        xs, ys = (np.array(column, np.intp) + size // 2 for column in zip(*origins, strict=True))
        view = View(frame, (triple.previous.grey, frame.grey, triple.following.grey))
        crops = self._classifier.crops_around(view, xs, ys)
        cropped = perf_counter()
        scores = self._classifier.scores(crops)
        done = perf_counter()
        sightings = tuple(
            Sighting(x, y, x + size - 1, y + size - 1, float(score))
            for (x, y), score in zip(origins, scores, strict=True)
            if score >= self._classifier.threshold
        )
        return Verdict(sightings, {"crop": (cropped - started) * 1e3, "classify": (done - cropped) * 1e3})


def tile_origins(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """Return the origins of tiles spread evenly over a picture of (width, height).

    The number of columns is rounded down and that of rows up: 8 × 5 = 40 tiles of 224 pixels at 1920×1080, as in the
    paper.
    """
    columns, rows = max(size[0] // tile, 1), max(-(-size[1] // tile), 1)
    xs = np.linspace(0, size[0] - tile, columns).round().astype(int)
    ys = np.linspace(0, size[1] - tile, rows).round().astype(int)
    return [(int(x), int(y)) for y in ys for x in xs]
