"""A release is rolled out over a real broker and a real HTTPS server, to boxes with the real updater."""

import json
import time
from pathlib import Path

import pytest
import release_rig as rig
from fleet_box import FleetBox
from release_server import ReleaseServer
from site_broker import MOSQUITTO, SiteBroker, wait_until

from edge.control_room.conversation import Conversation
from edge.updater import run as run_module
from firmware_config.commands.cli import main
from firmware_config.connection import control_room_settings
from firmware_config.new_site import site_text
from firmware_config.roll_out import BoxProgress, RollOut, load_roll_out, save_roll_out

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
DEVICES = tuple(f"gate-{number}" for number in range(1, 6))
NAME = "0.1.0-7"


class Fleet:
    """A site at work: its broker, its server of releases, and its boxes."""

    def __init__(self, folder, port):
        self.folder = folder
        self.broker = SiteBroker(folder, port, DEVICES)
        key = self.broker.credentials / "broker"
        (folder / "web").mkdir()
        self.web = ReleaseServer(folder / "web", key / "broker.crt", key / "broker.key")
        rig.installable(folder / "release-7")
        self.site = folder / "site.yaml"
        place = {"host": "127.0.0.1", "port": port, "tls": True}
        boxes = [{"device": device, "board": "pc", "camera": "/x.avi"} for device in DEVICES]
        self.site.write_text(site_text("docks", place, boxes), encoding="utf-8")
        self.state = folder / "updates" / f"{NAME}.json"
        self.boxes = {}

    def begin(self, *devices, **behaviours):
        for device in devices or DEVICES:
            behaviour = behaviours.get(device.replace("-", "_"), "works")
            self.boxes[device] = FleetBox(self.folder / "boxes", self.broker, device, behaviour)

    def words(self, *more):
        given = ["--url", self.web.url, "--publish", self.folder / "web", "--wait", "5", *more]
        return ["update", self.folder / "release-7", "--site", self.site, *given]

    def retained(self):
        """Return the offers that the broker keeps."""
        settings = control_room_settings(self.broker.site, self.broker.credentials)
        with Conversation(settings) as conversation:
            conversation.subscribe([f"gammabox/docks/{device}/release" for device in DEVICES])
            return conversation.hear(1.0)

    def slots(self):
        return {device: box.slot for device, box in self.boxes.items()}

    def close(self):
        for box in self.boxes.values():
            box.close()
        self.web.close()
        self.broker.close()


@pytest.fixture
def fleet(tmp_path, free_port, monkeypatch):
    running = Fleet(tmp_path, free_port())

    def fill(release, _blobs, slot, **_):
        box = next(box for box in running.boxes.values() if box.layout.root in slot.parents)
        box.fill(release, slot)

    monkeypatch.setattr(run_module, "install_slot", fill)
    yield running
    running.close()


def test_update_rolls_out_to_one_then_a_few_then_all(command, fleet):
    fleet.begin()
    ended = command(main, *fleet.words("--few", "2"))
    assert ended.code == 0, ended
    assert ended.out == f"release {NAME}: 5 done of 5 boxes\n"
    assert set(fleet.slots().values()) == {"b"}
    waves = [line for line in ended.err.splitlines() if "next: " in line]
    assert waves == ["1 box next: gate-1", "2 boxes next: gate-2, gate-3", "2 boxes next: gate-4, gate-5"]
    assert "gate-5: done" in ended.err
    assert fleet.retained() == []
    ended = command(main, *fleet.words())  # once more: nothing is left to do
    assert ended.code == 0, ended
    time.sleep(0.3)
    assert [len([each for each in box.offers_heard if each]) for box in fleet.boxes.values()] == [1] * 5


def test_update_that_fails_on_the_first_box_stops(command, fleet):
    fleet.begin(gate_1="no-frames")
    ended = command(main, *fleet.words())
    assert ended.code == 1, ended
    assert ended.out.splitlines() == [
        f"release {NAME}: 0 done, 1 failed, 4 not begun of 5 boxes",
        "  gate-1: rolled back: no frames, which came before (the camera is lost), 30 s after its start",
    ]
    assert "stopped: too many boxes have failed" in ended.err
    assert set(fleet.slots().values()) == {"a"}
    assert [bool(box.offers_heard) for box in fleet.boxes.values()] == [True, False, False, False, False]
    ended = command(main, *fleet.words())  # a bad release is not tried again by itself
    assert (ended.code, fleet.boxes["gate-1"].slot) == (1, "a")
    fleet.boxes["gate-1"].behaviour = "works"
    ended = command(main, *fleet.words("--again"))
    assert ended.code == 0, ended
    assert set(fleet.slots().values()) == {"b"}


