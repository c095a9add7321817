"""Exposure and gain of a V4L2 camera by kernel control numbers, as the names changed between kernels.

Numbers and structures are those of linux/v4l2-controls.h and linux/videodev2.h. They are untested on real hardware.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# linux/videodev2.h: _IOWR('V', 27 and 28, struct v4l2_control), _IOWR('V', 36, struct v4l2_queryctrl).
_GET = 0xC008561B
_SET = 0xC008561C
_QUERY = 0xC0445624
_QUERY_FORMAT = "<II32siiiiI8x"
_DISABLED = 0x0001

# linux/v4l2-controls.h
AUTO_GAIN = 0x00980912
GAIN = 0x00980913
EXPOSURE_AUTO = 0x009A0901
EXPOSURE_ABSOLUTE = 0x009A0902
EXPOSURE_DYNAMIC_FRAMERATE = 0x009A0903

MANUAL = 1  # of EXPOSURE_AUTO
APERTURE_PRIORITY = 3  # of EXPOSURE_AUTO: what UVC cameras call automatic
EXPOSURE_UNIT_S = 1e-4


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest value, largest value and step of a control."""

    smallest: int
    largest: int
    step: int

    def nearest(self, value: float) -> int:
        """Return the allowed value nearest to `value`."""
        steps = round((value - self.smallest) / max(self.step, 1))
        return min(max(self.smallest + steps * max(self.step, 1), self.smallest), self.largest)


class Controls:
    """The controls of an open V4L2 device; a context manager."""

    def __init__(self, device: str) -> None:
        self._fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def range_of(self, control: int) -> Range | None:
        """Return the range of a control; None where the camera does not have it."""
        asked = struct.pack(_QUERY_FORMAT, control, 0, b"", 0, 0, 0, 0, 0)
        try:
            answer = fcntl.ioctl(self._fd, _QUERY, asked)
        except OSError:
            return None
        _, _, _, smallest, largest, step, _, flags = struct.unpack(_QUERY_FORMAT, answer)
        return None if flags & _DISABLED else Range(smallest, largest, step)

    def get(self, control: int) -> int | None:
        """Return the value of a control; None where it cannot be read."""
        try:
            answer = fcntl.ioctl(self._fd, _GET, struct.pack("<Ii", control, 0))
        except OSError:
            return None
        value: int = struct.unpack("<Ii", answer)[1]
        return value

    def set(self, control: int, value: int) -> int | None:
        """Set a control and return the value that the camera has afterwards; None where it cannot be read."""
        try:
            fcntl.ioctl(self._fd, _SET, struct.pack("<Ii", control, value))
        except OSError:
            # Refused, or still under automatic control: the present value is the answer.
            return self.get(control)
        return self.get(control)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure time and gain that the camera has after setting; None where unknown or automatic."""

    exposure_s: float | None
    gain: float | None
    warnings: tuple[str, ...] = ()


def fix_exposure(controls: Controls, exposure_s: float | None, gain: float | None) -> Exposure:
    """Set a fixed exposure, as sensitivity depends on it, and return what the camera made of it.

    The automatic controls are switched off first, as cameras refuse values while they are on.

    Parameters
    ----------
    exposure_s : float or None
        Wanted exposure time in seconds; None leaves it automatic.
    gain : float or None
        Wanted gain in the camera's own units; None leaves it.

    """
    warnings: list[str] = []
    if controls.range_of(EXPOSURE_DYNAMIC_FRAMERATE) is not None:
        # Else the camera lowers its frame rate in the dark.
        controls.set(EXPOSURE_DYNAMIC_FRAMERATE, 0)
    held_s = _fix_exposure_time(controls, exposure_s, warnings)
    held_gain = _fix_gain(controls, gain, warnings)
    return Exposure(held_s, held_gain, tuple(warnings))


def _fix_exposure_time(controls: Controls, exposure_s: float | None, warnings: list[str]) -> float | None:
    if exposure_s is None:
        controls.set(EXPOSURE_AUTO, APERTURE_PRIORITY)
        warnings.append("the exposure is automatic: sensitivity changes with the light, and rates cannot be compared")
        return None
    if controls.set(EXPOSURE_AUTO, MANUAL) != MANUAL:
        warnings.append("the camera does not let its automatic exposure be switched off")
        return None
    allowed = controls.range_of(EXPOSURE_ABSOLUTE)
    if allowed is None:
        warnings.append("the camera has no exposure time to set")
        return None
    held = controls.set(EXPOSURE_ABSOLUTE, allowed.nearest(exposure_s / EXPOSURE_UNIT_S))
    if held is None:
        warnings.append("the camera does not tell its exposure time")
        return None
    held_s = held * EXPOSURE_UNIT_S
    if abs(held_s - exposure_s) > max(0.02 * exposure_s, EXPOSURE_UNIT_S):
        warnings.append(f"the camera exposes {held_s * 1e3:g} ms instead of the {exposure_s * 1e3:g} ms asked for")
    return held_s


def _fix_gain(controls: Controls, gain: float | None, warnings: list[str]) -> float | None:
    allowed = controls.range_of(GAIN)
    if gain is None:
        return None if allowed is None or controls.get(AUTO_GAIN) else _as_float(controls.get(GAIN))
    if allowed is None:
        warnings.append("the camera has no gain to set")
        return None
    if controls.range_of(AUTO_GAIN) is not None:
        controls.set(AUTO_GAIN, 0)
    held = controls.set(GAIN, allowed.nearest(gain))
    if held is not None and held != round(gain):
        warnings.append(f"the camera has a gain of {held} instead of the {gain:g} asked for")
    return _as_float(held)


def _as_float(value: int | None) -> float | None:
    return None if value is None else float(value)
