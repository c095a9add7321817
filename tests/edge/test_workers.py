import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.errors import WorkerError
from edge.workers import in_workers

PROGRAM = """
import sys, time
from functools import partial
from pathlib import Path
from edge.workers import in_workers

def slow(folder, item):
    (folder / f"{item}").touch()
    time.sleep(0.2)

if __name__ == "__main__":
    for _ in in_workers(partial(slow, Path(sys.argv[1])), range(1000), 2):
        pass
"""


def square(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number**2


@pytest.mark.parametrize("workers", [1, 2])
def test_in_workers_yields_every_item_with_its_result(workers: int) -> None:
    assert dict(in_workers(square, range(5), workers)) == {0: 0, 1: 1, 2: 4, 3: 9, 4: 16}


@pytest.mark.parametrize("workers", [1, 2])
def test_in_workers_raises_the_error_of_an_item(workers: int) -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        list(in_workers(square, [1, -1, 2, 3], workers))


def kill_itself(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_in_workers_names_a_worker_that_was_killed() -> None:
    with pytest.raises(WorkerError, match=r"a worker process ended before its work was done.*start the command again"):
        list(in_workers(kill_itself, [0, 1, 2], 2))


def test_in_workers_without_items_yields_nothing() -> None:
    assert list(in_workers(square, [])) == []


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    program = tmp_path / "program.py"  # a file: spawned workers import it again
    program.write_text(PROGRAM)
    done = tmp_path / "done"
    done.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, str(program), str(done)], env=environment, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while len(list(done.iterdir())) < 4:
        assert time.monotonic() < deadline
        assert parent.poll() is None
        time.sleep(0.02)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()  # the output ends with the last process that holds it
    assert len(list(done.iterdir())) < 1000
