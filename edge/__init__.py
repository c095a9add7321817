"""The software of the box: frames in, hits and alarms out. The other packages build on it.

Nothing heavy is imported before it is used.

Examples
--------
The hits of a clip:

>>> import edge
>>> for hit in edge.analyse("clip.avi").hits:  # doctest: +SKIP
...     print(hit.frame, hit.x, hit.y, hit.score)

"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.lazy import face

if TYPE_CHECKING:
    from edge.alarm.alarm import Alarm
    from edge.analysis import Summary
    from edge.bundle import load_bundle
    from edge.capture.frame import Frame
    from edge.capture.source import open_source
    from edge.detect.detector import Detector
    from edge.detect.hit import Detection, Hit
    from edge.detect.manifest import Bundle
    from edge.errors import GammaboxError
    from edge.library import Analysis, ClipHit, analyse
    from edge.pipeline import AnalysedFrame, analysed_frames

__version__ = "0.1.0"
__all__ = [
    "Alarm",
    "AnalysedFrame",
    "Analysis",
    "Bundle",
    "ClipHit",
    "Detection",
    "Detector",
    "Frame",
    "GammaboxError",
    "Hit",
    "Summary",
    "__version__",
    "analyse",
    "analysed_frames",
    "load_bundle",
    "open_source",
]

if not TYPE_CHECKING:  # a type checker would take any name for an attribute
    __getattr__, __dir__ = face(
        __name__,
        {
            "Alarm": "edge.alarm.alarm",
            "AnalysedFrame": "edge.pipeline",
            "Analysis": "edge.library",
            "Bundle": "edge.detect.manifest",
            "ClipHit": "edge.library",
            "Detection": "edge.detect.hit",
            "Detector": "edge.detect.detector",
            "Frame": "edge.capture.frame",
            "GammaboxError": "edge.errors",
            "Hit": "edge.detect.hit",
            "Summary": "edge.analysis",
            "analyse": "edge.library",
            "analysed_frames": "edge.pipeline",
            "load_bundle": "edge.bundle",
            "open_source": "edge.capture.source",
        },
    )
