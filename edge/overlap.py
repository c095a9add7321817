"""Work in three stages that overlap in threads: the results, and their order, are those of one thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

Item = TypeVar("Item")
Begun = TypeVar("Begun")
Worked = TypeVar("Worked")
Result = TypeVar("Result")

AHEAD = 2
"""Items that are read before they can be begun."""
END_S = 0.5
"""How long the end waits for threads: one of them may hang in a driver."""


@dataclass(frozen=True, slots=True)
class Stages(Generic[Item, Begun, Worked, Result]):
    """What is done with each item.

    Attributes
    ----------
    begin : callable
        First stage. It gets the items one after the other, in order, and may remember what it saw.
    work : callable
        Second stage. It remembers nothing, so several items are worked on at a time, in any order.
    finish : callable
        Third stage: one item after the other, in order, as the first.
    depth : int
        An item is begun after the one `depth` places before it is finished, never earlier. What the first stage
        learns from the third about an item may thus be used from `depth` items later on, with any number of threads.

    """

    begin: Callable[[Item], Begun]
    work: Callable[[Begun], Worked]
    finish: Callable[[Worked], Result]
    depth: int = 4


def overlapped(
    items: Iterable[Item | None], stages: Stages[Item, Begun, Worked, Result], threads: int = 1
) -> Generator[Result, None, None]:
    """Yield the result of each item, in order. Reading items and the stages of successive items overlap.

    An error in a stage or in reading an item is raised after the results of all items before it. When the iteration
    ends, for whatever reason, so do the threads; one that hangs while it reads is left behind after half a second, and
    ends when the reading does.

    Parameters
    ----------
    items : iterable
        Read by one thread at a time, at most `depth` + 2 items ahead. None stands for no item: what comes after it is
        read when the results of all items before it were taken.
    stages : Stages
    threads : int
        Threads that work beside the caller's. With 1 there are none, and the caller's does everything.

    Examples
    --------
    >>> square = Stages(begin=int, work=lambda number: number**2, finish=str)
    >>> list(overlapped(["1", "2", None, "3"], square, threads=2))
    ['1', '4', '9']

    """
    if threads == 1:
        for item in items:
            if item is not None:
                yield stages.finish(stages.work(stages.begin(item)))
        return
    line: _Line[Result] = _Line(iter(items), (stages.begin, stages.work, stages.finish), stages.depth)
    line.start(min(threads, stages.depth + 1))
    try:
        yield from line.results()
    finally:
        line.end()


@dataclass(slots=True, eq=False)
class _Job:
    """An item on its way: the value that the last stage made of it, and the number of the next one."""

    value: Any
    stage: int = 0
    busy: bool = False
    error: BaseException | None = None


_WORK, _DONE = 1, 3
"""Number of the stage that works on several items at a time, and of a job that has passed all stages."""


class _Line(Generic[Result]):
    """The items between the source and the taker of results, and the threads that work on them.

    Any thread does whatever can be done next, the oldest item first, so that no thread waits while there is work.
    """

    def __init__(self, items: Iterator[Any], stages: tuple[Callable[[Any], Any], ...], depth: int) -> None:
        self._items = items
        self._stages = stages
        self._depth = depth
        self._jobs: deque[_Job] = deque()
        self._reading = False
        self._exhausted = False
        self._settling = False
        self._ended = False
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._result = threading.Condition(lock)
        self._threads: list[threading.Thread] = []

    def start(self, threads: int) -> None:
        """Start the threads."""
        for number in range(threads):
            thread = threading.Thread(target=self._run, name=f"stage {number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def results(self) -> Iterator[Result]:
        """Yield the results as the taker asks for them; raise the error of the first item that has one."""
        while True:
            with self._result:
                self._result.wait_for(self._can_go_on)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._work.notify()
            if job.error is not None:
                raise job.error
            yield job.value
            del job  # else its pictures would be kept until the next result

    def end(self) -> None:
        """End the threads. They finish the stage they work at; what waits is dropped."""
        with self._work:
            self._ended = True
            self._work.notify_all()
        for thread in self._threads:
            thread.join(END_S)
        self._jobs.clear()

    @property
    def _is_ready(self) -> bool:
        """Whether the oldest item has a result or an error."""
        return bool(self._jobs) and (self._jobs[0].stage == _DONE or self._jobs[0].error is not None)

    def _can_go_on(self) -> bool:
        """Return whether the taker, who waits, can get something or need not wait any more."""
        if self._jobs:
            return self._is_ready
        if self._settling:  # the taker came back and nothing is on its way
            self._settling = False
            self._work.notify()
        return self._exhausted

    def _run(self) -> None:
        while True:
            with self._work:
                self._work.wait_for(lambda: self._ended or self._can_read or self._next_job() is not None)
                if self._ended:
                    return
                job = self._next_job()
                if job is not None:
                    job.busy = True
                else:
                    self._reading = True
                if self._can_read or self._next_job() is not None:
                    self._work.notify()
            if job is None:
                self._read()
            else:
                self._pass_on(job)

    def _next_job(self) -> _Job | None:
        """Return the oldest item that can pass its next stage now."""
        earlier_stage = _DONE
        for place, job in enumerate(self._jobs):
            if job.error is not None:
                return None  # nothing after it will be asked for
            waits = not job.busy and job.stage < _DONE
            if waits and (job.stage == _WORK or (earlier_stage > job.stage and self._may_begin(place, job))):
                return job
            earlier_stage = job.stage
        return None

    def _may_begin(self, place: int, job: _Job) -> bool:
        return job.stage > 0 or place < self._depth or self._jobs[place - self._depth].stage == _DONE

    @property
    def _can_read(self) -> bool:
        may = not (self._reading or self._exhausted or self._settling)
        return may and len(self._jobs) < self._depth + AHEAD

    def _read(self) -> None:
        """Read the next item. Its thread alone does so until it is read."""
        job: _Job | None = None
        exhausted = settling = False
        try:
            value = next(self._items)
            settling = value is None
            job = None if settling else _Job(value)
        except StopIteration:
            exhausted = True
        except BaseException as error:  # noqa: BLE001 - the taker of results raises it
            job, exhausted = _Job(None, error=error), True
        with self._work:
            self._reading, self._settling = False, settling
            self._exhausted |= exhausted
            if job is not None:
                self._jobs.append(job)
            if job is None or job.error is not None:
                self._result.notify()

    def _pass_on(self, job: _Job) -> None:
        """Let an item pass its next stage."""
        error: BaseException | None = None
        value: Any = None
        try:
            value = self._stages[job.stage](job.value)
        except BaseException as raised:  # noqa: BLE001 - the taker of results raises it
            error = raised
        with self._work:
            job.value, job.error = value, error
            job.stage += 1
            job.busy = False
            self._exhausted |= error is not None  # nothing that comes after it will be asked for
            if self._is_ready:
                self._result.notify()
