"""The agent beside an updater: it says how it goes, takes offers, reports, and begins its journal with what it is."""

import json
import re
import time

import pytest
from agent_box import FPS, SITE, SIZE, Box, messages, write_film
from link_rig import until

from edge.config.device import MqttSettings
from edge.control_room.subscriber import Subscriber
from edge.updater.disk import Disk
from edge.updater.gate import baseline_of
from edge.updater.heartbeat import read_heartbeat
from edge.updater.offer import read_offer
from edge.updater.report import Report, write_report

pytestmark = pytest.mark.parametrize("new_broker", ["iotcore"], indirect=True)
OFFER = {"offer": "o-1", "release": "0.1.0-7", "urls": ["https://releases.lan/7.json"]}


@pytest.fixture
def box(tmp_path, tiny_bundle, new_broker):
    running = new_broker()
    running.start()
    film = write_film(tmp_path / "film.avi", 12 * FPS, {})
    agent_box = Box(tmp_path, film, tiny_bundle, running.port)
    agent_box.broker = running
    agent_box.settings["source"] |= {"pace": "camera", "loop": True, "exposure_s": 0.04}
    agent_box.settings["logging"] = {"level": "info"}
    yield agent_box
    agent_box.end()


def test_agent_beside_an_updater(box, tmp_path):
    """One run, as starting an agent takes long."""
    updater, run = tmp_path / "updater", tmp_path / "run"
    updater.mkdir()
    run.mkdir()
    box.broker.publish([(f"gammabox/{SITE}/{box.device}/release", json.dumps(OFFER))])
    with Subscriber(MqttSettings(host="127.0.0.1", port=box.broker.port), SITE) as room:
        process = box.start(GAMMABOX_UPDATER=str(updater), RUNTIME_DIRECTORY=str(run))
        # The offer was there before the box was: the broker keeps it.
        offer = until(lambda: read_offer(box.folder / "update/offer.json"))
        assert (offer.offer, offer.urls) == ("o-1", ("https://releases.lan/7.json",))
        box.hear(room, lambda got: messages(got, "info"))
        assert messages(box.hear(room, lambda got: messages(got, "health")), "health")
        heartbeat = until(lambda: (beat := read_heartbeat(run / "heartbeat.json")) and beat.fps > 10 and beat)
        assert (heartbeat.online, heartbeat.broker) == (True, ("127.0.0.1", box.broker.port))
        now = baseline_of(heartbeat, time.monotonic(), reachable=True)
        assert now.needs_broker
        assert now.live_fraction > 0.5
        write_report(Disk(), updater, Report("o-1", "0.1.0-7", "rolled_back", "no frames, which came before"))
        heard = box.hear(room, lambda got: [each for each in messages(got, "info") if each.update])
        told = messages(heard, "info")[-1].update
        assert (told.step, told.reason) == ("rolled_back", "no frames, which came before")
        box.broker.stop()
        assert until(lambda: not read_heartbeat(run / "heartbeat.json").online)
    process.terminate()
    _, journal = process.communicate(timeout=30)
    for line in (
        rf"gammabox [0-9.]+ \(no release\) on {SITE}/{box.device}$",
        r"camera .*film.avi$",
        r"model \S+, [0-9a-f]{12}, on ",
        rf"broker 127.0.0.1:{box.broker.port}$",
        rf"camera delivers {SIZE[0]}x{SIZE[1]} Motion JPEG at {FPS} frames/s, exposure 0.04 s",
        r"release 0.1.0-7 is offered \(o-1\)$",
    ):
        assert len(re.findall(line, journal, re.MULTILINE)) == 1, f"{line}\n{journal}"
    # A fault that stands is told once, when it begins.
    assert len(re.findall(r"fault: broker 127\.0\.0\.1", journal)) == 1, journal
