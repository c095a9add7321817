"""The detector: three frames in, the account of the middle one out."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.config.device import DetectionSettings
from edge.detect.classifier import USUAL_DOUBTED, Classifier, odds_beside, probability
from edge.detect.colour import spot_colours
from edge.detect.crops import network_input, patches
from edge.detect.fast_path import find_candidates
from edge.detect.hit import Detection, Hit
from edge.detect.mask import mask_picture, without
from edge.detect.noise_map import BLOCK
from edge.detect.noise_model import NoiseModel
from edge.detect.recent_motion import RecentMotion, colour_decides, credible, doubts, entering, restless_odds
from edge.detect.screen import Screen
from edge.detect.sensitivity import mean_sensitivity, table_of
from edge.detect.spot import measure
from edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.bundle import Bundle
    from edge.capture.frame import Frame, Image, Triple
    from edge.detect.fast_path import FastPathResult
    from edge.detect.hit import Candidate
    from edge.detect.noise_map import NoiseMap
    from edge.detect.runtime import Runtime
    from edge.detect.spot import Greys, Spot

RESTING = 1.5
"""Mean |next − previous| of ground at rest reaches hardly so many standard deviations of a pixel: 1.13 on average."""
_DOUBTED_SHARE = 1 / 25
"""Of the newest frame in the mean of what the screen stops: about the last second counts."""
SCREENED_PER_CROP = 20
"""The screen costs so much less than the classifier; what is beyond it counts as unclassified too."""


class Detector:
    """Fast path, crops and classifier of one camera, with what is learnt of its noise from frame to frame.

    Parameters
    ----------
    bundle : Bundle
    settings : DetectionSettings or None
        None for the defaults.
    threads : int or None
        Of the networks, instead of the settings'; the result does not depend on it.

    Raises
    ------
    BundleError, RuntimeMissingError
        The bundle's network cannot be run.

    """

    def __init__(self, bundle: Bundle, settings: DetectionSettings | None = None, threads: int | None = None) -> None:
        self._settings = settings if settings is not None else DetectionSettings()
        self._rules = bundle.manifest.candidates
        self._bundle_path = bundle.path
        self._sensitivity = table_of(bundle.manifest.sensitivity)
        workers = threads if threads is not None else self._settings.threads
        self._classifier = Classifier(bundle, workers)
        self._screen = Screen(bundle, workers) if bundle.screen is not None else None
        self._mode: tuple[int, tuple[int, ...]] | None = None
        self._mask: Image | None = None
        self._noise: NoiseModel | None = None
        self._doubted: float | None = None
        self._moved = RecentMotion((0, 0))
        self._clean: dict[int, tuple[Frame, Image]] = {}

    @property
    def runtime(self) -> Runtime:
        """The package that runs the networks."""
        return self._classifier.runtime

    def detect(self, triple: Triple) -> Detection:
        """Find the hits of the middle frame.

        Raises
        ------
        BundleError
            The picture is smaller than the model's crop.

        """
        started = perf_counter()
        greys = self._greys(triple)
        noise = self._known_noise(greys)
        found = find_candidates(*greys, self._rules, noise=noise.map)
        noise_map = noise.map
        if not found.shaken:  # else a camera that shakes for long would learn its edges as noise
            if noise.settled:
                self._moved.observe(found.motion_dn, noise_map.sigma_dn, triple.current.monotonic_s)
            noise.observe(found.motion_dn)
        sensitivity = mean_sensitivity(found.brightness, found.live, self._sensitivity)
        sighted = perf_counter()
        looked_at = found.candidates[: SCREENED_PER_CROP * self._settings.max_crops_per_frame]
        passed, margins = self._screened(greys, looked_at)
        doubted = self._doubted_of_late(len(looked_at) - len(passed))
        screened = perf_counter()
        asked = passed[: self._settings.max_crops_per_frame]
        crops = self._crops(triple.current, greys, asked)
        cropped = perf_counter()
        beside = self._beside(greys, asked, margins[: len(asked)], noise_map, doubted)
        odds = self._classifier.odds(crops) + beside if asked else np.zeros(0)
        classified = perf_counter()
        scores = probability(odds + self._restless(triple.current, greys, asked, odds))
        coloured = perf_counter()
        taken = [
            (candidate, float(score))
            for candidate, score in zip(asked, scores, strict=True)
            if score >= self._classifier.threshold
        ]
        hits = merged(taken, greys, found)
        noise.learn_blinking(hits)
        done = perf_counter()
        stage_ms = {
            "fast_path": (sighted - started) * 1e3,
            "crop": (cropped - screened) * 1e3,
            "classify": (screened - sighted + classified - cropped + done - coloured) * 1e3,
            "colour": (coloured - classified) * 1e3,
        }
        return Detection(
            sequence=triple.current.sequence,
            hits=hits,
            live_fraction=found.live_fraction,
            candidates=len(found.candidates),
            unclassified=len(found.candidates) - len(looked_at) + len(passed) - len(asked),
            stage_ms=stage_ms,
            sensitivity=sensitivity,
        )

    def _known_noise(self, greys: Greys) -> NoiseModel:
        if self._noise is None:
            self._noise = NoiseModel(self._rules, greys[0], greys[2], self._mask)
        return self._noise

    def _greys(self, triple: Triple) -> Greys:
        """Give the three greys without their masked pixels; each frame is cleaned once."""
        frame = triple.current
        mode = (frame.mode, frame.grey.shape)
        if mode != self._mode:
            width, height = frame.size
            if min(width, height) < self._classifier.crop_size:
                size = self._classifier.crop_size
                raise BundleError(
                    self._bundle_path,
                    f"its crops of {size}x{size} pixels do not fit the picture of {width}x{height}",
                    "use a larger picture or a model with smaller crops",
                )
            self._mode, self._noise, self._doubted, self._clean = mode, None, None, {}
            self._moved = RecentMotion((height, width))
            self._mask = mask_picture(self._settings.masks, width, height)
        frames = (triple.previous, triple.current, triple.following)
        known, self._clean = self._clean, {}
        for one in frames:
            frame_then, clean = known.get(one.sequence, (None, one.grey))
            self._clean[one.sequence] = (one, clean if frame_then is one else without(one.grey, self._mask))
        previous, current, following = (clean for _, clean in self._clean.values())
        return previous, current, following

    def _screened(self, greys: Greys, candidates: tuple[Candidate, ...]) -> tuple[list[Candidate], NDArray[np.float64]]:
        """Keep what the screen lets pass, the likeliest first, and its log odds; everything without a screen."""
        if self._screen is None or not candidates:
            return list(candidates), np.zeros(len(candidates))
        margins = self._screen.margins(greys, candidates)
        passing = np.flatnonzero(probability(margins) >= self._screen.threshold)
        order = passing[np.argsort(-margins[passing], kind="stable")]
        return [candidates[i] for i in order], margins[order]

    def _doubted_of_late(self, stopped: int) -> float:
        """Give the running mean of how many candidates a frame the screen stops; without one it says nothing."""
        if self._screen is None:
            return USUAL_DOUBTED
        before = self._doubted if self._doubted is not None else float(stopped)
        self._doubted = before + _DOUBTED_SHARE * (stopped - before)
        return self._doubted

    def _beside(
        self,
        greys: Greys,
        asked: Sequence[Candidate],
        screen_margins: NDArray[np.float64],
        noise: NoiseMap,
        doubted: float,
    ) -> NDArray[np.float64]:
        """Give the log odds that come from elsewhere than the classifier: see `edge.bundle.Decision`."""
        decision = self._classifier.decision
        excess = [
            max(one.motion_dn - RESTING * float(noise.sigma_dn[one.y // BLOCK, one.x // BLOCK]), 0.0) for one in asked
        ]
        moved = np.asarray(excess, np.float64)
        return odds_beside(decision, screen_margins, moved, doubted, entering(greys, asked))

    def _restless(
        self, frame: Frame, greys: Greys, asked: Sequence[Candidate], odds: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give the log odds for ground that moved lately, of what would be a hit without them.

        Colours are decoded only where a hit hangs on them.
        """
        decision = self._classifier.decision
        near = self._moved.near(asked) & (probability(odds) >= decision.threshold)
        doubt = np.zeros(len(asked))
        doubt[near] = doubts(decision, greys, [one for one, is_near in zip(asked, near, strict=True) if is_near])
        colour = np.full(len(asked), np.nan)
        undecided = colour_decides(decision, odds, doubt)
        if undecided.any():
            spots = [one for one, is_open in zip(asked, undecided, strict=True) if is_open]
            colour[undecided] = credible(spot_colours(frame, spots, self._mask), spots)
        return restless_odds(decision, doubt, colour)

    def _crops(self, frame: Frame, greys: Greys, candidates: Sequence[Candidate]) -> NDArray[np.uint8]:
        """Cut what the classifier sees: uint8, shape (n, size, size, 3). Colour is decoded only when it is asked."""
        size = self._classifier.crop_size
        if not candidates:
            return np.empty((0, size, size, 3), np.uint8)
        xs, ys = (np.array([getattr(one, axis) for one in candidates], np.intp) for axis in "xy")
        if self._classifier.planes == "rgb":
            bgr = patches(cv2.split(without(frame.colour(), self._mask)), xs, ys, size)
            return network_input("rgb", bgr, bgr)
        return network_input(self._classifier.planes, patches(greys, xs, ys, size), None)


def merged(taken: Sequence[tuple[Candidate, float]], greys: Greys, found: FastPathResult) -> tuple[Hit, ...]:
    """Make one hit of each spot: peaks of one track or blotch count once, by the highest.

    Parameters
    ----------
    taken : sequence of (candidate, score)
    greys : three uint8 arrays, shape (height, width)
    found : FastPathResult
        Of the same frame.

    Returns
    -------
    tuple of Hit
        By row, then column.

    """
    spots: list[Spot] = []
    hits: list[Hit] = []
    for candidate, score in sorted(taken, key=lambda one: (-one[0].spike_dn, one[0].y, one[0].x)):
        x, y = candidate.x, candidate.y
        if any(spot.holds(x, y) for spot in spots):
            continue
        spot = measure(greys, x, y)
        spots.append(spot)
        hits.append(Hit(x, y, score, spot.added_dn, spot.pixels, live=found.is_live(x, y)))
    return tuple(sorted(hits, key=lambda hit: (hit.y, hit.x)))
