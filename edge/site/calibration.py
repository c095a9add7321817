"""The calibration of a box: its camera's noise and hot pixels, and the background of its site, as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from edge.alarm.state import MAX_AHEAD_S, Identity, KeptRate
from edge.arguments import as_path, takes
from edge.capture.view_watch import Reference
from edge.clock import SET_SINCE
from edge.config.faults import first_fault
from edge.config.strict import StrictModel
from edge.detect.known_camera import KnownCamera
from edge.detect.noise_map import BLOCK
from edge.errors import GammaboxError
from edge.files import read_text, replace_file, why
from edge.redaction import without_login

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from edge.alarm.background import Rate
    from edge.capture.base import Mode
    from edge.config.device import SourceSettings

MAX_HOT_PIXELS = 20_000
"""More are no hot pixels, but light under the lens cap."""


class CalibrationError(GammaboxError):
    """A calibration that is missing, damaged or of another camera, or that cannot be made."""

    def __init__(self, path: Path, problem: str, advice: str = "run gammabox-edge calibrate on this box") -> None:
        super().__init__(f"calibration {path}: {problem}; {advice}")
        self.path = path


class Darkness(StrictModel):
    """What was measured under the lens cap.

    `maxima` counts frames by the highest spike that stands in them, hot pixels left out; the threshold is read off it.
    """

    frames: int = Field(ge=1)
    seconds: float = Field(gt=0)
    mean_dn: float = Field(ge=0, le=255)
    sigma_dn: float = Field(ge=0, le=255, description="median noise of the blocks")
    maxima: list[int] = Field(min_length=256, max_length=256)
    target_share: float = Field(gt=0, lt=1, description="share of dark frames that may hold a higher spike")
    threshold_dn: float = Field(ge=0, le=255)
    hot_pixels: list[tuple[int, int]] = Field(max_length=MAX_HOT_PIXELS)
    hits: int = Field(ge=0)
    live_s: float = Field(ge=0)


class SiteBackground(StrictModel):
    """What was measured in the view of the camera, while a person knew that no source was there."""

    frames: int = Field(ge=1)
    seconds: float = Field(gt=0)
    hits: int = Field(ge=0)
    live_s: float = Field(gt=0)
    live_fraction: float = Field(ge=0, le=1)
    sensitivity: float = Field(ge=0, le=1)
    brightness_dn: float = Field(ge=0, le=255)


class View(StrictModel):
    """What the camera shows, to notice when it is moved or out of focus; too coarse to recognise anyone."""

    sharpness: float = Field(ge=0)
    mean_dn: float = Field(ge=0, le=255)
    view: list[list[float]] = Field(description="mean grey of 36 rows of 64 parts of the picture")

    @model_validator(mode="after")
    def _has_all_parts(self) -> View:
        Reference.from_dict(self.model_dump())
        return self


class Calibration(StrictModel):
    """The calibration file."""

    schema_version: Literal[1] = 1
    measured_utc: AwareDatetime
    software: str
    temperature_c: float | None = Field(description="of the processor; noise grows with heat")
    identity: Identity
    dark: Darkness
    noise_dn: list[list[float]] = Field(description="noise of each block of 8×8 pixels in the view, grey levels")
    background: SiteBackground
    view: View | None = Field(default=None, description="None where the view had too little contrast")

    @model_validator(mode="after")
    def _fits_the_picture(self) -> Calibration:
        rows, columns = -(-self.identity.height // BLOCK), -(-self.identity.width // BLOCK)
        if len(self.noise_dn) != rows or any(len(row) != columns for row in self.noise_dn):
            raise ValueError(f"noise_dn has to hold {rows} rows of {columns} blocks")
        if any(not 0 <= value <= 255 for row in self.noise_dn for value in row):
            raise ValueError("noise_dn has to lie in 0..255")
        size = (self.identity.width, self.identity.height)
        if any(not (0 <= x < size[0] and 0 <= y < size[1]) for x, y in self.dark.hot_pixels):
            raise ValueError("hot pixels have to lie in the picture")
        return self

    def camera(self) -> KnownCamera:
        """Return what a detector may know of the camera."""
        return KnownCamera(
            size=(self.identity.width, self.identity.height),
            sigma_dn=np.array(self.noise_dn, np.float32),
            hot_pixels=tuple(self.dark.hot_pixels),
            min_spike_dn=self.dark.threshold_dn,
        )

    def rate(self) -> Rate:
        """Return the background of the site, for `AlarmTracker`."""
        return KeptRate(hits=self.background.hits, live_s=self.background.live_s).as_rate()

    def reference(self) -> Reference | None:
        """Return what the camera is to show; None where that was not measured."""
        return None if self.view is None else Reference.from_dict(self.view.model_dump())

    def age_days(self, utc: datetime) -> float:
        """Return its age in days."""
        return (utc - self.measured_utc).total_seconds() / 86400


def identity_of(source: SourceSettings, mode: Mode, model_sha256: str) -> Identity:
    """Return what a calibration and the alarm's state belong to.

    Exposure and gain are those of the settings. Where they are left to the camera it changes them all the time.
    """
    return Identity(
        camera=without_login(source.spec),
        width=mode.width,
        height=mode.height,
        exposure_s=source.exposure_s,
        gain=source.gain,
        model_sha256=model_sha256,
    )


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write the file in one step; the old one stays where that fails.

    Raises
    ------
    CalibrationError
        The file cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, calibration.model_dump_json() + "\n")
    except OSError as error:
        raise CalibrationError(
            path, f"cannot be written ({error.strerror})", "check the folder and its disk"
        ) from error


@takes(path=as_path)
def read_calibration(path: Path) -> Calibration | None:
    """Read the file; None where there is none.

    Raises
    ------
    CalibrationError
        The file cannot be read or is damaged.

    """
    try:
        text = read_text(path)
        return Calibration.model_validate_json(text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(path, f"cannot be read ({why(error)})") from error
    except ValidationError as error:
        raise CalibrationError(path, f"is damaged ({first_fault(error, Calibration, text)})") from error


def usable_calibration(path: Path, identity: Identity, utc: datetime) -> Calibration | None:
    """Read the file and check that it belongs to this camera; None where there is none.

    Raises
    ------
    CalibrationError
        The file is damaged, or was made for another camera, exposure, gain, picture size or model, or in the future.

    """
    calibration = read_calibration(path)
    if calibration is None:
        return None
    _check(path, calibration, identity)
    # With a clock that is not set no age is known.
    if utc >= SET_SINCE and calibration.measured_utc > utc + timedelta(seconds=MAX_AHEAD_S):
        raise CalibrationError(path, f"is from the future ({calibration.measured_utc:%Y-%m-%d})", "set the clock")
    return calibration


def calibration_of_recording(
    path: Path, mode: Mode, exposure_s: float | None, model_sha256: str
) -> tuple[Calibration, float | None]:
    """Read the file for a recording of the box, and return it with the exposure of the recording.

    A recording does not say which camera made it, nor with which gain. An exposure that is not given is taken to be
    that of the calibration.

    Raises
    ------
    CalibrationError
        The file is missing or damaged, or was made for another exposure, picture size or model.

    """
    calibration = read_calibration(path)
    if calibration is None:
        raise CalibrationError(path, "no such file", "name the file that gammabox-edge calibrate wrote")
    known = calibration.identity
    exposure_s = known.exposure_s if exposure_s is None else exposure_s
    update = {"width": mode.width, "height": mode.height, "exposure_s": exposure_s, "model_sha256": model_sha256}
    _check(path, calibration, known.model_copy(update=update))
    return calibration, exposure_s


def _check(path: Path, calibration: Calibration, identity: Identity) -> None:
    differences = calibration.identity.differences(identity)
    if differences:
        raise CalibrationError(path, f"belongs to another {' and '.join(differences)}")
