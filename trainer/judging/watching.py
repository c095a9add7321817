"""A detector watches frames, and every analysed frame is entered: hits, false ones among them, live time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.frame import Frame
from edge.capture.jpeg import decode_grey
from edge.detect.noise_map import BLOCK, sampled_block_means
from edge.pipeline import analysed_frames
from edge.truth import TrueHit, matched
from trainer.film.film import film_frame
from trainer.film.studio import film_studio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from edge.detect.detector import Detector
    from edge.detect.hit import Hit
    from trainer.film.events import HitEvent
    from trainer.sensor.camera import Camera

_BEGINNING = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What a detector made of a recording; one entry an analysed frame in every array.

    Attributes
    ----------
    time_s : float64 array
        Of the frame, from the beginning.
    hits, live_hits, false_hits, live_true_hits : int64 array
        All that were reported; those on live ground; those that match no true hit; those on live ground that match.
    true_hits, found : int64 array
        Hits that are known to be there, and how many of them were reported.
    live_fraction, sensitivity, exposed_s : float64 array
        See `edge.detect.hit.Detection`; exposed_s is the exposure.
    ground_dn : int64 array
        One entry a true hit: grey of the block that it fell on, from the frame before.
    reported : bool array
        One entry a true hit: whether it was reported.
    unclassified : int
        Candidates left over in all frames.

    """

    time_s: NDArray[np.float64] = field(repr=False)
    hits: NDArray[np.int64] = field(repr=False)
    live_hits: NDArray[np.int64] = field(repr=False)
    false_hits: NDArray[np.int64] = field(repr=False)
    live_true_hits: NDArray[np.int64] = field(repr=False)
    true_hits: NDArray[np.int64] = field(repr=False)
    found: NDArray[np.int64] = field(repr=False)
    live_fraction: NDArray[np.float64] = field(repr=False)
    sensitivity: NDArray[np.float64] = field(repr=False)
    exposed_s: NDArray[np.float64] = field(repr=False)
    ground_dn: NDArray[np.int64] = field(repr=False)
    reported: NDArray[np.bool_] = field(repr=False)
    unclassified: int

    @property
    def frames(self) -> int:
        """Analysed frames."""
        return len(self.time_s)

    @property
    def live_ground_s(self) -> float:
        """Exposure × live fraction, without regard to brightness."""
        return float(self.exposed_s @ self.live_fraction)

    @property
    def live_s(self) -> float:
        """Exposure × live fraction × sensitivity: what the alarm divides by."""
        return float(self.exposed_s @ (self.live_fraction * self.sensitivity))


def watch(frames: Iterable[Frame], detector: Detector, truth: Mapping[int, list[TrueHit]] | None = None) -> Watched:
    """Let a detector watch frames.

    Parameters
    ----------
    frames : iterable of Frame
    detector : Detector
        A new one: it learns its camera from these frames.
    truth : mapping of frame number to true hits, or None
        May grow while the frames come, as long as a frame's hits are there before the next frame. None: without a
        source, every hit is false.

    """
    known: Mapping[int, list[TrueHit]] = {} if truth is None else truth
    columns: dict[str, list[float]] = defaultdict(list)
    grounds: list[int] = []
    reported: list[bool] = []
    unclassified = 0
    for analysed in analysed_frames(frames, detector):
        detection, seen = analysed.detection, analysed.observation
        here = known.get(detection.sequence, [])
        pairs = matched(here, [_box(hit) for hit in detection.hits])
        if here:
            greys = sampled_block_means(analysed.triple.previous.grey)
            grounds += [int(greys[hit.y // BLOCK, hit.x // BLOCK]) for hit in here]
            reported += [i in pairs for i in range(len(here))]
        unclassified += detection.unclassified
        exposed_s = analysed.frame.exposure_s
        row = {
            "time_s": seen.monotonic_s,
            "hits": len(detection.hits),
            "live_hits": seen.hits,
            "false_hits": len(detection.hits) - len(pairs),
            "live_true_hits": sum(detection.hits[j].live for j in pairs.values()),
            "true_hits": len(here),
            "found": len(pairs),
            "live_fraction": seen.live_fraction,
            "sensitivity": seen.sensitivity,
            "exposed_s": seen.period_s if exposed_s is None else min(exposed_s, seen.period_s),
        }
        for name, value in row.items():
            columns[name].append(value)
    counts = {
        name: np.asarray(columns[name], np.int64)
        for name in ("hits", "live_hits", "false_hits", "live_true_hits", "true_hits", "found")
    }
    levels = {
        name: np.asarray(columns[name], np.float64) for name in ("time_s", "live_fraction", "sensitivity", "exposed_s")
    }
    return Watched(
        time_s=levels["time_s"],
        hits=counts["hits"],
        live_hits=counts["live_hits"],
        false_hits=counts["false_hits"],
        live_true_hits=counts["live_true_hits"],
        true_hits=counts["true_hits"],
        found=counts["found"],
        live_fraction=levels["live_fraction"],
        sensitivity=levels["sensitivity"],
        exposed_s=levels["exposed_s"],
        ground_dn=np.asarray(grounds, np.int64),
        reported=np.asarray(reported, bool),
        unclassified=unclassified,
    )


def filmed(
    camera: Camera,
    scene: Iterable[NDArray[np.uint8]],
    events: Iterable[HitEvent],
    truth: dict[int, list[TrueHit]],
    *,
    seed: int,
) -> Iterator[Frame]:
    """Film a scene without a file: frames as the agent gets them, their JPEG decoded; the truth is entered on the way.

    Parameters
    ----------
    camera : Camera
    scene : iterable of uint8 arrays, shape (height, width, 3)
        One a frame; the film ends with it.
    events : iterable of HitEvent
    truth : dict
        Gets the true hits of each frame.
    seed : int
        Of noise and sensor faults.

    """
    by_frame: dict[int, list[HitEvent]] = defaultdict(list)
    for event in events:
        by_frame[event.frame].append(event)
    studio = film_studio(camera, seed)
    for number, picture in enumerate(scene):
        jpeg, lines = film_frame(studio, picture, number, by_frame.get(number, []))
        truth[number] = [
            TrueHit(number, line["x"], line["y"], tuple(line["box"]), float(line["added"])) for line in lines
        ]
        time_s = number / camera.fps
        yield Frame(
            number,
            time_s,
            _BEGINNING + timedelta(seconds=time_s),
            decode_grey(jpeg),
            exposure_s=camera.exposure_s,
            jpeg=jpeg,
        )


def _box(hit: Hit) -> tuple[int, int, int, int]:
    return hit.x, hit.y, hit.x, hit.y
