import pytest

from edge.capture.pace import Pace


def missed(stamps):
    pace = Pace()
    return [pace.missed_before(stamp) for stamp in stamps]


def test_pace_of_a_steady_camera_misses_nothing():
    assert not any(missed([number / 30 + (0.004 if number % 3 else 0) for number in range(100)]))


@pytest.mark.parametrize("lost", [1, 2, 7])
def test_pace_counts_lost_frames(lost):
    stamps = [number * 0.04 for number in range(20)] + [(20 + lost + number) * 0.04 for number in range(20)]
    assert sum(missed(stamps)) == lost
    assert missed(stamps)[20] == lost


def test_pace_ignores_the_declared_rate():
    assert not any(missed([number / 7.5 for number in range(50)]))


def test_pace_follows_a_lasting_change_of_rate():
    stamps = [number * 0.033 for number in range(40)]
    stamps += [stamps[-1] + 0.1 * number for number in range(1, 60)]
    assert not any(missed(stamps)[-20:])


def test_pace_ignores_a_clock_that_steps_back():
    assert missed([1.0, 1.04, 0.5, 0.54, 0.58]) == [0] * 5


def test_pace_has_a_period_for_intervals_of_two_lengths():
    pace = Pace()
    for stamp_s in (0.0, 0.001, 1.001, 1.002, 2.002, 2.003, 3.003):
        pace.missed_before(stamp_s)
    assert 0.001 <= pace.period_s <= 1.0
