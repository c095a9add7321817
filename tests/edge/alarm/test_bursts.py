from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.bursts import Bursts
from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FPS = 25
HD, VGA = (1920, 1080), (640, 480)


def place(rng, size, count):
    """Return hits around one place, some pixels apart."""
    middle = rng.uniform(0.1, 0.9, 2) * size
    return np.rint(middle + rng.normal(0, 0.004 * size[0], (count, 2)))


def line(rng, size, count):
    """Return hits along a line across some of the picture, in the order in which something would fly it."""
    begin, end = rng.uniform(0.05, 0.95, (2, 2)) * size
    along = np.sort(rng.uniform(0, 1, count))[:, None]
    return np.rint(begin + along * (end - begin) + rng.normal(0, 0.7, (count, 2)))


def shuffled_line(rng, size, count):
    return rng.permutation(line(rng, size, count))


def anywhere(rng, size, count):
    return np.floor(rng.uniform(0, 1, (count, 2)) * size)


def observation(number, positions, size):
    time_s = number / FPS
    return Observation(
        sequence=number,
        monotonic_s=time_s,
        utc=START + timedelta(seconds=time_s),
        hits=len(positions),
        live_s=1 / FPS,
        period_s=1 / FPS,
        exposure_known=True,
        live_fraction=1.0,
        unclassified=0,
        positions=tuple((int(x), int(y)) for x, y in positions),
        size=size,
    )


def alarms_of_bursts(rng, shape, size, bursts):
    """Return how many bursts of 12 hits in a second raise an alarm, each on 10 seconds of a background of 0.05 /s."""
    raised = 0
    for _ in range(bursts):
        tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
        spots = shape(rng, size, 12)
        frames = np.sort(rng.integers(200, 200 + FPS, 12))
        steps = []
        for number in range(260):
            background = anywhere(rng, size, rng.poisson(0.05 / FPS))
            positions = np.concatenate([spots[frames == number], background])
            steps += tracker.update(observation(number, positions, size))
        raised += any(step.state == "raised" for step in steps)
    return raised


@pytest.mark.parametrize("size", [VGA, HD], ids=["640x480", "1920x1080"])
@pytest.mark.parametrize("shape", [place, line, shuffled_line])
def test_bursts_of_12_hits_raise_no_alarm(shape, size):
    assert alarms_of_bursts(np.random.default_rng(1), shape, size, 40) == 0


def test_bursts_of_12_hits_all_over_the_picture_raise_alarms():
    assert alarms_of_bursts(np.random.default_rng(2), anywhere, VGA, 20) == 20


@pytest.mark.parametrize("size", [VGA, HD], ids=["640x480", "1920x1080"])
@pytest.mark.parametrize("rate_hz", [0.5, 5.0, 20.0, 100.0, 1000.0])
def test_bursts_lose_little_of_a_true_field(rate_hz, size):
    rng, bursts = np.random.default_rng(3), Bursts()
    counted = alone = 0
    number = 0
    while counted < 1500:
        positions = anywhere(rng, size, rng.poisson(rate_hz / FPS))
        alone += sum(bursts.alone(number / FPS, [(int(x), int(y)) for x, y in positions], size))
        counted += len(positions)
        number += 1
    assert alone / counted > 0.955


def test_bursts_forget_after_a_second():
    bursts = Bursts()
    assert bursts.alone(0.0, [(100, 100)], VGA) == [True]
    assert bursts.alone(0.9, [(103, 100)], VGA) == [False]
    assert bursts.alone(2.1, [(101, 100)], VGA) == [True]
