import threading
import time

import numpy as np
import pytest

from edge.overlap import AHEAD, Stages, overlapped

THREADS = [1, 2, 4, 9]


class Recorder:
    """Stages that need random times and record what happens to each item."""

    def __init__(self, seed=0, depth=4, fails=()):
        self.pause_s = np.random.default_rng(seed).exponential(5e-4, (4, 1000))
        self.fails = dict(fails)
        self.calls = {"begin": [], "work": [], "finish": []}
        self.read = 0
        self.stages = Stages(self.passing("begin", 1), self.passing("work", 2), self.passing("finish", 3), depth)

    def items(self, count):
        for number in range(count):
            time.sleep(self.pause_s[0, number])
            if self.fails.get("read") == number:
                raise LookupError(f"read {number}")
            self.read += 1
            yield number

    def passing(self, name, row):
        def stage(number):
            time.sleep(self.pause_s[row, number])
            self.calls[name].append(number)
            if self.fails.get(name) == number:
                raise LookupError(f"{name} {number}")
            return number

        return stage


def take_all(results, taken):
    for result in results:
        taken.append(result)


def stage_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("stage ")]


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("seed", range(3))
def test_overlapped_keeps_the_order(threads, seed):
    recorder = Recorder(seed)
    assert list(overlapped(recorder.items(60), recorder.stages, threads)) == list(range(60))
    assert recorder.calls["begin"] == recorder.calls["finish"] == list(range(60))
    assert not stage_threads()


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_overlapped_begins_after_earlier_items_are_finished(threads, depth):
    recorder = Recorder(1, depth)
    finished_at_begin = []
    stages = Stages(
        lambda number: (finished_at_begin.append(len(recorder.calls["finish"])), number)[1],
        recorder.stages.work,
        recorder.stages.finish,
        depth,
    )
    assert len(list(overlapped(recorder.items(40), stages, threads))) == 40
    assert all(finished >= number + 1 - depth for number, finished in enumerate(finished_at_begin))


@pytest.mark.parametrize("threads", [2, 4])
def test_overlapped_reads_only_some_items_ahead(threads):
    recorder = Recorder(2)
    results = overlapped(recorder.items(500), recorder.stages, threads)
    for taken, _ in zip(range(1, 21), results, strict=False):
        time.sleep(2e-3)
        assert recorder.read <= taken + recorder.stages.depth + AHEAD
    results.close()
    assert not stage_threads()


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("where", ["read", "begin", "work", "finish"])
def test_overlapped_raises_an_error_after_the_results_before_it(threads, where):
    recorder = Recorder(3, fails={where: 17})
    taken = []
    results = overlapped(recorder.items(60), recorder.stages, threads)
    with pytest.raises(LookupError, match=f"{where} 17"):
        take_all(results, taken)
    assert taken == list(range(17))
    assert recorder.read <= 17 + recorder.stages.depth + AHEAD
    assert not stage_threads()


@pytest.mark.parametrize("threads", THREADS)
def test_overlapped_reads_on_after_none_when_all_was_taken(threads):
    recorder = Recorder(4)
    taken = []
    ahead = []

    def items():
        for number in recorder.items(40):
            if number % 7 == 3:
                yield None
                ahead.append(number - len(taken))
            yield number

    for number in overlapped(items(), recorder.stages, threads):
        time.sleep(1e-3)
        taken.append(number)
    assert taken == list(range(40))
    assert set(ahead) == {0}


@pytest.mark.parametrize("threads", [2, 4])
def test_overlapped_works_on_several_items_at_a_time(threads):
    meeting = threading.Barrier(2)
    stages = Stages(begin=int, work=lambda number: (meeting.wait(5), number)[1], finish=int)
    assert list(overlapped(range(4), stages, threads)) == [0, 1, 2, 3]


def test_overlapped_gives_a_result_while_the_next_item_does_not_come():
    release = threading.Event()

    def items():
        yield 1
        release.wait(5)
        yield 2

    results = overlapped(items(), Stages(begin=int, work=int, finish=int), 2)
    began = time.monotonic()
    assert next(results) == 1
    assert time.monotonic() - began < 1
    release.set()
    assert list(results) == [2]


def test_overlapped_ends_while_the_source_hangs():
    release = threading.Event()

    def items():
        yield 1
        release.wait(30)

    results = overlapped(items(), Stages(begin=int, work=int, finish=int), 2)
    assert next(results) == 1
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 1.5
    release.set()
    deadline = time.monotonic() + 2
    while stage_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stage_threads()


@pytest.mark.parametrize("threads", THREADS)
def test_overlapped_without_items_yields_nothing(threads):
    assert list(overlapped([], Recorder().stages, threads)) == []
