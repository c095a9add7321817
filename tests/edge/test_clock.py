from datetime import datetime, timedelta, timezone

import pytest

from edge.clock import STEP_TOLD_S, ClockWatch

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("step_s", "said"),
    [(86_400, "forward by 86,400 s"), (-86_400, "back by 86,400 s"), (3, "forward by 3 s"), (1, None)],
)
def test_clock_watch_tells_a_step_and_its_end(step_s, said):
    watch = ClockWatch()
    found = {}
    for second in range(int(STEP_TOLD_S) + 100):
        utc = BEGIN + timedelta(seconds=second + (step_s if second >= 50 else 0))
        found[second] = watch.faults(float(second), utc)
    assert found[49] == {}
    assert found[51] == found[50]
    assert (said in found[50]["clock step"]) if said else found[50] == {}
    assert found[50 + int(STEP_TOLD_S)] == {}


def test_clock_watch_does_not_mind_a_slow_drift():
    watch = ClockWatch()
    for second in range(0, 86_400, 10):  # 500 parts in a million, as fast as a time server pulls
        assert watch.faults(float(second), BEGIN + timedelta(seconds=second * 1.0005)) == {}


def test_clock_watch_names_a_clock_that_is_not_set():
    watch = ClockWatch()
    assert "not set (1970-01-01)" in watch.faults(0.0, datetime(1970, 1, 1, tzinfo=timezone.utc))["clock"]
    found = watch.faults(1.0, BEGIN)
    assert list(found) == ["clock step"]
