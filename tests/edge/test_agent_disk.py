"""An agent whose disk is full or cannot be written: it goes on in memory, tells it, and its alarms still leave."""

import resource
import shutil
import subprocess
import time

import pytest
from agent_box import FPS, SITE, Box, hits_from, messages, write_film
from commands import CommandRoom
from link_rig import until

from edge.config.device import MqttSettings
from edge.control_room.subscriber import Subscriber
from edge.telemetry.command_file import CommandFile

pytestmark = pytest.mark.parametrize("new_broker", ["iotcore"], indirect=True)

OUTBOX_FAULT, STATE_FAULT = "outbox", "the alarm's state file"


def may_mount():
    """Whether this machine lets a test mount in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-m", "mount", "--bind", "/", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    # Four quiet seconds, in which the disk fails, then a source.
    hits = hits_from(4 * FPS, 60 * FPS, 3)
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", 60 * FPS, hits)


@pytest.fixture
def box(tmp_path, film, tiny_bundle, new_broker):
    running = new_broker()
    running.start()
    agent_box = Box(tmp_path, film, tiny_bundle, running.port)
    agent_box.settings["source"]["pace"] = "camera"
    agent_box.broker = running
    agent_box.know()
    yield agent_box
    agent_box.end()


@pytest.fixture
def control_room(box):
    with Subscriber(MqttSettings(host="127.0.0.1", port=box.broker.port), SITE) as subscriber:
        yield subscriber


def faults(got):
    healths = messages(got, "health")
    return "; ".join(healths[-1].faults) if healths else ""


def raised(got):
    return [message for message in messages(got, "alarm") if message.state == "raised"]


def test_agent_raises_on_a_full_disk_and_recovers(box, control_room):
    process = box.start()
    heard = box.hear(control_room, lambda got: messages(got, "health"))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))  # no file of the agent grows any more
    heard += box.hear(control_room, raised)
    heard += box.hear(control_room, lambda got: OUTBOX_FAULT in faults(got) and STATE_FAULT in faults(got))
    assert "cleared" not in {message.state for message in messages(heard, "alarm")}
    with CommandRoom(SITE, box.device, box.broker.port) as room:
        assert room.give("acknowledge", alarm_id="standing")["ok"]
    commands = box.folder / "commands.json"
    assert not commands.exists()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    box.hear(control_room, lambda got: messages(got, "health") and faults(got) == "", patience_s=10)
    until(commands.exists)
    assert CommandFile(commands).acknowledged(raised(heard)[0].alarm.id).by == "Ada"
    assert not list(box.folder.glob("*.part"))
    process.terminate()
    process.communicate()
    assert raised(heard)[0].alarm.id in box.state_file.read_text()


@pytest.mark.skipif(not may_mount(), reason="needs the right to mount")
def test_agent_raises_on_a_disk_that_cannot_be_written(box, control_room):
    folder = box.folder / "disk"
    folder.mkdir()
    shutil.copy(box.state_file, folder / "alarm.json")
    box.settings |= {"outbox": {"path": str(folder / "outbox.sqlite")}, "state_file": str(folder / "alarm.json")}
    mount = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    process = box.start(prefix=["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"])
    heard = box.hear(control_room, raised)
    heard += box.hear(control_room, lambda got: OUTBOX_FAULT in faults(got) and STATE_FAULT in faults(got))
    assert "cleared" not in {message.state for message in messages(heard, "alarm")}
    assert [each.name for each in folder.iterdir()] == ["alarm.json"]
    began = time.monotonic()
    process.terminate()
    _out, err = process.communicate()
    assert time.monotonic() - began < 4.0  # with the end of the interpreter on a busy machine
    assert process.returncode == 0, err
    assert "Traceback" not in err
