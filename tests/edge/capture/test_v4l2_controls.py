"""A fake at the ioctl boundary, as no camera can be here; it packs its answers by the kernel's own layouts."""

import fcntl
import os
import struct
from typing import ClassVar

import pytest

from edge.capture import v4l2_controls as v4l2
from edge.capture.controls import Wanted

AUTO, TIME, DYNAMIC, AUTO_GAIN, GAIN, AUTO_WHITE, WHITE = (
    control.numbers[0]
    for control in (
        v4l2.EXPOSURE_MODE,
        v4l2.EXPOSURE_TIME,
        v4l2.DYNAMIC_RATE,
        v4l2.AUTO_GAIN,
        v4l2.GAIN,
        v4l2.AUTO_WHITE_BALANCE,
        v4l2.WHITE_BALANCE,
    )
)
RED, BLUE = v4l2.RED_BALANCE.numbers[0], v4l2.BLUE_BALANCE.numbers[0]
ANALOGUE_GAIN = v4l2.GAIN.numbers[1]
VENDOR = 0x0A046D00  # where drivers put controls of their own

RANGES = {AUTO: (0, 3, 1), TIME: (1, 5000, 1), GAIN: (0, 100, 1), WHITE: (2800, 6500, 10), RED: (0, 255, 1)}
RANGES |= {BLUE: RANGES[RED], ANALOGUE_GAIN: (16, 1023, 1), VENDOR: (0, 1, 1), VENDOR + 1: (1, 63, 1)}


class Driver:
    """Controls with their range; values are refused while the automatic is on, as drivers do."""

    manual: ClassVar = {TIME: (AUTO, 1), GAIN: (AUTO_GAIN, 0), WHITE: (AUTO_WHITE, 0)}

    def __init__(self, **changes):
        self.values = {AUTO: 3, TIME: 157, DYNAMIC: 1, GAIN: 0}
        self.ranges = RANGES
        self.names = {}
        self.fixed, self.order = set(), []
        for name, value in changes.items():
            setattr(self, name, value)

    def ioctl(self, _fd, request, content):
        control = struct.unpack_from("<I", content)[0]
        if request == v4l2._QUERY and control & v4l2._NEXT:
            later = sorted(number for number in self.values if number > control & ~v4l2._NEXT)
            control = later[0] if later else control
        if control not in self.values:
            raise OSError(22, "Invalid argument")
        if request == v4l2._QUERY:
            assert len(content) == 68
            least, greatest, step = self.ranges.get(control, (0, 1, 1))
            name = self.names.get(control, "A control").encode()
            return struct.pack("<II32siiiiI8x", control, 1, name, least, greatest, step, least, 0)
        assert len(content) == 8
        if request == v4l2._SET:
            value = struct.unpack("<Ii", content)[1]
            automatic, off = self.manual.get(control, (None, None))
            if self.values.get(automatic, off) != off:
                raise OSError(5, "Input/output error")
            if control in self.fixed:
                raise OSError(16, "Device or resource busy")
            self.order.append(control)
            self.values[control] = value
        return struct.pack("<Ii", control, self.values[control])


def fix(monkeypatch, driver, *wanted):
    monkeypatch.setattr(fcntl, "ioctl", driver.ioctl)
    with v4l2.Controls(os.devnull) as controls:
        return v4l2.fix_controls(controls, Wanted(*wanted))


def test_request_numbers_are_those_of_the_kernel():
    # _IOWR(type, number, size) of asm-generic/ioctl.h: direction 3, size, type, number
    def read_write(number, size):
        return 3 << 30 | size << 16 | ord("V") << 8 | number

    assert read_write(27, 8) == v4l2._GET
    assert read_write(28, 8) == v4l2._SET
    assert read_write(36, struct.calcsize(v4l2._QUERY_FORMAT)) == v4l2._QUERY


def test_fix_controls_switches_automatics_off_first(monkeypatch):
    driver = Driver()
    driver.values |= {AUTO_GAIN: 1, AUTO_WHITE: 1, WHITE: 4600}
    held = fix(monkeypatch, driver, 0.03, 40, 5000)
    assert (held.exposure_s, held.gain, held.refused) == (pytest.approx(0.03), 40.0, ())
    assert held.warnings == {}
    expected = {AUTO: 1, TIME: 300, DYNAMIC: 0, AUTO_GAIN: 0, GAIN: 40, AUTO_WHITE: 0, WHITE: 5000}
    assert driver.values == expected == dict(held.values)
    assert driver.order == [DYNAMIC, AUTO, TIME, AUTO_GAIN, GAIN, AUTO_WHITE, WHITE]


