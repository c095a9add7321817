from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.capture.timeline import AHEAD, placed


def places_of(stamps, rate=30.0, **options):
    return list(placed([(stamp, None) for stamp in stamps], rate, **options))


def numbers_of(stamps, rate=30.0, **options):
    return [place.sequence for place in places_of(stamps, rate, **options)]


def at(numbers, rate=30.0):
    """Return the stamps of frames of these numbers, in milliseconds as Matroska has them."""
    return [round(number * 1000 / rate) / 1000 for number in numbers]


def without(count, *missing):
    return [number for number in range(count) if number not in missing]


@pytest.mark.parametrize(
    "numbers",
    [
        range(50),
        without(60, *range(20, 30)),
        without(60, 2),
        without(60, 57),
        without(60, 10, 12, 14),
        without(200, *range(30, 190, 8)),
        [0, 5, 6, 7, 8, 9, 10],
        [0, 1, 2, 9],
    ],
    ids=["none", "ten", "third", "near_end", "alternate", "each_eighth", "second_to_fifth", "before_last"],
)
@pytest.mark.parametrize("rate", [30.0, 24.0, 8.0])
def test_places_jump_where_stamps_do(numbers, rate):
    places = places_of(at(numbers, rate), rate)
    assert [place.sequence for place in places] == list(numbers)
    assert [place.position_s for place in places] == pytest.approx([number / rate for number in numbers])
    assert sum(place.missing for place in places) == numbers[-1] + 1 - len(numbers)
    assert [place.period_s for place in places] == pytest.approx([1 / rate] * len(numbers), abs=1e-3)


@pytest.mark.parametrize(
    "intervals",
    [
        [1 / 30] * 20 + [0.1] * 25,
        [0.1] * 20 + [1 / 30] * 40,
        [0.033, 0.034, 0.04, 0.05, 0.066, 0.1, 0.1, 0.1, 0.1, 0.1],
        [0.04, 0.05, 0.03, 0.045, 0.035] * 10,
        [1 / 15] * 30,
        [5.0] * 10,
    ],
    ids=["slower", "faster", "darker", "uneven", "half", "time_lapse"],
)
def test_places_follow_a_rate_that_changes(intervals):
    stamps = [0.0, *accumulate(intervals)]
    places = places_of(stamps)
    assert [place.sequence for place in places] == list(range(len(stamps)))
    assert [place.position_s for place in places] == pytest.approx(stamps, abs=1.5e-3)
    assert [place.period_s for place in places[-3:]] == pytest.approx(intervals[-3:], rel=0.35)


def test_places_keep_a_gap_between_two_rates():
    stamps = [0.0, *accumulate([1 / 30] * 20 + [1.0] + [0.1] * 20)]
    places = places_of(stamps)
    assert [place.missing for place in places] == [0] * 21 + [9] + [0] * 20


def test_places_of_frames_stamped_in_bunches_have_no_gap():
    assert numbers_of([0.16 * (number // 4) + 0.001 * (number % 4) for number in range(80)], 25.0) == list(range(80))


def test_places_of_a_late_frame_have_no_gap():
    stamps = [number * 0.04 for number in range(60)]
    stamps[30:33] = [stamps[32] - 0.004, stamps[32] - 0.002, stamps[32]]
    assert numbers_of(stamps, 25.0) == list(range(60))


@pytest.mark.parametrize(
    "places",
    [
        range(0, 32, 2),
        range(0, 9, 3),
        [number * 6 // 5 for number in range(100)],
        [number * 3 // 2 for number in range(60)],
        [round(number * 33.3) for number in range(40)],
    ],
    ids=["every_second", "three", "25_of_30", "20_of_30", "of_1000"],
)
def test_places_empty_at_even_distances_are_a_rate(places):
    stamps = [place / 30 for place in places]
    found = places_of(stamps, numbered=True)
    assert [place.sequence for place in found] == list(range(len(stamps)))
    assert [place.position_s for place in found] == pytest.approx(stamps)
    mean_s = stamps[-1] / (len(stamps) - 1)
    assert [place.period_s for place in found[AHEAD:-AHEAD]] == pytest.approx(
        [mean_s] * max(len(found) - 2 * AHEAD, 0), rel=0.1
    )


@pytest.mark.parametrize(
    "numbers", [without(60, 10, 15, 17, 40), without(60, 20), without(60, 20, 21, 22), [0, 1, 2, 3, 5]]
)
def test_places_empty_at_odd_distances_are_lost_frames(numbers):
    assert numbers_of([number / 30 for number in numbers], numbered=True) == list(numbers)


def test_places_at_the_beginning_may_be_empty():
    places = places_of([number / 30 for number in range(3, 20)], numbered=True)
    assert (places[0].sequence, places[0].missing, places[0].position_s) == (3, 3, pytest.approx(0.1))


def test_places_after_a_pause_are_told_as_such():
    places = places_of(at([*range(30), *range(1800, 1830)]))
    assert [(place.sequence, place.missing, place.pause_s) for place in places[30:31]] == [
        (1800, 0, pytest.approx(59.033))
    ]


@pytest.mark.parametrize(
    "stamps",
    [at([*range(30), *range(30)]), at([*range(10), 10**9, *range(11, 30)]), at([*range(10), 40, *range(11, 30)])],
    ids=["joined", "absurd", "one_wrong"],
)
def test_places_where_stamps_begin_anew_have_a_gap(stamps):
    places = places_of(stamps)
    assert any(place.is_joined for place in places)
    assert all(0 < later.position_s - earlier.position_s < 0.2 for earlier, later in pairwise(places))
    assert places[-1].sequence <= len(stamps) + 3


@given(
    stamps=st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 10)), max_size=40),
    numbered=st.booleans(),
)
@example(stamps=[0.0, 43_201.0, 129_602.0], numbered=False)  # a pause, and a stamp that is no time
def test_places_rise_whatever_the_stamps(stamps, numbered):
    places = places_of(stamps, 25.0, numbered=numbered)
    assert len(places) == len(stamps)
    assert all(0 < later.position_s - earlier.position_s <= 86_401 for earlier, later in pairwise(places))
    assert all(later.sequence > earlier.sequence for earlier, later in pairwise(places))
    assert all(0 < place.period_s <= 86_401 and place.missing < 20_001 for place in places)
