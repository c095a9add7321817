"""The view of a box while a person knows that no source is there: its noise, and its background rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.alarm.tracker import AlarmTracker
from edge.pipeline import Account, analysed_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.capture.frame import Frame
    from edge.config.device import AlarmSettings
    from edge.detect.detector import Detector
    from edge.detect.noise_map import Blocks

SETTLE_S = 3.0
"""Time in which the detector learns the noise before hits are counted."""
MIN_LIVE_FRACTION = 0.1


class UnusableViewError(ValueError):
    """A view from which no background can be told. The message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What was measured in the view.

    Attributes
    ----------
    seconds : float
        From the first counted frame to the last.
    account : Account
        Of the counted frames.
    brightness_dn : float
        Mean grey.
    sigma_dn : float32 array, blocks
        Noise of each block.

    """

    seconds: float
    account: Account
    brightness_dn: float
    sigma_dn: Blocks = field(repr=False)


def survey(
    frames: Iterable[Frame],
    detector: Detector,
    alarm: AlarmSettings,
    seconds: float,
    progress: Callable[[float], None] = lambda _: None,
) -> Survey:
    """Measure noise and background in frames for some time.

    Parameters
    ----------
    frames : iterable of Frame
    detector : Detector
        A new one, which knows the hot pixels of the camera.
    alarm : AlarmSettings
        An alarm by them ends the measurement: what comes and goes is no background.
    seconds : float
        How long to count; less where the frames end before.
    progress : callable
        Called with the seconds counted so far.

    Raises
    ------
    UnusableViewError
        The rate changed, hardly any ground was live, or there were too few frames.

    """
    tracker = AlarmTracker(alarm)
    account, settled = Account(), Account()
    first_s = last_s = None
    brightness: list[float] = []
    for analysed in analysed_frames(frames, detector, tracker):
        now_s = analysed.frame.monotonic_s
        first_s = now_s if first_s is None else first_s
        account = account.plus(analysed)
        if any(step.state == "raised" for step in analysed.alarms):
            step = analysed.alarms[0]
            raise UnusableViewError(
                f"the rate rose to {step.rate_hz:.2g} hits/s while the background was measured: "
                "a source or a disturbance is near"
            )
        if now_s - first_s < SETTLE_S:
            settled = account
            continue
        last_s = now_s
        brightness.append(float(np.mean(analysed.frame.grey[::8, ::8])))
        progress(now_s - first_s - SETTLE_S)
        if now_s - first_s - SETTLE_S >= seconds:
            break
    counted = account.since(settled)
    if first_s is None or last_s is None or detector.noise is None or counted.analysed < 2:
        raise UnusableViewError(f"too few frames: more than {SETTLE_S:g} s of video without gaps are needed")
    if counted.live_s <= 0 or (counted.live_fraction or 0) < MIN_LIVE_FRACTION:
        raise UnusableViewError(
            f"only {counted.live_fraction or 0:.0%} of the picture can show a hit: change view, light or exposure"
        )
    return Survey(last_s - first_s - SETTLE_S, counted, float(np.mean(brightness)), detector.noise.sigma_dn)
