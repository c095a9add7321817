"""A whole recording from Python: its hits, its alarms and the summary, as `gammabox-edge analyze` finds them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge.analysis import analyze
from edge.arguments import as_path, described, optional, positive, takes
from edge.bundle import load_bundle
from edge.capture.part import Part
from edge.capture.source import open_source
from edge.detect.detector import Detector
from edge.detect.manifest import Bundle
from edge.errors import InputError
from edge.site.calibration import calibration_of_recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.alarm.alarm import Alarm
    from edge.alarm.background import Rate
    from edge.alarm.tracker import AlarmTracker
    from edge.analysis import Summary
    from edge.capture.base import Source
    from edge.pipeline import AnalysedFrame
    from edge.site.calibration import Calibration


@dataclass(frozen=True, slots=True)
class ClipHit:
    """A hit of a recording.

    Attributes
    ----------
    frame : int
        Number of the frame, from 0 as in the file.
    time_s : float
        Time of the frame, seconds from the first one.
    x, y : int
        Column and row of the brightest pixel, from the upper left corner.
    score : float
        Probability in 0..1 that it is radiation.
    added_dn : float
        Grey levels that the hit adds to its brightest pixel.
    pixels : int
        Pixels above half of its height.
    live : bool
        Whether it lies on live ground.
    nuisance : {"moves", "point of light"} or None
        What it is instead of radiation, where that is known.

    """

    frame: int
    time_s: float
    x: int
    y: int
    score: float
    added_dn: float
    pixels: int
    live: bool
    nuisance: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it enters rates: it lies on live ground and is no nuisance."""
        return self.live and self.nuisance is None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a recording.

    Attributes
    ----------
    hits : tuple of ClipHit
        In the order of the frames.
    alarms : tuple of Alarm
        Every step of every alarm: raised, updated, changed, cleared.
    summary : Summary
        Frames, live time, speed and condition, as `gammabox-edge analyze` prints them.

    """

    hits: tuple[ClipHit, ...] = field(repr=False)
    alarms: tuple[Alarm, ...] = field(repr=False)
    summary: Summary


def _bundle(value: object, what: str) -> object:
    if isinstance(value, Bundle) or value is None:
        return value
    try:
        return as_path(value, what)
    except InputError:
        raise InputError(f"{what}: found {described(value)}, expected a bundle or the path of its folder") from None


def _not_negative(value: object, what: str) -> object:
    return 0.0 if isinstance(value, int | float) and value == 0 else positive(value, what)


@takes(
    model=_bundle,
    threads=int,
    start_s=_not_negative,
    seconds=optional(positive),
    exposure_s=optional(positive),
    calibration=optional(as_path),
)
def analyse(
    clip: str | Path,
    *,
    model: Bundle | str | Path | None = None,
    threads: int = 1,
    start_s: float = 0.0,
    seconds: float | None = None,
    exposure_s: float | None = None,
    calibration: str | Path | None = None,
    on_frame: Callable[[AnalysedFrame], None] | None = None,
) -> Analysis:
    """Analyse a recording and return its hits and alarms: the same that `gammabox-edge analyze` finds.

    Parameters
    ----------
    clip : str or Path
        As of `edge.open_source`.
    model : Bundle, str, Path or None
        A bundle or its folder; None for the one that ships.
    threads : int
        Threads in which successive frames overlap. The result does not depend on it.
    start_s : float
        Where the part begins that is analysed.
    seconds : float or None
        How long the part is; None for all that is left.
    exposure_s : float or None
        Without it the time between frames counts as exposure, and rates are lower limits.
    calibration : str, Path or None
        Calibration of the box that made the recording: its noise and background.
    on_frame : callable or None
        Called with each analysed frame.

    Raises
    ------
    SourceError, BundleError, RuntimeMissingError, CalibrationError
        Recording, model or calibration cannot be used.

    Examples
    --------
    A folder of pictures of a grey wall, with a bright spot in the fourth:

    >>> import cv2, numpy as np
    >>> Path("wall").mkdir()
    >>> wall = np.full((7, 240, 320), 60, np.uint8)
    >>> wall[3, 100:103, 200:203] = 200
    >>> written = [cv2.imwrite(f"wall/{number}.png", wall[number]) for number in range(7)]
    >>> [(hit.frame, hit.x, hit.y, hit.pixels) for hit in analyse("wall").hits]
    [(3, 200, 100, 9)]

    """
    with ExitStack() as stack:
        source, known, detector = opened(stack, clip, model, exposure_s, calibration)
        rate = known.rate() if known is not None else None
        return _analysed(Part(source, start_s, seconds), detector, rate, threads, on_frame)


def _analysed(
    frames: Part, detector: Detector, known: Rate | None, threads: int, on_frame: Callable[[AnalysedFrame], None] | None
) -> Analysis:
    hits: list[ClipHit] = []
    alarms: list[Alarm] = []

    def follow(analysed: AnalysedFrame, _: AlarmTracker) -> None:
        hits.extend(clip_hits(analysed))
        alarms.extend(analysed.alarms)
        if on_frame is not None:
            on_frame(analysed)

    summary = analyze(frames, detector, known=known, threads=threads, follow=follow)
    return Analysis(tuple(hits), tuple(alarms), summary)


def opened(
    stack: ExitStack,
    clip: str | Path,
    model: Bundle | str | Path | None,
    exposure_s: float | None,
    calibration: str | Path | None,
) -> tuple[Source, Calibration | None, Detector]:
    """Open a recording, its calibration where there is one, and the detector for both; see `analyse`."""
    # The recording comes first, as its name is more often wrong than that of the model.
    source = stack.enter_context(open_source(clip, exposure_s=exposure_s))
    bundle = model if isinstance(model, Bundle) else load_bundle(model)
    if calibration is None:
        return source, None, Detector(bundle)
    known, exposure_s = calibration_of_recording(Path(calibration), source.mode, exposure_s, bundle.manifest.sha256)
    source.close()
    return stack.enter_context(open_source(clip, exposure_s=exposure_s)), known, Detector(bundle, known=known.camera())


def clip_hits(analysed: AnalysedFrame) -> list[ClipHit]:
    """Return the hits of an analysed frame with the number and the time of the frame."""
    return [
        ClipHit(
            frame=analysed.frame.sequence,
            time_s=analysed.frame.monotonic_s,
            x=hit.x,
            y=hit.y,
            score=hit.score,
            added_dn=hit.added_dn,
            pixels=hit.pixels,
            live=hit.live,
            nuisance=hit.nuisance,
        )
        for hit in analysed.detection.hits
    ]
