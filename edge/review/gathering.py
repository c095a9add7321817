"""Gathers from analysed frames what the page of a recording shows, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.analysis import frame_events
from edge.detect.hit import event_counts
from edge.pages.pictures import NARROW_PX, crop
from edge.review.samples import Spread
from edge.review.timeline import Timeline

if TYPE_CHECKING:
    from edge.alarm.tracker import AlarmTracker
    from edge.capture.frame import Frame, Image, Triple
    from edge.pipeline import AnalysedFrame

MAX_SHOTS = 512
MAX_HITS = 40_000
"""Hits of which the page keeps every figure."""
SCENES = 16
SCENE_COLUMNS = 960


@dataclass(frozen=True, slots=True, eq=False)
class HitShot:
    """A hit with its surroundings.

    Attributes
    ----------
    event : dict
        The hit as in the events of `gammabox-edge analyze`.
    previous, current, following : uint8 arrays, shape (17, 17)
        Grey, around the hit.

    """

    event: dict[str, Any]
    previous: Image
    current: Image
    following: Image


class Gathering:
    """What was seen of a recording. Call `follow` with every analysed frame, in order.

    Attributes
    ----------
    hits : list of dict
        The events of the first 40,000 hits.
    alarms : list of dict
        The events of all steps of alarms.
    frames : int
        Number of analysed frames.
    size : (int, int)
        Width and height of the first frame.
    places : list of (x, y, counts)
        Places of the hits in a picture of that size, and whether each enters rates.

    """

    def __init__(self) -> None:
        self.hits: list[dict[str, Any]] = []
        self.alarms: list[dict[str, Any]] = []
        self.places: list[tuple[float, float, bool]] = []
        self.frames = 0
        self.size = (0, 0)
        self.timeline = Timeline()
        self._shots: Spread[HitShot] = Spread(MAX_SHOTS)
        self._scenes: Spread[Image] = Spread(SCENES)

    def follow(self, analysed: AnalysedFrame, tracker: AlarmTracker) -> None:
        """Add what one analysed frame shows."""
        frame = analysed.frame
        if not self.frames:
            self.size = frame.size
        self.frames += 1
        self.timeline.add(analysed.observation, tracker)
        self._scenes.offer(lambda: _scene(frame))
        for event in frame_events(analysed):
            if event["type"] == "hit":
                self._add_hit(event, analysed.triple)
            else:
                self.alarms.append(event)

    def _add_hit(self, event: dict[str, Any], triple: Triple) -> None:
        if len(self.hits) < MAX_HITS:
            self.hits.append(event)
            (width, height), (columns, rows) = self.size, triple.current.size
            place = event["x"] * width / columns, event["y"] * height / rows
            self.places.append((*place, event_counts(event)))
        self._shots.offer(lambda: _shot(event, triple))

    @property
    def shots(self) -> list[HitShot]:
        """Hits with their surroundings, spread over the recording, at most 512."""
        return self._shots.kept

    def scene(self) -> Image:
        """Return the median of pictures from all over the recording: uint8, shape (height, at most 960, 3)."""
        pictures = self._scenes.kept
        median: Image = np.median(np.stack([_like(picture, pictures[0]) for picture in pictures]), axis=0)
        return median.astype(np.uint8)


def _shot(event: dict[str, Any], triple: Triple) -> HitShot:
    x, y = event["x"], event["y"]
    return HitShot(
        event, *(crop(frame.grey, x, y, NARROW_PX) for frame in (triple.previous, triple.current, triple.following))
    )


def _scene(frame: Frame) -> Image:
    picture = frame.colour_halved() if frame.size[0] >= 2 * SCENE_COLUMNS else frame.colour()
    height, width = picture.shape[:2]
    if width <= SCENE_COLUMNS:
        return picture
    small: Image = cv2.resize(
        picture, (SCENE_COLUMNS, round(height * SCENE_COLUMNS / width)), interpolation=cv2.INTER_AREA
    )
    return small


def _like(picture: Image, other: Image) -> Image:
    if picture.shape == other.shape:
        return picture
    fitted: Image = cv2.resize(picture, (other.shape[1], other.shape[0]), interpolation=cv2.INTER_AREA)
    return fitted
