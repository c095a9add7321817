import itertools
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.newest import Newest


@given(st.integers(1, 6), st.lists(st.booleans(), max_size=60))
def test_nothing_is_lost_uncounted_and_order_is_kept(depth, puts):
    shelf, put, taken = Newest(depth), 0, []
    for is_put in puts:
        if is_put:
            shelf.put(put)
            put += 1
        elif (thing := shelf.take(0)) is not None:
            taken.append(thing)
    shelf.close()
    while (thing := shelf.take()) is not None:
        taken.append(thing)
    assert taken == sorted(set(taken))
    assert len(taken) + shelf.dropped == put
    if put and puts[-1]:
        assert taken[-1] == put - 1


def test_a_slow_taker_still_gets_neighbours():
    shelf, taken = Newest(8), []
    for number in range(200):
        shelf.put(number)
        if number % 2:
            taken.append(shelf.take(0))
    neighbours = sum(b - a == 1 for a, b in itertools.pairwise(taken))
    assert neighbours > 0.8 * len(taken)


def test_taking_waits_for_something_to_come_and_ends_with_the_shelf():
    shelf = Newest(2)
    threading.Timer(0.05, shelf.put, ["it"]).start()
    assert shelf.take(5) == "it"
    began = time.monotonic()
    assert shelf.take(0.05) is None
    assert time.monotonic() - began >= 0.04
    threading.Timer(0.05, shelf.close).start()
    assert shelf.take() is None


def test_a_shelf_without_room_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Newest(0)
