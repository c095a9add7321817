import subprocess
import sys

import pytest

from edge.errors import OutputError
from edge.process import only_agent

PROGRAM = """
import resource
import cv2
import numpy as np
from edge.process import set_up_process
if {set_up}:
    set_up_process()

def work():
    for _ in range(50):
        pictures = [np.ones((1080, 1920), np.uint8) for _ in range(4)]

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(cv2.getNumThreads(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator of glibc")
def test_process_keeps_the_memory_of_pictures():
    faults = {}
    for set_up in (True, False):
        command = [sys.executable, "-c", PROGRAM.format(set_up=set_up)]
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
        )
        threads, faults[set_up] = map(int, said.stdout.split())
        assert threads == 1 or not set_up
    assert faults[True] < 100
    assert faults[False] > 10 * max(faults[True], 1)


def test_process_is_the_only_agent_of_its_box(tmp_path):
    outbox = tmp_path / "state" / "outbox.sqlite"
    with only_agent(outbox), pytest.raises(OutputError, match="another agent of this box runs"), only_agent(outbox):
        pass
    with only_agent(outbox), only_agent(tmp_path / "other.sqlite"):
        pass


def test_process_goes_on_where_no_lock_can_be_had(tmp_path):
    (tmp_path / "file").write_text("")
    entered = []
    with only_agent(tmp_path / "file" / "outbox.sqlite"):
        entered.append(True)
    assert entered
