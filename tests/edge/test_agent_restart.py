"""A box that is killed beside a source: the alarm stands again, and nothing false is said in between."""

import random
import shutil
import time

import pytest
from agent_box import FPS, SITE, Box, hits_from, messages, write_film

from edge.alarm.state import AlarmState
from edge.config.device import MqttSettings
from edge.control_room.subscriber import Subscriber

pytestmark = pytest.mark.parametrize("new_broker", ["iotcore"], indirect=True)

BACK_S = 10.0
QUIET = 70 * FPS
EVERY = 6  # frames: 4 hits a second
KILLS = 10
MANY_KILLS = 200


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Return the film of a source that comes after 70 s, and one of the source alone."""
    folder = tmp_path_factory.mktemp("films")
    frames = QUIET + 20 * FPS
    comes = write_film(folder / "comes.avi", frames, hits_from(QUIET, frames, EVERY))
    stays = write_film(folder / "stays.avi", 120 * FPS, hits_from(0, 120 * FPS, EVERY, seed=2))
    return comes, stays


@pytest.fixture
def box(tmp_path, tiny_bundle, new_broker):
    running = new_broker()
    running.start()
    agent_box = Box(tmp_path, tmp_path / "view.avi", tiny_bundle, running.port)
    agent_box.broker = running
    yield agent_box
    agent_box.end()


@pytest.fixture
def control_room(box):
    with Subscriber(MqttSettings(host="127.0.0.1", port=box.broker.port), SITE) as subscriber:
        yield subscriber


def shows(box, film):
    """Let the box see a film: its source keeps its name."""
    shutil.copy(film, box.folder / "part.avi")
    (box.folder / "part.avi").replace(box.folder / "view.avi")


def is_lost(got):
    """Whether the broker has noticed that the agent is dead. Its last messages came before."""
    return any(message.reason == "lost" for message in messages(got, "status"))


def kill(process):
    process.kill()
    process.communicate()


def alarms_of_new_run(before):
    known = {message.boot_id for message in messages(before, "alarm")}
    return lambda got: [message for message in messages(got, "alarm") if message.boot_id not in known]


def test_agent_restarted_beside_a_source_keeps_its_alarm(box, control_room, films):
    comes, stays = films
    shows(box, comes)
    process = box.start()
    heard = box.hear(control_room, lambda got: any(each.state == "updated" for each in messages(got, "alarm")))
    kill(process)
    heard += box.hear(control_room, is_lost)
    shows(box, stays)
    box.settings["source"]["pace"] = "camera"
    began = time.monotonic()
    box.start()
    new = alarms_of_new_run(heard)
    heard = box.hear(control_room, new)
    assert time.monotonic() - began < BACK_S
    first = new(heard)[0]
    assert first.state == "updated"
    assert "taken over from before a restart; counts begin anew" in first.alarm.weakened_by
    heard += box.hear(control_room, lambda got: sum(each.state == "updated" for each in messages(got, "alarm")) >= 1)
    with Subscriber(MqttSettings(host="127.0.0.1", port=box.broker.port), SITE) as late:
        retained = messages(box.hear(late, lambda got: messages(got, "alarm")), "alarm")[0]
    assert {each.state for each in messages(heard, "alarm")} == {"updated"}
    assert (retained.state, retained.alarm.id) == ("updated", first.alarm.id)


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.slow)])
def test_agent_killed_at_any_moment_says_nothing_false(box, control_room, films, kills):
    shows(box, films[1])
    box.settings["source"]["pace"] = "camera"
    box.know()
    rng = random.Random(1)
    heard = []
    for _ in range(kills):
        process = box.start()
        heard += listen(box, control_room, rng.uniform(0.5, 4.0))
        kill(process)
        if box.state_file.exists():
            AlarmState.model_validate_json(box.state_file.read_text())
    began = time.monotonic()
    box.start()
    heard += box.hear(control_room, alarms_of_new_run(heard))
    assert time.monotonic() - began < BACK_S
    heard += listen(box, control_room, 3.0)

    alarms = messages(heard, "alarm")
    first = next(number for number, message in enumerate(alarms) if message.alarm is not None)
    assert {message.state for message in alarms[:first]} <= {"learning"}
    assert {message.state for message in alarms[first:]} <= {"raised", "updated"}
    assert len({message.alarm.id for message in alarms[first:]}) == 1
    contents = {}
    for each in heard:
        assert contents.setdefault(each.message.event_id, each.topic) == each.topic


def listen(box, control_room, seconds):
    heard, deadline = [], time.monotonic() + seconds
    while (left_s := deadline - time.monotonic()) > 0:
        heard += box.mine(control_room.poll(left_s))
    return heard
