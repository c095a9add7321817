"""The choice of exposure and gain: what a camera gives at each, and how much of the time it would see a hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.frame import triples
from edge.capture.v4l2_controls import GAIN, Controls
from edge.detect.fast_path import find_candidates
from edge.detect.noise_map import fine_block_means, noise_of_pair, sigma_of_difference
from edge.detect.sensitivity import mean_sensitivity, sensitivity_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.detect.manifest import Manifest

TRIED_SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Exposures to try, as shares of the time from frame to frame: a longer one would slow the camera down."""
MIN_NOISE_DN = 1.0
"""With less noise than this, small hits are lost when the camera rounds to whole grey levels: the gain is too low."""
_SKIPPED_FRAMES = 10
"""Cameras take some frames until a new exposure is in force."""
_MEASURED_FRAMES = 10
_WHITE_DN = 250
_CSI_GAINS = (1.0, 2.0, 4.0, 8.0)
_GAIN_SHARES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a camera gives at one exposure and gain.

    Attributes
    ----------
    exposure_s, gain : float or None
        As read back.
    fps : float
        Frames a second.
    brightness_dn, noise_dn : float
        Mean grey and median noise of the blocks.
    saturated : float
        Share of pixels that are white, on which no hit shows.
    live_s_per_s : float
        Seconds a second in which the average pixel would show a hit: exposure × frame rate × live share × how visible
        hits are on ground of this brightness.

    """

    exposure_s: float | None
    gain: float | None
    fps: float
    brightness_dn: float
    noise_dn: float
    saturated: float
    live_s_per_s: float

    @property
    def period_s(self) -> float:
        """Time from frame to frame."""
        return 1 / self.fps


def measure(frames: Iterable[Frame], manifest: Manifest) -> Trial:
    """Measure what a camera gives; the first frames are skipped.

    Raises
    ------
    ValueError
        There are too few frames without a gap.

    """
    table = sensitivity_table(manifest.sensitivity)
    rules = manifest.candidates
    greys, noises, shares, saturated = [], [], [], []
    measured: list[Frame] = []
    for number, triple in enumerate(triples(frames)):
        if number < _SKIPPED_FRAMES:
            continue
        previous, current, following = triple.previous.grey, triple.current.grey, triple.following.grey
        found = find_candidates((previous, current, following), rules, noise_of_pair(previous, following, rules))
        noises.append(float(np.median(sigma_of_difference(fine_block_means(cv2.absdiff(previous, following))))))
        greys.append(float(current[::4, ::4].mean()))
        saturated.append(float((current[::4, ::4] >= _WHITE_DN).mean()))
        shares.append(found.live_fraction * mean_sensitivity(found.brightness, found.live, table))
        measured.append(triple.current)
        if len(measured) == _MEASURED_FRAMES:
            break
    if len(measured) < 3 or measured[-1].monotonic_s <= measured[0].monotonic_s:
        raise ValueError("the camera delivers too few frames in a row")
    last = measured[-1]
    period_s = (last.monotonic_s - measured[0].monotonic_s) / (last.sequence - measured[0].sequence)
    exposed_s = period_s if last.exposure_s is None else min(last.exposure_s, period_s)
    return Trial(
        exposure_s=last.exposure_s,
        gain=last.gain,
        fps=1 / period_s,
        brightness_dn=float(np.mean(greys)),
        noise_dn=float(np.mean(noises)),
        saturated=float(np.mean(saturated)),
        live_s_per_s=float(np.mean(shares)) * exposed_s / period_s,
    )


def gains_of(spec: str) -> tuple[float, ...]:
    """Return gains that a camera may offer, rising; empty where it has none to set."""
    if spec.startswith("csi:"):
        return _CSI_GAINS
    try:
        with Controls(spec) as controls:
            number = controls.number_of(GAIN)
            allowed = None if number is None else controls.range_of(number)
    except OSError:
        return ()
    if allowed is None:
        return ()
    span = allowed.largest - allowed.smallest
    # Settings take positive gains only.
    return tuple(sorted({float(allowed.nearest(max(allowed.smallest + share * span, 1))) for share in _GAIN_SHARES}))


def try_out(
    open_at: Callable[[float | None, float | None], Source],
    exposures_s: Sequence[float],
    gains: Sequence[float],
    manifest: Manifest,
    progress: Callable[[Trial], None] = lambda _: None,
) -> list[Trial]:
    """Measure a camera at each gain, then at each exposure with the gain that suits it.

    Parameters
    ----------
    open_at : callable
        Opens the camera at an exposure and a gain; None leaves the gain.
    exposures_s : sequence of float
        The longest first.
    gains : sequence of float
        Rising; empty where the camera has none to set.
    manifest : Manifest
        Of the model.
    progress : callable
        Called with each trial.

    Returns
    -------
    list of Trial
        What was measured, each exposure and gain as read back once.

    """
    trials: list[Trial] = []

    def add(exposure_s: float, gain: float | None) -> Trial:
        with open_at(exposure_s, gain) as source:
            trial = measure(source, manifest)
        if (trial.exposure_s, trial.gain) not in {(known.exposure_s, known.gain) for known in trials}:
            trials.append(trial)
            progress(trial)
        return trial

    gain: float | None = None
    for gain in gains:
        if add(exposures_s[0], gain).noise_dn >= MIN_NOISE_DN:
            break
    for exposure_s in exposures_s:
        add(exposure_s, gain)
    return trials


def best(trials: Sequence[Trial]) -> Trial:
    """Return the trial that sees hits for the longest time; of gains only those count that show the noise.

    Examples
    --------
    In bright light a long exposure loses more ground to white than it gains in time:

    >>> long = Trial(0.04, 8.0, 25.0, 240.0, 1.5, 0.8, 0.05)
    >>> short = Trial(0.01, 8.0, 25.0, 110.0, 1.5, 0.0, 0.20)
    >>> best([long, short]).exposure_s
    0.01

    """
    loud = [trial for trial in trials if trial.noise_dn >= MIN_NOISE_DN] or list(trials)
    return max(loud, key=lambda trial: trial.live_s_per_s)