def test_update_counts_silence_as_failure(command, fleet):
    fleet.begin("gate-1", "gate-2", "gate-4", "gate-5")
    ended = command(main, *fleet.words("--wait", "0.1", "--max-failures", "1"))
    assert ended.code == 1, ended
    assert ended.out.splitlines()[0] == f"release {NAME}: 4 done, 1 failed of 5 boxes"
    assert "gate-3: not done within 0.1 min; it has said nothing" in ended.out
    assert fleet.retained() == []  # a box that comes back later is not updated unasked


def test_update_goes_on_where_it_was_ended(command, fleet):
    fleet.begin()
    boxes = {device: BoxProgress() for device in DEVICES}
    boxes["gate-1"] = BoxProgress(state="done", offer="first")
    boxes["gate-2"] = BoxProgress(state="offered", offer="second")
    save_roll_out(fleet.state, RollOut(site="docks", release=NAME, boxes=boxes))
    ended = command(main, *fleet.words("--json"))
    assert ended.code == 0, ended
    assert fleet.boxes["gate-1"].offers_heard == [b""]  # what may have been left there is taken back
    assert json.loads(fleet.boxes["gate-2"].offers_heard[0])["offer"] == "second"
    assert ended.json["boxes"]["gate-2"]["state"] == "done"
    assert load_roll_out(fleet.state, "docks", NAME).of("done") == list(DEVICES)


def test_update_offers_again_at_a_birth(command, fleet, monkeypatch):
    """The broker forgets the offer while a box is away; at its birth it is offered again."""
    from firmware_config.commands import rolling

    forgotten = []
    send = rolling.Rolling._send

    def lose(self, conversation, device, payload):
        if device == "gate-1" and payload and not forgotten:
            forgotten.append(device)
            fleet.boxes["gate-1"].reconnect()
            return
        send(self, conversation, device, payload)

    monkeypatch.setattr(rolling.Rolling, "_send", lose)
    fleet.begin()
    ended = command(main, *fleet.words())
    assert (ended.code, forgotten) == (0, ["gate-1"]), ended


def test_update_shows_in_a_dry_run_what_it_would_do(command, fleet):
    fleet.begin("gate-1")
    ended = command(main, *fleet.words("--dry-run"))
    assert ended.refused("the server answers 404"), ended  # it copies nothing either
    command(main, *fleet.words("--max-failures", "5", "--wait", "0.02", "--few", "1"))
    fleet.state.unlink()
    fleet.boxes["gate-1"].offers_heard.clear()
    ended = command(main, *fleet.words("--dry-run", "--few", "3"))
    assert ended.code == 0, ended
    assert ended.out.splitlines() == [
        "wave 1: gate-1",
        "wave 2: gate-2, gate-3, gate-4",
        "wave 3: gate-5",
        "no box has failed",
    ]
    assert fleet.boxes["gate-1"].offers_heard == []
    assert not fleet.state.exists()


def test_update_refuses_a_server_that_gives_out_something_else(command, fleet):
    words = fleet.words()
    words[words.index("--publish") : words.index("--publish") + 2] = []
    assert command(main, *words).refused("the server answers 404")
    (fleet.folder / "web/release-7.json").write_bytes(b"{}")
    assert command(main, *words).refused("is another release than")


def test_update_refuses_releases_for_other_boards(command, fleet, tmp_path):
    rig.installable(tmp_path / "jetson-7", target=rig.replace(rig.this_target(), boards=("jetson",)))
    words = fleet.words()
    words[1] = tmp_path / "jetson-7"
    ended = command(main, *words)
    assert "warning: no release for gate-1 (pc)" in ended.err
    assert "are for no box of site docks" in ended.err
    assert ended.code == 2


def test_offers_are_read_by_their_own_box_only(fleet):
    fleet.begin("gate-1", "gate-2")
    settings = control_room_settings(fleet.broker.site, fleet.broker.credentials)
    other = fleet.boxes["gate-2"]
    other._client.subscribe("gammabox/docks/gate-1/release", qos=1)
    with Conversation(settings) as conversation:
        assert conversation.publish("gammabox/docks/gate-1/release", b"{}", retain=True) is None
        assert wait_until(lambda: fleet.boxes["gate-1"].offers_heard == [b"{}"], 10)
    with Conversation(fleet.broker.settings(fleet.broker.credentials / "boxes/gate-2")) as conversation:
        assert conversation.publish("gammabox/docks/gate-1/release", b"{}", retain=True) is not None
    assert other.offers_heard == []


def test_roll_out_of_another_release_is_refused(tmp_path: Path) -> None:
    from firmware_config.errors import FirmwareError

    path = tmp_path / "x.json"
    save_roll_out(path, RollOut(site="docks", release=NAME, boxes={}))
    with pytest.raises(FirmwareError, match=r"is of site docks, release .*; move it away"):
        load_roll_out(path, "docks", "0.1.0-8")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(FirmwareError, match="remove it to begin the roll-out anew"):
        load_roll_out(path, "docks", NAME)
