import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pages.axes import Axis, from_zero, tick_text

NUMBERS = st.floats(1e-9, 1e9)


@given(NUMBERS, st.floats(1.01, 1e6), st.booleans())
def test_ticks_lie_on_their_axis_and_are_few(low, factor, log):
    axis = Axis("x", low, low * factor, log=log)
    ticks = axis.ticks()
    assert all(low * 0.998 <= tick <= low * factor * 1.002 for tick in ticks)
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))


@given(NUMBERS, st.floats(1.01, 1e6), st.booleans(), NUMBERS)
def test_share_lies_between_0_and_1(low, factor, log, value):
    axis = Axis("x", low, low * factor, log=log)
    assert 0 <= axis.share(value) <= 1
    assert (axis.share(low), axis.share(low * factor)) == pytest.approx((0, 1))


def test_share_follows_the_kind_of_axis():
    assert Axis("x", 0, 10).share(5) == pytest.approx(0.5)
    assert Axis("x", 1, 100, log=True).share(10) == pytest.approx(0.5)
    assert Axis("x", 1, 100, log=True).share(0) == 0


def test_names_stand_in_place_of_numbers():
    axis = Axis("stage", -0.5, 1.5, names=("decode", "alarm"))
    assert [axis.words(tick) for tick in axis.ticks()] == ["decode", "alarm"]


@given(st.floats(-1e12, 1e12))
def test_tick_text_is_the_number(value):
    assert float(tick_text(value).replace(",", "")) == pytest.approx(value, rel=0.01, abs=1e-9)


@pytest.mark.parametrize(("values", "high"), [((), 1.0), ((0.0,), 1.0), ((50.0, math.inf), 53.0)])
def test_from_zero_ends_above_what_is_finite(values, high):
    assert from_zero("y", values).high == pytest.approx(high)
