"""Analysed frames with chosen hits, without a detector."""

from edge.alarm.live_time import Observation
from edge.capture.frame import Frame, Triple
from edge.detect.hit import Detection
from edge.pipeline import AnalysedFrame

FPS = 25


def analysed_frame(number, utc, grey, hits, alarms_of=lambda _observation: ()):
    """Return a frame in which all hits count and all is live. `alarms_of` tells the alarms of its observation."""
    frame = Frame(number, number / FPS, utc, grey)
    observation = Observation(
        sequence=number,
        monotonic_s=frame.monotonic_s,
        utc=utc,
        hits=len(hits),
        live_s=1 / FPS,
        period_s=1 / FPS,
        exposure_known=True,
        live_fraction=1.0,
        unclassified=0,
    )
    detection = Detection(number, hits, 1.0, len(hits), 0)
    return AnalysedFrame(Triple(frame, frame, frame), detection, observation, alarms_of(observation), {})
