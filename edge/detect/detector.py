"""The detector: three frames in, the hits of the middle one out, at once or in three stages."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from edge.arguments import optional, takes
from edge.capture.frame import Triple
from edge.config.device import DetectionSettings
from edge.detect.camera_state import CameraState
from edge.detect.faint import MAX_LOOKED_AT, MIN_MARGIN, shipped_networks
from edge.detect.fast_path import find_candidates
from edge.detect.hit import DETECTION_STAGES, Detection
from edge.detect.light import shipped_network
from edge.detect.manifest import Bundle
from edge.detect.networks import Classifier, Screen, some
from edge.detect.nuisance import Surroundings, judge_spots
from edge.detect.parts import ground_of
from edge.detect.sensitivity import mean_sensitivity, sensitivity_table
from edge.detect.spot import apart_from, merge_hits
from edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Frame
    from edge.detect.fast_path import FastPathResult
    from edge.detect.hit import Candidate, Hit
    from edge.detect.known_camera import KnownCamera
    from edge.detect.networks import Screened
    from edge.detect.noise_map import NoiseMap
    from edge.detect.runtime import Runtime
    from edge.detect.view import View

SCREENED_PER_CROP = 20
"""The screen costs so much less than the classifier. Candidates beyond this count as unclassified, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What the fast path makes of a triple, and what was known of the camera at that frame."""

    camera: CameraState
    number: int
    view: View
    noise: NoiseMap
    found: FastPathResult
    sensitivity: float
    clock: StageClock


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the networks make of a proposal.

    Attributes
    ----------
    proposal : Proposal
    looked_at : sequence of Candidate
        The candidates that the screen saw.
    screened, asked : Screened
        What the screen passed, and the part of it that the classifier saw.
    margins : float64 array, shape (n,)
        The classifier's logit1 − logit0 of those.

    """

    proposal: Proposal
    looked_at: Sequence[Candidate]
    screened: Screened
    asked: Screened
    margins: NDArray[np.float64]


