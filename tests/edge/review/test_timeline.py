from itertools import pairwise
from types import SimpleNamespace

import pytest

from edge.alarm.background import Rate
from edge.review.samples import Spread
from edge.review.timeline import MAX_CELLS, Timeline

TRACKER = SimpleNamespace(background=Rate(5.0, 10.0))


def timeline(frames, period_s=0.04, hits=lambda _: 0):
    made = Timeline()
    for number in range(frames):
        made.add(
            SimpleNamespace(
                monotonic_s=number * period_s,
                hits=hits(number),
                weight=1.0,
                live_s=0.02,
                period_s=period_s,
                live_fraction=0.9,
            ),
            TRACKER,
        )
    return made


@pytest.mark.parametrize("frames", [1, 30, 250, 2500, 50_000])
def test_cells_count_everything_once(frames):
    cells = timeline(frames, hits=lambda number: int(number % 7 == 0)).cells()
    assert sum(cell.hits for cell in cells) == (frames + 6) // 7
    assert sum(cell.live_s for cell in cells) == pytest.approx(frames * 0.02)
    assert sum(cell.seconds for cell in cells) == pytest.approx(frames * 0.04)
    assert len(cells) <= 120


def test_cells_have_one_width():
    starts = [cell.start_s for cell in timeline(5000).cells()]
    assert {round(after - before, 6) for before, after in pairwise(starts)} == {2.0}


def test_long_recordings_keep_a_bounded_number_of_cells():
    made = timeline(60_000, period_s=1.0)
    assert len(made._cells) <= MAX_CELLS
    assert sum(cell.seconds for cell in made._cells) == pytest.approx(60_000)


def test_rate_is_that_of_the_live_time():
    (cell,) = timeline(25, hits=lambda _: 1).cells(1)
    low, rate, high = cell.rate_hz
    assert rate == pytest.approx(50)
    assert low < 50 < high
    assert cell.background_hz[1] == 0.5


@pytest.mark.parametrize("offered", [0, 3, 8, 9, 100, 1001])
def test_spread_keeps_things_from_all_over(offered):
    spread = Spread(8)
    for number in range(offered):
        spread.offer(lambda number=number: number)
    assert len(spread.kept) >= min(offered, 4)
    assert len(spread.kept) <= 8
    steps = {after - before for before, after in pairwise(spread.kept)}
    assert len(steps) <= 1
    if offered:
        assert spread.kept[0] == 0
        assert offered - spread.kept[-1] <= max(steps, default=1)
