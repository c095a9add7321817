import json
import re
import signal
import socket
import time
from itertools import islice

import pytest
from agent_box import FPS, PATIENCE_S, SITE, SIZE, Box, hits_from, is_goodbye, write_film

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.source import open_source
from edge.config.device import MqttSettings
from edge.control_room.arrivals import Received
from edge.control_room.subscriber import Subscriber

FRAMES = 100
# A source from frame 40 on: a hit in every second frame.
HITS = hits_from(40, FRAMES - 1, 2)


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", FRAMES, HITS)


@pytest.fixture
def box(tmp_path, film, tiny_bundle):
    made = []

    def make(port):
        made.append(Box(tmp_path, film, tiny_bundle, port))
        made[-1].know()
        return made[-1]

    yield make
    for agent_box in made:
        agent_box.end()


def kinds(got):
    return {each.topic.kind for each in got}


@pytest.mark.parametrize("threads", [1, 3])
def test_agent_delivers_everything_of_a_recording(box, broker, threads):
    agent_box = box(broker.port)
    agent_box.settings["detection"] = {"threads": threads}
    agent_box.settings |= {"place": "North gate", "position": {"latitude": 50.78, "longitude": 6.08}}
    agent_box.settings["telemetry"]["health_interval_s"] = 60  # the last health message is about the whole run
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), SITE) as subscriber:
        code, outcome, err = agent_box.run()
        got = agent_box.hear(subscriber, lambda got: any(is_goodbye(each) for each in got))
    assert code == 0, err
    assert all(isinstance(each, Received) for each in got)
    assert kinds(got) == {"status", "info", "health", "hit", "alarm"}
    hits = [each.message for each in got if each.topic.kind == "hit"]
    assert {message.frame for message in hits} == set(HITS)
    alarms = [each.message for each in got if each.topic.kind == "alarm"]
    assert [message.state for message in alarms[:2]] == ["learning", "raised"]
    assert alarms[0].reasons == ("live for less than 10 s of the last minute",)
    raised = alarms[1].alarm
    assert (alarms[1].place, alarms[1].acknowledged) == ("North gate", None)
    info = next(each.message for each in got if each.topic.kind == "info")
    assert (info.place, info.position.latitude, info.release) == ("North gate", 50.78, None)
    assert raised.evidence
    assert set(raised.evidence) <= {message.event_id for message in hits}
    assert outcome == {
        "frames": FRAMES - 2,
        "hits": len(HITS),
        "alarms": 1,
        "waiting": 0,
        "link": outcome["link"],
        "stopped": False,
        "hangs": False,
        "lost": 0,
        "delivered": True,
    }
    last = [each.message for each in got if each.topic.kind == "health"][-1]
    assert (last.frames, last.hits, last.alarm_stands, last.faults) == (FRAMES - 2, len(HITS), True, ())
    assert (last.delivered, last.not_analysed, last.condition) == (FRAMES, 2, "alarm")
    assert [rate.window_s for rate in last.recent] == [10, 60]
    assert {"decode", "fast_path", "classify", "alarm"} <= set(last.stage_ms)


# What follows is the same with any broker, and slow.
one_broker = pytest.mark.parametrize("new_broker", ["iotcore"], indirect=True)


@one_broker
def test_agent_without_a_broker_delivers_in_the_next_run(box, new_broker):
    away = new_broker()
    agent_box = box(away.port)
    code, outcome, err = agent_box.run()
    assert code == 1
    assert outcome["frames"] == FRAMES - 2
    assert re.search(r"WARNING fault: broker 127\.0\.0\.1:\d+ cannot be reached", err)
    assert re.search(rf"{outcome['waiting']} messages wait in .*outbox\.sqlite for the next run", err)
    assert outcome["waiting"] > len(HITS)
    away.start()
    with Subscriber(MqttSettings(host="127.0.0.1", port=away.port), SITE) as subscriber:
        code, outcome, err = agent_box.run()
        got = agent_box.hear(subscriber, lambda got: any(is_goodbye(each) for each in got))
    assert code == 0, err
    old = [each.message for each in got if each.topic.kind == "hit" and each.message.historical]
    assert {message.frame for message in old} == set(HITS)


@one_broker
def test_agent_without_broker_and_disk_says_that_messages_are_lost(box, new_broker):
    agent_box = box(new_broker().port)
    (agent_box.folder / "file").write_text("")
    agent_box.settings["outbox"] = {"path": "file/outbox.sqlite"}
    agent_box.settings["state_file"] = "alarm.json"
    code, outcome, err = agent_box.run()
    assert code == 1
    assert outcome["lost"] == outcome["waiting"] > len(HITS)
    assert re.search(
        rf"^{outcome['lost']} messages are lost, as .*outbox\.sqlite could not be written; ", err, re.MULTILINE
    )
    assert "for the next run" not in err


def test_agent_beside_another_one_of_the_same_box_is_refused(box, broker):
    agent_box = box(broker.port)
    agent_box.settings["source"] |= {"pace": "camera", "loop": True}
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), SITE) as subscriber:
        first = agent_box.start()
        agent_box.hear(subscriber, lambda got: "status" in kinds(got))
        code, outcome, err = agent_box.run()
        heard = agent_box.mine(subscriber.poll(0.5))
    assert (code, outcome) == (2, None)
    assert err.startswith(f"error: {agent_box.folder / 'outbox.sqlite'}: another agent of this box runs and uses it; ")
    assert err.count("\n") == 1
    assert "status" not in kinds(heard)
    first.kill()
    first.communicate()


