"""The verdict names what is exceeded, and otherwise what is close."""

from types import SimpleNamespace

import pytest

from quantize.checking import BundleCheck
from quantize.clip import ClipCheck
from quantize.limits import Finding, Limits
from quantize.report import lines, verdict

GOOD = Finding("size", passed=True, text="0.2")
CLOSE = Finding("label agreement", passed=True, text="0.9948", close=True)
BAD = Finding("hits alike", passed=False, text="0.5")


def check(*findings):
    networks = (SimpleNamespace(name="classifier", positives=1000, negatives=4000),)
    clip = ClipCheck("a.mkv", 10, 5, 5, 5)
    noted = (("clip", findings),)
    return BundleCheck("b", "0" * 64, "", "", (), Limits(), None, networks, noted, clip)


@pytest.mark.parametrize(
    ("findings", "passed", "expected"),
    [
        ((GOOD,), True, "PASSED: b: int8 is within all limits of float on 5000 crops"),
        (
            (GOOD, CLOSE),
            True,
            "PASSED: b: int8 exceeds no limit of float on 5000 crops; close: clip: label agreement: 0.9948",
        ),
        ((BAD, CLOSE), False, "FAILED: b: clip: hits alike: 0.5"),
    ],
)
def test_verdict_names_what_is_exceeded_or_close(findings, passed, expected):
    judged = check(*findings)
    assert (judged.passed, verdict(judged)) == (passed, expected)
    assert judged.close == [f"clip: {one.name}: {one.text}" for one in findings if one.close]


def test_lines_mark_each_finding():
    marks = [line.split()[0] for line in lines(check(GOOD, CLOSE, BAD)) if line.startswith("  ")]
    assert marks == ["ok", "close", "FAIL"]
