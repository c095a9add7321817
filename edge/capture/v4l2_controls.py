"""Exposure, gain and white balance of a V4L2 camera, by the controls' numbers and by their old and new names.

Numbers and structures are those of linux/v4l2-controls.h and linux/videodev2.h. They are untested on real hardware.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.capture.controls import AUTOMATIC_EXPOSURE, Held

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from edge.capture.controls import Wanted

# linux/videodev2.h: _IOWR('V', 27 and 28, struct v4l2_control), _IOWR('V', 36, struct v4l2_queryctrl).
_GET = 0xC008561B
_SET = 0xC008561C
_QUERY = 0xC0445624
_QUERY_FORMAT = "<II32siiiiI8x"
_DISABLED = 0x0001
_NEXT = 0x80000000
_MAX_CONTROLS = 256

MANUAL = 1  # of EXPOSURE_MODE
APERTURE_PRIORITY = 3  # of EXPOSURE_MODE: what UVC cameras call automatic
EXPOSURE_UNIT_S = 1e-4


@dataclass(frozen=True, slots=True)
class Control:
    """A control by its numbers in linux/v4l2-controls.h, and by its names in drivers that number it otherwise."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]


EXPOSURE_MODE = Control((0x009A0901,), ("auto_exposure", "exposure_auto"))
EXPOSURE_TIME = Control((0x009A0902,), ("exposure_time_absolute", "exposure_absolute"))
DYNAMIC_RATE = Control((0x009A0903,), ("exposure_dynamic_framerate", "exposure_auto_priority"))
AUTO_GAIN = Control((0x00980912,), ("gain_automatic", "autogain", "auto_gain", "gain_auto"))
GAIN = Control((0x00980913, 0x009E0903), ("gain", "analogue_gain", "analog_gain"))
AUTO_WHITE_BALANCE = Control(
    (0x0098090C,), ("white_balance_automatic", "white_balance_temperature_auto", "white_balance_auto")
)
WHITE_BALANCE = Control((0x0098091A,), ("white_balance_temperature",))
RED_BALANCE = Control((0x0098090E,), ("red_balance",))
BLUE_BALANCE = Control((0x0098090F,), ("blue_balance",))


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
        self._named: dict[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def number_of(self, control: Control) -> int | None:
        """Return the number by which this camera knows a control; None where it does not have it."""
        for number in control.numbers:
            if self.range_of(number) is not None:
                return number
        if self._named is None:
            self._named = dict(self._listed())
        return next((self._named[name] for name in control.names if name in self._named), None)

    def range_of(self, number: int) -> Range | None:
        """Return the range of a control; None where the camera does not have it."""
        answer = self._query(number)
        if answer is None:
            return None
        _, _, _, smallest, largest, step, _, flags = answer
        return None if flags & _DISABLED else Range(smallest, largest, step)

    def get(self, number: int) -> int | None:
        """Return the value of a control; None where it cannot be read."""
        try:
            answer = fcntl.ioctl(self._fd, _GET, struct.pack("<Ii", number, 0))
        except OSError:
            return None
        value: int = struct.unpack("<Ii", answer)[1]
        return value

    def set(self, number: int, value: int) -> int | None:
        """Set a control and return the value that the camera has afterwards; None where it cannot be read."""
        try:
            fcntl.ioctl(self._fd, _SET, struct.pack("<Ii", number, value))
        except OSError:
            # Refused, or still under automatic control: the present value is the answer.
            return self.get(number)
        return self.get(number)

    def _query(self, number: int) -> tuple[int, int, bytes, int, int, int, int, int] | None:
        asked = struct.pack(_QUERY_FORMAT, number, 0, b"", 0, 0, 0, 0, 0)
        try:
            answer = fcntl.ioctl(self._fd, _QUERY, asked)
        except OSError:
            return None
        known: tuple[int, int, bytes, int, int, int, int, int] = struct.unpack(_QUERY_FORMAT, answer)
        return known

    def _listed(self) -> list[tuple[str, int]]:
        """Return the controls that the camera lists, by their names in small letters with underscores."""
        listed: list[tuple[str, int]] = []
        number = 0
        while len(listed) < _MAX_CONTROLS:
            answer = self._query(number | _NEXT)
            if answer is None or answer[0] <= number:
                break
            number, name = answer[0], answer[2].split(b"\0")[0].decode("latin-1").lower()
            listed.append((re.sub(r"[^a-z0-9]+", "_", name).strip("_"), number))
        return listed


def fix_controls(controls: Controls, wanted: Wanted) -> Held:
    """Set what is wanted, as sensitivity depends on it, and return what the camera made of it.

    The automatic controls are switched off first, as cameras refuse values while they are on. Automatic gain would undo
    a fixed exposure, so it is switched off with either.
    """
    fixing = _Fixing(controls)
    # Else the camera lowers its frame rate in the dark.
    fixing.switch(DYNAMIC_RATE, 0)
    exposure_s = fixing.exposure(wanted.exposure_s)
    gain = fixing.gain(wanted.gain, exposure_fixed=wanted.exposure_s is not None)
    fixing.white_balance(wanted)
    return Held(exposure_s, gain, tuple(fixing.refused), fixing.warnings, fixing.values)


class _Fixing:
    """Sets the controls of one camera, and keeps what it refuses."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self.refused: list[str] = []
        self.warnings: dict[str, str] = {}
        self.values: dict[int, int] = {}

    def switch(self, control: Control, value: int) -> bool | None:
        """Set a control and return whether the camera did it; None where it does not have the control."""
        number = self._controls.number_of(control)
        if number is None:
            return None
        if self._controls.set(number, value) != value:
            return False
        self.values[number] = value
        return True

    def set_nearest(self, control: Control, value: float) -> tuple[int, int | None] | None:
        """Set a control to the nearest value that it allows. Return that and what the camera has; None without it."""
        number = self._controls.number_of(control)
        allowed = None if number is None else self._controls.range_of(number)
        if number is None or allowed is None:
            return None
        nearest = allowed.nearest(value)
        held = self._controls.set(number, nearest)
        if held is not None:
            self.values[number] = held
        return nearest, held

    def exposure(self, exposure_s: float | None) -> float | None:
        if exposure_s is None:
            self.switch(EXPOSURE_MODE, APERTURE_PRIORITY)
            self.warnings["exposure"] = AUTOMATIC_EXPOSURE
            return None
        if not self.switch(EXPOSURE_MODE, MANUAL):
            self.refused.append("its automatic exposure cannot be switched off")
            return None
        found = self.set_nearest(EXPOSURE_TIME, exposure_s / EXPOSURE_UNIT_S)
        if found is None or found[1] is None:
            self.refused.append("it has no exposure time to set" if found is None else "it hides its exposure time")
            return None
        held_s = found[1] * EXPOSURE_UNIT_S
        if abs(held_s - exposure_s) > max(0.02 * exposure_s, EXPOSURE_UNIT_S):
            self.refused.append(f"it exposes {held_s * 1e3:g} ms instead of {exposure_s * 1e3:g} ms")
        return held_s

    def gain(self, gain: float | None, *, exposure_fixed: bool) -> float | None:
        automatic = self._controls.number_of(AUTO_GAIN)
        if gain is None and not exposure_fixed:
            return None if automatic is not None and self._controls.get(automatic) else self._present_gain()
        if self.switch(AUTO_GAIN, 0) is False:
            self.refused.append("its automatic gain stays on")
            return None
        if gain is None:
            held = self._present_gain()
            if held is not None:
                self.warnings["gain"] = f"the gain stays at {held:g}, as the camera has it; set source.gain"
            return held
        found = self.set_nearest(GAIN, gain)
        if found is None:
            self.refused.append("it has no gain to set")
            return None
        if found[1] != round(gain):
            self.refused.append(f"it has a gain of {found[1]} instead of {gain:g}")
        return None if found[1] is None else float(found[1])

    def _present_gain(self) -> float | None:
        number = self._controls.number_of(GAIN)
        held = None if number is None else self._controls.get(number)
        return None if held is None else float(held)

    def white_balance(self, wanted: Wanted) -> None:
        asked = wanted.white_balance
        if asked is None:
            return
        if self.switch(AUTO_WHITE_BALANCE, 0) is False:
            self.refused.append("its automatic white balance stays on")
            return
        if isinstance(asked, tuple):
            settings = [(RED_BALANCE, "red", asked[0]), (BLUE_BALANCE, "blue", asked[1])]
        else:
            settings = [(WHITE_BALANCE, "white", asked)]
        for control, colour, value in settings:
            found = self.set_nearest(control, value)
            if found is None:
                self.refused.append(f"it has no {colour} balance to set")
            elif found[1] != found[0] or abs(found[0] - value) > 0.05 * value:
                self.refused.append(f"it has a {colour} balance of {found[1]} instead of {value:g}")