def test_agent_reports_a_refused_login_in_one_line(box, new_broker, tmp_path):
    guarded = new_broker(login=("box", "right"))
    guarded.start()
    (tmp_path / "password").write_text("wrong")
    agent_box = box(guarded.port)
    agent_box.settings["mqtt"] |= {"username": "box", "password_file": str(tmp_path / "password")}
    code, outcome, err = agent_box.run()
    assert code == 1
    assert outcome["frames"] == FRAMES - 2
    assert "check username" in err
    assert "Traceback" not in err


def test_agent_says_goodbye_on_sigterm(box, broker):
    agent_box = box(broker.port)
    agent_box.settings["source"] |= {"loop": True}
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), SITE) as subscriber:
        process = agent_box.start()
        agent_box.hear(subscriber, lambda got: sum(each.topic.kind == "hit" for each in got) > 2 * len(HITS))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
        agent_box.hear(subscriber, lambda got: any(is_goodbye(each) for each in got))
    assert process.returncode == 0, err
    assert json.loads(out)["stopped"] is True
    assert json.loads(out)["frames"] > FRAMES


@one_broker
def test_agent_loses_nothing_that_counted_before_kill_9(box, new_broker):
    away = new_broker()
    agent_box = box(away.port)
    agent_box.settings["source"] |= {"loop": True, "pace": "camera"}
    process = agent_box.start()
    while "raised" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(2)
    process.kill()
    process.communicate()
    away.start()
    agent_box.settings["source"] |= {"loop": False, "pace": "fast"}
    with Subscriber(MqttSettings(host="127.0.0.1", port=away.port), SITE) as subscriber:
        code, _outcome, err = agent_box.run()
        got = agent_box.hear(subscriber, lambda got: any(is_goodbye(each) for each in got))
    assert code == 0, err
    old = [each.message for each in got if each.message.historical]
    assert "raised" in [message.state for message in old if hasattr(message, "alarm")]
    frames = list(dict.fromkeys(message.frame for message in old if hasattr(message, "frame")))
    assert len(frames) > 10
    # No hole: what is missing was found in the last moments before the kill.
    assert frames == [frame for frame in played_in_loops(3) if frame <= frames[-1]]


def played_in_loops(rounds):
    # Between two rounds one number is left out, so that no triple spans them.
    return [frame + turn * (FRAMES + 1) for turn in range(rounds) for frame in sorted(HITS)]


def test_agent_notifies_systemd(box, broker, tmp_path):
    agent_box = box(broker.port)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_S)
        code, _outcome, err = agent_box.run(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000")
        heard = [systemd.recv(1000).decode()]
        while heard[-1] != "STOPPING=1":
            heard.append(systemd.recv(1000).decode())
    assert code == 0, err
    assert heard[0].startswith("READY=1\nWATCHDOG=1\nSTATUS=frames move")


@one_broker
def test_agent_analyses_a_cut_recording_up_to_the_cut(box, new_broker, film, tmp_path):
    running = new_broker()
    running.start()
    content = film.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    agent_box = box(running.port)
    agent_box.settings["source"]["spec"] = str(tmp_path / "cut.avi")
    with Subscriber(MqttSettings(host="127.0.0.1", port=running.port), SITE) as subscriber:
        code, outcome, err = agent_box.run()
        got = agent_box.hear(subscriber, lambda got: any(is_goodbye(each) for each in got))
    assert code == 0, err
    assert FRAMES // 2 - 8 < outcome["frames"] < FRAMES // 2
    frames = [each.message.frame for each in got if each.topic.kind == "hit"]
    assert frames == [frame for frame in HITS if frame <= outcome["frames"]]
    last = [each.message for each in got if each.topic.kind == "health"][-1]
    assert last.damaged == 1
    assert any("declares 100 frames and ends after" in fault for fault in last.faults)


@one_broker
def test_agent_refuses_a_recording_of_two_frames(box, new_broker, film, tmp_path):
    running = new_broker()
    running.start()
    with MotionJpegWriter(tmp_path / "two.avi", FPS, SIZE) as writer:
        for frame in islice(open_source(film), 2):
            writer.write(frame.jpeg)
    agent_box = box(running.port)
    agent_box.settings["source"]["spec"] = str(tmp_path / "two.avi")
    code, outcome, err = agent_box.run()
    assert (code, outcome) == (2, None)
    assert "two.avi: 2 frames, no three of one size in a row" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": {"spec": "no.avi"}}, "no.avi"),
        ({"model": "no-bundle"}, "model.json is missing"),
        ({"mqtt": {"host": "127.0.0.1", "username": "a", "password_file": "no"}}, "mqtt.password_file names"),
        ({"mqtts": {}}, "mqtts: unknown key; did you mean mqtt?"),
    ],
)
def test_agent_refuses_unusable_input_in_one_line(box, change, said):
    agent_box = box(1)
    agent_box.settings |= change
    code, outcome, err = agent_box.run()
    assert (code, outcome) == (2, None)
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
