"""A fake at the ioctl boundary, as no camera can be here; it packs its answers by the kernel's own layouts."""

import fcntl
import os
import struct

import pytest

from edge.capture import v4l2_controls as v4l2

AUTO, TIME, DYNAMIC, GAIN = (
    v4l2.EXPOSURE_AUTO,
    v4l2.EXPOSURE_ABSOLUTE,
    v4l2.EXPOSURE_DYNAMIC_FRAMERATE,
    v4l2.GAIN,
)


RANGES = {AUTO: (0, 3, 1), TIME: (1, 5000, 1), DYNAMIC: (0, 1, 1), GAIN: (0, 100, 1)}


class Driver:
    """Controls with their range; exposure time is refused while the automatic is on, as drivers do."""

    def __init__(self, **changes):
        self.values = {AUTO: 3, TIME: 157, DYNAMIC: 1, GAIN: 0}
        self.ranges = RANGES
        self.fixed, self.order = set(), []
        for name, value in changes.items():
            setattr(self, name, value)

    def ioctl(self, _fd, request, content):
        control = struct.unpack_from("<I", content)[0]
        if control not in self.values:
            raise OSError(22, "Invalid argument")
        if request == v4l2._QUERY:
            assert len(content) == 68
            least, greatest, step = self.ranges[control]
            return struct.pack("<II32siiiiI8x", control, 1, b"name", least, greatest, step, least, 0)
        assert len(content) == 8
        if request == v4l2._SET:
            value = struct.unpack("<Ii", content)[1]
            if control == TIME and self.values[AUTO] != 1:
                raise OSError(5, "Input/output error")
            if control in self.fixed:
                raise OSError(16, "Device or resource busy")
            self.order.append(control)
            self.values[control] = value
        return struct.pack("<Ii", control, self.values[control])


def fix(monkeypatch, driver, exposure_s, gain):
    monkeypatch.setattr(fcntl, "ioctl", driver.ioctl)
    with v4l2.Controls(os.devnull) as controls:
        return v4l2.fix_exposure(controls, exposure_s, gain)


def test_request_numbers_are_those_of_the_kernel():
    # _IOWR(type, number, size) of asm-generic/ioctl.h: direction 3, size, type, number
    def read_write(number, size):
        return 3 << 30 | size << 16 | ord("V") << 8 | number

    assert read_write(27, 8) == v4l2._GET
    assert read_write(28, 8) == v4l2._SET
    assert read_write(36, struct.calcsize(v4l2._QUERY_FORMAT)) == v4l2._QUERY


def test_fix_exposure_switches_automatics_off_first(monkeypatch):
    driver = Driver()
    held = fix(monkeypatch, driver, 0.03, 40)
    assert held == v4l2.Exposure(pytest.approx(0.03), 40.0, ())
    assert driver.values == {AUTO: 1, TIME: 300, DYNAMIC: 0, GAIN: 40}
    assert driver.order == [DYNAMIC, AUTO, TIME, GAIN]


@pytest.mark.parametrize(
    ("driver", "wanted", "expected", "words"),
    [
        (Driver(), (None, None), (None, 0.0), "exposure is automatic"),
        (Driver(fixed={AUTO}), (0.03, None), (None, 0.0), "does not let its automatic exposure be switched off"),
        (Driver(ranges=RANGES | {TIME: (1, 200, 1)}), (0.03, None), (0.02, 0.0), "exposes 20 ms instead of the 30 ms"),
        (Driver(ranges=RANGES | {GAIN: (0, 8, 1)}), (0.03, 40), (0.03, 8.0), "gain of 8 instead of the 40"),
        (Driver(values={AUTO: 3, DYNAMIC: 1}), (0.03, 4), (None, None), "no exposure time to set"),
        (Driver(values={}), (0.03, None), (None, None), "does not let its automatic exposure"),
        (Driver(values={AUTO: 3, TIME: 10, v4l2.AUTO_GAIN: 1, GAIN: 3}), (0.03, None), (0.03, None), None),
    ],
)
def test_fix_exposure_reports_what_the_camera_made_of_it(monkeypatch, driver, wanted, expected, words):
    held = fix(monkeypatch, driver, *wanted)
    assert (held.exposure_s, held.gain) == (expected[0] and pytest.approx(expected[0]), expected[1])
    assert words is None or any(words in warning for warning in held.warnings)


@pytest.mark.parametrize(("value", "nearest"), [(0, 3), (4.4, 3), (5, 6), (1e9, 30), (29, 30), (16.4, 15)])
def test_range_nearest_keeps_to_steps_and_ends(value, nearest):
    assert v4l2.Range(3, 30, 3).nearest(value) == nearest
