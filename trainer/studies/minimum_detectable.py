"""The minimum dose rate that raises the alarm of a box in time, by nuclide, exposure and defect correction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.config.device import AlarmSettings
from edge.simulation.background import BackgroundModel
from edge.simulation.passages import Passage, detect
from edge.simulation.playback import FramePace
from edge.simulation.sensor import SENSOR_FACTORS
from edge.truth import VISIBLE_DN
from trainer.filming.events import HitEvent
from trainer.filming.truth import truth_line
from trainer.sensor.camera import change
from trainer.sensor.radiation import hit_rate, hits_in, natural_field, nuclide_field

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary

_SIDE_PX = 96
_HALVINGS = 6  # of the interval in which the rate is searched


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings of a box and its place.

    Attributes
    ----------
    ground_dn : int
        Grey of the ground.
    recall : float
        Share of the visible hits that the detector finds.
    false_hits_a_frame : float
    seconds, probability : float
        The alarm is raised within so many seconds with this probability.
    alarm : AlarmSettings
        Settings of the alarm, among them the accepted rate of false alarms.
    shown_hits, passages : int
        Hits of each source that are photographed to see how many are visible, and passages of a source by which the
        alarm is judged.
    seed : int

    """

    ground_dn: int = 64
    recall: float = 0.9
    false_hits_a_frame: float = 1e-3
    seconds: float = 60.0
    probability: float = 0.9
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    shown_hits: int = 400
    passages: int = 300
    seed: int = 1


@dataclass(frozen=True, slots=True)
class MinimumDoseRate:
    """The minimum detectable dose rate of a source with a camera.

    Attributes
    ----------
    source : str
    camera : str
        What was changed of the camera.
    exposure_ms : float
    hits_per_usv_h : float
        Hits a second on the whole sensor at full duty per µSv/h.
    visible_share : float
        Share of them that add at least 25 grey levels to the ground.
    background_hz : float
        Hits without a source per live second: natural ones and false ones.
    rate_hz : float
        Additional hits per live second that raise the alarm.
    dose_rate_usv_h : float
    low_usv_h, high_usv_h : float
        Where the sensor responds as strongly or as weakly as it possibly does.

    """

    source: str
    camera: str
    exposure_ms: float
    hits_per_usv_h: float
    visible_share: float
    background_hz: float
    rate_hz: float
    dose_rate_usv_h: float
    low_usv_h: float
    high_usv_h: float


def minimum_dose_rates(
    camera: Camera,
    sources: tuple[str, ...],
    exposures_s: tuple[float, ...],
    corrections: dict[str, dict[str, object]],
    setting: Setting,
    *,
    cache: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[MinimumDoseRate]:
    """Compute the minimum detectable dose rate for every source, kind of camera and exposure.

    Parameters
    ----------
    camera : Camera
    sources : tuple of str
        Nuclides; "NUCLIDE patient" for one in a patient.
    exposures_s : tuple of float
    corrections : dict of name to camera parameters
        What is changed of the camera, for example its defect correction.
    setting : Setting
    cache : Path or None
        Folder of the hit libraries; None for the user's cache.
    progress : callable
        Called with the number of sources done.

    """
    natural = natural_field()
    natural_hz, _ = hit_rate(camera, natural, cache)
    rows = []
    rates_hz: dict[tuple[str, float], float] = {}
    for done, source in enumerate(sources, start=1):
        name, _, patient = source.partition(" ")
        source_field = nuclide_field(name, dose_rate=1.0, patient=patient == "patient")
        response, _ = hit_rate(camera, source_field, cache)
        library = hits_in(camera, source_field.spectrum, cache)
        for label, changes in corrections.items():
            of_source = visible_share(change(camera, **changes), library, setting)
            for exposure_s in exposures_s:
                false_hz = setting.false_hits_a_frame / exposure_s
                background_hz = false_hz + natural_hz * of_source * setting.recall
                key = f"{background_hz:.2g}", exposure_s
                if key not in rates_hz:
                    rates_hz[key] = minimum_rate_hz(setting, background_hz, exposure_s, camera.fps)
                found_hz = response, of_source, setting.recall
                rows.append(_row(source, label, exposure_s, background_hz, rates_hz[key], found_hz))
        progress(done)
    return rows


def _row(  # noqa: PLR0917 - a row of the table
    source: str,
    camera: str,
    exposure_s: float,
    background_hz: float,
    rate_hz: float,
    found_hz: tuple[float, float, float],
) -> MinimumDoseRate:
    """Return a row; `found_hz` holds hits a second per µSv/h, their visible share, and the found share of these."""
    response, of_source, recall = found_hz
    dose = rate_hz / (response * of_source * recall) if response * of_source else float("inf")
    weak, strong = SENSOR_FACTORS
    ends = dose / strong, dose / weak
    return MinimumDoseRate(source, camera, 1000 * exposure_s, response, of_source, background_hz, rate_hz, dose, *ends)


def visible_share(camera: Camera, library: HitLibrary, setting: Setting) -> float:
    """Return the share of hits that add at least 25 grey levels to even ground."""
    rng = np.random.default_rng([setting.seed, 17])
    ground = np.full((_SIDE_PX, _SIDE_PX, 3), setting.ground_dn, np.uint8)
    visible = 0
    for charge, _ in library.sample(rng, setting.shown_hits):
        peak_y, peak_x = (int(v) for v in np.unravel_index(int(charge.argmax()), charge.shape))
        top, left = max(peak_y - 20, 0), max(peak_x - 20, 0)  # of a long track the part around its brightest pixel
        part = charge[top : peak_y + 21, left : peak_x + 21]
        x0, y0 = (int(v) for v in rng.integers(20, 24, 2))
        visible += truth_line(ground, HitEvent(0, x0, y0, part, 0.0, ""), camera)["added"] >= VISIBLE_DN
    return visible / setting.shown_hits


def minimum_rate_hz(setting: Setting, background_hz: float, exposure_s: float, fps: float) -> float:
    """Return the additional hits per live second with which the box's own alarm is raised in time, by bisection.

    Parameters
    ----------
    setting : Setting
    background_hz : float
        The background, which the box has learnt for as long as its settings say.
    exposure_s, fps : float

    Examples
    --------
    >>> quick = Setting(passages=20)
    >>> full_duty = minimum_rate_hz(quick, 0.1, 1 / 30, 30)
    >>> short = minimum_rate_hz(quick, 0.1, 1 / 300, 30)  # a tenth of the live time
    >>> 0.2 < full_duty < 1.5 < short
    True

    """
    pace = FramePace(fps, min(exposure_s * fps, 1.0))
    background = BackgroundModel(float(f"{background_hz:.2g}"))

    def is_raised(rate_hz: float) -> bool:
        passage = Passage(setting.alarm, rate_hz, setting.seconds, "stay", background, pace)
        return detect(passage, setting.passages, (setting.seed,)).probability >= setting.probability

    low, high = 0.0, 0.5
    while not is_raised(high):
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if is_raised(middle) else (middle, high)
    return high