def test_fix_controls_leaves_alone_what_is_not_wanted(monkeypatch):
    driver = Driver()
    driver.values |= {AUTO: 1, AUTO_GAIN: 1, AUTO_WHITE: 1}
    held = fix(monkeypatch, driver)
    assert driver.values == {AUTO: 3, TIME: 157, DYNAMIC: 0, AUTO_GAIN: 1, GAIN: 0, AUTO_WHITE: 1}
    assert (held.exposure_s, held.gain, held.refused) == (None, None, ())
    assert "exposure is automatic" in held.warnings["exposure"]


def test_fix_controls_of_exposure_switches_automatic_gain_off(monkeypatch):
    driver = Driver()
    driver.values |= {AUTO_GAIN: 1, GAIN: 7}
    held = fix(monkeypatch, driver, 0.03)
    assert driver.values[AUTO_GAIN] == 0
    assert held.gain == 7.0
    assert held.warnings["gain"] == "the gain stays at 7, as the camera has it; set source.gain"


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ((AUTO_GAIN, GAIN), {}),
        ((AUTO_GAIN, ANALOGUE_GAIN), {}),
        ((VENDOR, VENDOR + 1), {VENDOR: "Gain, Automatic", VENDOR + 1: "Gain"}),
        ((VENDOR, VENDOR + 1), {VENDOR: "autogain", VENDOR + 1: "Analog Gain"}),
    ],
    ids=["old numbers", "analogue gain", "names of new kernels", "names of old kernels"],
)
def test_fix_controls_finds_gain_by_number_and_name(monkeypatch, numbers, names):
    driver = Driver(values={AUTO: 3, TIME: 157, numbers[0]: 1, numbers[1]: 20}, names=names)
    held = fix(monkeypatch, driver, 0.03, 33)
    assert (held.gain, held.refused) == (33.0, ())
    assert (driver.values[numbers[0]], driver.values[numbers[1]]) == (0, 33)


REFUSALS = {
    "exposure stays automatic": (Driver(fixed={AUTO}), (0.03,), "automatic exposure cannot be switched off"),
    "exposure is cut": (Driver(ranges=RANGES | {TIME: (1, 200, 1)}), (0.03,), "exposes 20 ms instead of 30 ms"),
    "no exposure": (Driver(values={AUTO: 3, DYNAMIC: 1}), (0.03,), "no exposure time to set"),
    "no controls": (Driver(values={}), (0.03,), "automatic exposure cannot be switched off"),
    "gain stays automatic": (
        Driver(values={AUTO: 3, TIME: 10, AUTO_GAIN: 1, GAIN: 3}, fixed={AUTO_GAIN}),
        (0.03,),
        "automatic gain stays on",
    ),
    "gain is cut": (Driver(ranges=RANGES | {GAIN: (0, 8, 1)}), (0.03, 40), "gain of 8 instead of 40"),
    "no gain": (Driver(values={AUTO: 3, TIME: 1}), (0.03, 4), "no gain to set"),
    "white balance stays automatic": (
        Driver(values={AUTO: 3, AUTO_WHITE: 1, WHITE: 4000}, fixed={AUTO_WHITE}),
        (None, None, 5000),
        "automatic white balance stays on",
    ),
    "white balance is cut": (Driver(values={WHITE: 4000}), (None, None, 9000), "white balance of 6500 instead of 9000"),
    "no white balance": (Driver(), (None, None, 5000), "no white balance to set"),
    "no blue": (Driver(values={RED: 4}), (None, None, (40, 60)), "no blue balance to set"),
}


@pytest.mark.parametrize(("driver", "wanted", "words"), REFUSALS.values(), ids=REFUSALS)
def test_fix_controls_tells_what_a_camera_refuses(monkeypatch, driver, wanted, words):
    assert any(words in sentence for sentence in fix(monkeypatch, driver, *wanted).refused)


def test_fix_controls_sets_gains_of_red_and_blue(monkeypatch):
    driver = Driver(values={AUTO_WHITE: 1, RED: 128, BLUE: 128})
    held = fix(monkeypatch, driver, None, None, (100, 140))
    assert driver.values == {AUTO_WHITE: 0, RED: 100, BLUE: 140}
    assert held.refused == ()


@pytest.mark.parametrize(("value", "nearest"), [(0, 3), (4.4, 3), (5, 6), (1e9, 30), (29, 30), (16.4, 15)])
def test_range_nearest_keeps_to_steps_and_ends(value, nearest):
    assert v4l2.Range(3, 30, 3).nearest(value) == nearest
