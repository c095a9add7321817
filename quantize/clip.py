"""Compares the hits of the whole pipeline on a clip, with the int8 networks and with the float networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.capture.source import open_source
from edge.config.device import DetectionSettings
from edge.detect.detector import Detector
from edge.pipeline import walk
from edge.truth import TrueHit, compare, read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.detect.manifest import Bundle

MAX_CROPS = 512
# More than the candidates of a sound frame, so that both pipelines classify all of them.
ALL_CROPS = DetectionSettings(max_crops_per_frame=MAX_CROPS)


@dataclass(frozen=True, slots=True)
class PlacedHit:
    """A hit with its frame."""

    frame: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class ClipCheck:
    """Hits of both pipelines on the same frames.

    Attributes
    ----------
    frames : int
        Number of analysed frames.
    float_hits, int8_hits, common : int
        Hits of each, and the number of those at the same place of the same frame.
    visible : int or None
        The true hits that add 25 grey levels or more; None without a truth file.
    float_found, int8_found, float_false, int8_false : int or None
        The number of them that each finds, and its false hits.

    """

    clip: str
    frames: int
    float_hits: int
    int8_hits: int
    common: int
    visible: int | None = None
    float_found: int | None = None
    int8_found: int | None = None
    float_false: int | None = None
    int8_false: int | None = None

    @property
    def alike(self) -> float:
        """Share of the hits of either pipeline that both found; 1 where neither found any."""
        union = self.float_hits + self.int8_hits - self.common
        return self.common / union if union else 1.0


def check_clip(clip: Path, float_bundle: Bundle, bundle: Bundle) -> ClipCheck:
    """Analyse a clip with both bundles; its truth may lie beside it as .jsonl.

    Raises
    ------
    SourceError
        The clip holds no usable frames.
    TruthError
        There is a truth file, and it is damaged.

    """
    found: tuple[list[PlacedHit], list[PlacedHit]] = ([], [])
    detectors = (Detector(float_bundle, ALL_CROPS), Detector(bundle, ALL_CROPS))
    frames = 0
    with open_source(str(clip)) as source:
        for detections in walk(source, *(detector.detect for detector in detectors)):
            frames += 1
            for hits, detection in zip(found, detections, strict=True):
                hits += [PlacedHit(detection.sequence, hit.x, hit.y) for hit in detection.hits]
    common = compare(_as_truth(found[0]), found[1]).found
    counts = {"float_hits": len(found[0]), "int8_hits": len(found[1]), "common": common}
    place = clip.with_suffix(".jsonl")
    if not place.exists():
        return ClipCheck(clip.name, frames, **counts)
    scores = [compare(read_truth(place), hits) for hits in found]
    return ClipCheck(
        clip.name,
        frames,
        **counts,
        visible=scores[0].visible,
        float_found=scores[0].found,
        int8_found=scores[1].found,
        float_false=scores[0].false_hits,
        int8_false=scores[1].false_hits,
    )


def _as_truth(hits: Sequence[PlacedHit]) -> list[TrueHit]:
    return [TrueHit(hit.frame, hit.x, hit.y, (hit.x, hit.y, hit.x, hit.y), 255.0) for hit in hits]
