import time

import pytest

from edge.doctor.finding import Check, Finding, fault, findings_of, ok
from edge.errors import SourceError


def failing(error):
    raise error


def test_findings_of_keeps_the_order_of_a_check():
    found = [ok("a", "1"), fault("b", "2", "mend")]
    assert findings_of(Check("two", lambda: iter(found), 5, "")) == tuple(found)


@pytest.mark.parametrize(
    ("error", "found", "remedy"),
    [
        (SourceError("/dev/video9", "no such device", "plug it in"), "/dev/video9: no such device", "plug it in"),
        (KeyError("x"), "the check failed (KeyError: 'x')", "look"),
    ],
)
def test_findings_of_turns_an_error_into_a_fault(error, found, remedy):
    assert findings_of(Check("camera", lambda: failing(error), 5, "look")) == (fault("camera", found, remedy),)


def test_findings_of_ends_a_check_at_its_limit():
    began = time.monotonic()
    [found] = findings_of(Check("disk", lambda: time.sleep(3) or [], 0.1, "replace the card"))
    assert time.monotonic() - began < 2
    assert found == Finding("disk", "fault", "no answer within 0.1 s", "replace the card")


def test_findings_of_keeps_what_came_before_an_error():
    def half():
        yield ok("broker", "there")
        raise ValueError("odd")

    assert [found.state for found in findings_of(Check("login", half, 5, "look"))] == ["ok", "fault"]
