"""Power cuts at each flush: one slot works afterwards, and no message that the outbox took is lost."""

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from power_cut import POLICIES, CuttingDisk, PowerCutError
from slot_box import PlayedAgent, candidate, make_box, started_agent

from edge.installer.layout import active_slot
from edge.updater.disk import Disk
from edge.updater.layout import Layout
from edge.updater.machine import Machine
from edge.updater.report import FINAL, read_report

RELEASES = {
    "good": "works",
    "bad": "no-frames",
    "good and newer": "works newer",
    "bad and newer": "no-frames newer",
    "crashing": "crashes",
}
MIN_FLUSHES = 20


def updated(root, name, cut_at):
    """Update a new box, cut off at a flush; return its layout, agent and disk, and whether it came to that flush."""
    layout = make_box(root)
    agent, disk = started_agent(layout), CuttingDisk(root, cut_at=cut_at)
    try:
        Machine(layout, disk, agent.around()).update(candidate(RELEASES[name]), "offer")
    except PowerCutError:
        return layout, agent, disk, True
    return layout, agent, disk, False


def boot(layout, agent, disk):
    """Start the box: the pointer is put in order, the agent starts, and the updater goes on."""
    machine = Machine(layout, disk, agent.around())
    machine.recover()
    agent.start()
    agent.sleep(1)
    machine.resume()


def require_whole(layout, agent, expected):
    """Require that one slot works, that it is the one that is meant, and that its outbox holds all."""
    working = {"b"} if expected == "good" else {"a"}
    report = read_report(layout.own)
    if report is None or report.step not in FINAL:
        working.add("a")  # the cut came before the trial, and the release is taken up anew with its announcement
    assert active_slot(layout.home) in working
    assert agent.running
    assert agent.crashed is None
    assert not agent.refused
    assert agent.waiting() == agent.acknowledged


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", RELEASES)
def test_power_cut_at_each_flush_leaves_a_box_that_works(memory_path, name, policy):
    for cut_at in count():
        layout, agent, disk, was_cut = updated(memory_path / str(cut_at), name, cut_at)
        if was_cut:
            agent.lose_power(lambda disk=disk: disk.lose(policy))
            boot(layout, agent, Disk())
        require_whole(layout, agent, name.partition(" ")[0])
        agent.stop()
        disk.close()
        if not was_cut:
            break
    assert cut_at == len(disk.flushes) >= MIN_FLUSHES, disk.flushes


def booted(layout, agent, cut_at):
    """Start a box after a power cut, cut off again at a flush; return whether it came to that flush."""
    disk = CuttingDisk(layout.root, cut_at=cut_at)
    try:
        boot(layout, agent, disk)
    except PowerCutError:
        agent.lose_power(lambda: disk.lose("nothing"))
        boot(layout, agent, Disk())
        return True
    finally:
        disk.close()
    return False


@pytest.mark.parametrize("name", ["bad and newer", "good"])
def test_second_power_cut_while_the_box_recovers(memory_path, name):
    """The second cut comes at each flush after the first, which comes at every sixth."""
    first, was_cut, second_cuts = 0, True, 0
    while was_cut:
        for second in count():
            layout, agent, disk, was_cut = updated(memory_path / f"{first}-{second}", name, first)
            if was_cut:
                agent.lose_power(lambda disk=disk: disk.lose("nothing"))
            disk.close()
            was_cut_again = was_cut and booted(layout, agent, second)
            second_cuts += was_cut_again
            require_whole(layout, agent, name.partition(" ")[0])
            agent.stop()
            if not was_cut_again:
                break
        first += 6
    assert first > MIN_FLUSHES
    assert second_cuts > 0


KILLED = """
import os, signal, sys
from pathlib import Path
from edge.updater.disk import Disk
from edge.updater.layout import Layout
from edge.updater.machine import Machine
from slot_box import candidate, make_box, started_agent

class KillingDisk(Disk):
    def __init__(self, left):
        self.left = left
    def before(self):
        if self.left == 0:
            print(*agent.acknowledged, sep=",", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
    def flush_file(self, path):
        self.before()
        super().flush_file(path)
    def flush_folder(self, path):
        self.before()
        super().flush_folder(path)
    def flush_all(self):
        self.before()

cut, status = 0, signal.SIGKILL
while status == signal.SIGKILL:
    child = os.fork()  # a process of its own for each kill, without starting Python anew
    if child == 0:
        layout = make_box(Path(sys.argv[1], str(cut)))
        agent = started_agent(layout)
        Machine(layout, KillingDisk(cut), agent.around()).update(candidate(sys.argv[2]), "offer")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    cut += 1
sys.exit(status)
"""


@pytest.mark.parametrize("name", ["good", "bad and newer"])
def test_updater_killed_at_each_flush_leaves_a_box_that_works(memory_path, name):
    tools = Path(__file__).parents[2] / "tools"
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, memory_path, RELEASES[name]],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tools.parents[1]), str(tools)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    acknowledged = [line.split(",") for line in ran.stdout.splitlines()]
    assert len(acknowledged) >= MIN_FLUSHES
    for number, texts in enumerate(acknowledged):
        agent = PlayedAgent(Layout(memory_path / str(number)))
        agent.acknowledged = texts
        agent._number = len(texts)
        boot(agent.layout, agent, Disk())
        require_whole(agent.layout, agent, name.partition(" ")[0])
        agent.stop()