class Detector:
    """Finds the hits of one camera, and learns its noise from frame to frame.

    `detect` does at once what `propose`, `judge` and `decide` do one after the other. `propose` and `decide` get the
    frames in order. `judge` remembers nothing and may be called from several threads at a time. A frame is proposed
    after the one `FEEDBACK_FRAMES` before it was decided. What a decision teaches of the camera is used that much later
    by any caller, so the hits do not depend on how the stages of successive frames overlap.

    Parameters
    ----------
    bundle : Bundle
    settings : DetectionSettings or None
        None for the defaults.
    known : KnownCamera or None
        What a calibration says of the camera.

    Raises
    ------
    BundleError, RuntimeMissingError
        The bundle's network cannot be run, or the network that tells light from ionisation is missing.

    Examples
    --------
    A spot of 2×2 pixels that stands in the middle one of three frames:

    >>> from datetime import datetime, timezone
    >>> import numpy as np
    >>> from edge.bundle import load_bundle, shipped_bundle_path
    >>> from edge.capture.frame import Frame, Triple
    >>> greys = np.full((3, 120, 160), 80, np.uint8)
    >>> greys[1, 60:62, 100:102] = [[200, 160], [170, 120]]
    >>> frames = [Frame(i, i / 25, datetime.now(timezone.utc), grey) for i, grey in enumerate(greys)]
    >>> detector = Detector(load_bundle(shipped_bundle_path()))
    >>> [(hit.x, hit.y, hit.added_dn, hit.pixels) for hit in detector.detect(Triple(*frames)).hits]
    [(100, 60, 120.0, 3)]

    """

    @takes(bundle=Bundle, settings=optional(DetectionSettings))
    def __init__(
        self, bundle: Bundle, settings: DetectionSettings | None = None, known: KnownCamera | None = None
    ) -> None:
        self._settings = settings if settings is not None else DetectionSettings()
        self._bundle = bundle
        self._known = known
        self._rules = bundle.manifest.candidates
        if known is not None and known.min_spike_dn > self._rules.spike_dn:
            self._rules = self._rules.model_copy(update={"spike_dn": known.min_spike_dn})
        self._decision = bundle.manifest.decision
        self._sensitivity = sensitivity_table(bundle.manifest.sensitivity)
        # Read now: what an installation lacks shows at its start, and not at the first hit.
        shipped_network()
        shipped_networks()
        first = _Networks(Screen(bundle), Classifier(bundle))
        self._crop_size = first.classifier.crop_size
        self._runtime = first.classifier.runtime
        self._free = [first]
        self._camera: CameraState | None = None

    @property
    def runtime(self) -> Runtime:
        """The package that runs the networks."""
        return self._runtime

    @property
    def noise(self) -> NoiseMap | None:
        """What is known of the camera's noise now; None before the first frame."""
        return self._camera.noise.map if self._camera is not None else None

    @takes(triple=Triple)
    def detect(self, triple: Triple) -> Detection:
        """Find the hits of the middle frame.

        Raises
        ------
        BundleError
            The picture is smaller than the model's crop.

        """
        return self.decide(self.judge(self.propose(triple)))

    def propose(self, triple: Triple) -> Proposal:
        """Find the candidates of the middle frame, and learn the noise. Raise BundleError as `detect` does."""
        clock = StageClock()
        camera = self._camera_of(triple)
        number = camera.next_number()
        view = camera.frames.masked(triple)
        noise = camera.noise.map
        found = find_candidates(view.greys, self._rules, noise, camera.field, view.mask)
        view = view.of(found.greys)
        camera.observe(found)
        sensitivity = mean_sensitivity(found.brightness, found.live, self._sensitivity)
        clock.lap("fast_path")
        return Proposal(camera, number, view, noise, found, sensitivity, clock)

    def judge(self, proposal: Proposal) -> Judged:
        """Let the networks judge the candidates."""
        clock, view, candidates = proposal.clock, proposal.view, proposal.found.candidates
        clock.go_on()
        budget = self._settings.max_crops_per_frame
        looked_at = some(candidates, SCREENED_PER_CROP * budget)
        with self._networks() as networks:
            screened = networks.screen.sift(view, looked_at)
            asked = screened.some(budget)
            clock.lap("classify")
            crops = networks.classifier.crops(view, asked.candidates)
            clock.lap("crop")
            margins = networks.classifier.margins(crops)
        clock.lap("classify")
        return Judged(proposal, looked_at, screened, asked, margins)

    def decide(self, judged: Judged) -> Detection:
        """Decide which candidates are hits."""
        proposal, asked, screened = judged.proposal, judged.asked, judged.screened
        clock, camera, view, found = proposal.clock, proposal.camera, proposal.view, proposal.found
        clock.go_on()
        asked_stands_for = share_of(screened.candidates, asked.candidates)
        crowd = camera.update_crowd(float(np.count_nonzero(judged.margins < 0)) * asked_stands_for)
        scores = self._decision.scores(judged.margins, crowd).tolist()
        scored = list(zip(asked.candidates, scores, strict=True))
        hits = merge_hits([each for each in scored if each[1] >= self._decision.threshold], view.greys, found)
        overload = found.overload
        if overload is None:  # else hits fall on one another by chance
            camera.teach(proposal.number, hits, found.live_fraction)
        clock.lap("classify")
        around = Surroundings(view, tuple(camera.older), proposal.noise, len(found.candidates))
        unsure = apart_from(hits, self._unsure_spots(judged, scored)) if overload is None else ()
        hits, graded = judge_spots(hits, unsure, around)
        camera.older.append(view.greys[0])
        clock.lap("nuisance")
        weight = share_of(found.candidates, judged.looked_at) * asked_stands_for
        return Detection(
            sequence=view.frame.sequence,
            hits=hits,
            live_fraction=found.live_fraction,
            candidates=len(found.candidates),
            unclassified=len(found.candidates) - screened.stopped - len(asked.candidates),
            stage_ms=clock.stage_ms,
            sensitivity=proposal.sensitivity,
            weight=weight / found.searched,
            overload=overload.in_words if overload is not None else None,
            min_hits=overload.min_hits if overload is not None else 0.0,
            ground=ground_of(found.live),
            falling=found.falling,
            saturated=found.saturated,
            unsure=graded,
            refused=sum(spot.live for spot in unsure) - sum(spot.live and spot.sure for spot in graded),
            stirred_fraction=found.stirred_fraction,
        )

    def _unsure_spots(self, judged: Judged, scored: Sequence[tuple[Candidate, float]]) -> tuple[Hit, ...]:
        """Return the spots on live or stirred ground that the classifier refuses by little; none where they are few."""
        proposal = judged.proposal
        refused = [
            each
            for each, margin in zip(scored, judged.margins.tolist(), strict=True)
            if margin >= MIN_MARGIN and each[1] < self._decision.threshold
        ]
        if not proposal.camera.is_unsure(len(refused)):
            return ()
        likeliest = sorted(refused, key=lambda each: -each[1])[:MAX_LOOKED_AT]
        spots = merge_hits(likeliest, proposal.view.greys, proposal.found)
        return tuple(spot for spot in spots if spot.live or spot.stirred)

    @contextmanager
    def _networks(self) -> Iterator[_Networks]:
        """Lend networks that nobody else uses meanwhile. More are opened where several frames are judged at a time."""
        try:
            networks = self._free.pop()
        except IndexError:
            networks = _Networks(Screen(self._bundle), Classifier(self._bundle))
        try:
            yield networks
        finally:
            self._free.append(networks)

    def _camera_of(self, triple: Triple) -> CameraState:
        """Return what is known of the camera; nothing yet after a change of its mode or of the picture's size."""
        if self._camera is None or not self._camera.fits(triple.current):
            self._check_size(triple.current)
            self._camera = CameraState(triple, self._rules, self._settings.masks, self._known)
        return self._camera

    def _check_size(self, frame: Frame) -> None:
        width, height = frame.size
        size = self._crop_size
        if min(width, height) < size:
            raise BundleError(
                self._bundle.path,
                f"its crops of {size}x{size} pixels do not fit the picture of {width}x{height}",
                "use a larger picture or a model with smaller crops",
            )


@dataclass(frozen=True, slots=True)
class _Networks:
    """The networks of a bundle, for one frame at a time."""

    screen: Screen
    classifier: Classifier


def share_of(whole: Sequence[Candidate], part: Sequence[Candidate]) -> float:
    """Return how many candidates each one of a part stands for."""
    return len(whole) / len(part) if part else 1.0


class StageClock:
    """Adds up the time that each stage takes of one frame."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = dict.fromkeys(DETECTION_STAGES, 0.0)
        self._lap_s = perf_counter()

    def go_on(self) -> None:
        """Go on after a pause, which counts for no stage."""
        self._lap_s = perf_counter()

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to a stage."""
        now_s = perf_counter()
        self.stage_ms[stage] += (now_s - self._lap_s) * 1e3
        self._lap_s = now_s
