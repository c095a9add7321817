import itertools
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.newest_queue import NewestQueue


@given(st.integers(1, 6), st.lists(st.booleans(), max_size=60))
def test_queue_keeps_the_order_and_counts_what_it_drops(depth, puts):
    queue, put, taken = NewestQueue(depth), 0, []
    for is_put in puts:
        if is_put:
            queue.put(put)
            put += 1
        elif (item := queue.take(0)) is not None:
            taken.append(item)
    queue.close()
    while (item := queue.take()) is not None:
        taken.append(item)
    assert taken == sorted(set(taken))
    assert len(taken) + queue.dropped == put
    if put and puts[-1]:
        assert taken[-1] == put - 1


def test_queue_gives_neighbours_to_a_slow_reader():
    queue, taken = NewestQueue(8), []
    for number in range(200):
        queue.put(number)
        if number % 2:
            taken.append(queue.take(0))
    neighbours = sum(b - a == 1 for a, b in itertools.pairwise(taken))
    assert neighbours > 0.8 * len(taken)


def test_queue_waits_for_items_until_it_is_closed():
    queue = NewestQueue(2)
    threading.Timer(0.05, queue.put, ["it"]).start()
    assert queue.take(5) == "it"
    began = time.monotonic()
    assert queue.take(0.05) is None
    assert time.monotonic() - began >= 0.04
    threading.Timer(0.05, queue.close).start()
    assert queue.take() is None


def test_queue_refuses_a_depth_of_0():
    with pytest.raises(ValueError, match="at least 1"):
        NewestQueue(0)
