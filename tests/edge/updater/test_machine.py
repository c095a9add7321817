"""The state machine: good releases are committed, bad ones go back with their reason, and nothing else is touched."""

import json

import pytest
from slot_box import candidate, make_box, tree_of, write_slot

from edge.installer.layout import active_slot
from edge.updater.disk import Disk
from edge.updater.errors import RefusedError, UpdaterError
from edge.updater.machine import MAX_STARTS, Candidate, Machine
from edge.updater.report import read_report
from edge.updater.state import load_state

OFFER = "offer-1"


@pytest.fixture
def layout(memory_path):
    return make_box(memory_path)


def machine_of(layout, agent, **around):
    return Machine(layout, Disk(), agent.around(**around))


def test_update_commits_a_release_that_works(layout, agent):
    machine_of(layout, agent).update(candidate(), OFFER)
    assert active_slot(layout.home) == "b"
    assert agent.running == ["works"]
    state, report = load_state(layout.own), read_report(layout.own)
    assert (state.active, state.phase, state.trial, state.done) == ("b", "idle", None, OFFER)
    assert (report.step, report.release, report.offer) == ("committed", "2", OFFER)
    assert not (layout.agent / "before-update").exists()
    assert agent.acknowledged == agent.waiting()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("crashes", "the agent ended by itself (exit-code)"),
        ("silent", "no sign of life of the agent within 20 s"),
        ("hangs", "the agent hangs: no sign of life for"),
        ("no-frames", "no frames, which came before (the camera is lost)"),
        ("dark", "a live fraction of 10%, and 80% before"),
        ("no-broker", "no connection for 10 s to broker 127.0.0.1:1883, which can be reached"),
    ],
)
@pytest.mark.parametrize("newer", ["", " newer"])
def test_update_rolls_back_within_a_deadline(layout, agent, behaviour, reason, newer):
    before, slot_before = agent.now_s, tree_of(layout.slot("a"))
    machine_of(layout, agent).update(candidate(behaviour + newer), OFFER)
    assert agent.now_s - before <= 60
    assert (active_slot(layout.home), agent.running) == ("a", ["works"])
    report, state = read_report(layout.own), load_state(layout.own)
    assert (report.step, report.release) == ("rolled_back", "2")
    assert report.reason.startswith(reason)
    assert (state.active, state.phase, state.done) == ("a", "idle", OFFER)
    assert tree_of(layout.slot("a")) == slot_before
    assert not agent.refused
    assert agent.acknowledged == agent.waiting()


def test_update_back_from_a_newer_layout_keeps_what_came_in_the_trial(layout, agent):
    before = len(agent.acknowledged)
    machine_of(layout, agent).update(candidate("no-broker newer"), OFFER)
    assert json.loads((layout.agent / "alarm.json").read_text()) == {"schema_version": 1, "count": 5}
    assert (layout.agent / "alarm.json.newer").exists()
    assert (layout.agent / "outbox.sqlite.newer").exists()
    assert agent.waiting() == agent.acknowledged
    assert len(agent.waiting()) > before


def test_update_back_keeps_a_newer_state_of_the_same_schema(layout, agent):
    def fill(slot):
        write_slot(slot, "no-frames", "2")

    (layout.agent / "alarm.json").write_text('{"schema_version": 1, "count": 6}')
    machine = machine_of(layout, agent, sleep=lambda s: (agent.sleep(s), note(layout)))
    machine.update(Candidate("2", "x", fill), OFFER)
    assert json.loads((layout.agent / "alarm.json").read_text())["count"] == 7
    assert not (layout.agent / "alarm.json.newer").exists()


def note(layout):
    (layout.agent / "alarm.json").write_text('{"schema_version": 1, "count": 7}')


def test_update_does_not_try_a_bad_release_again(layout, agent):
    machine_of(layout, agent).update(candidate("crashes"), OFFER)
    before = tree_of(layout.root)
    with pytest.raises(RefusedError, match="tried before, and is not tried again by itself: the agent ended"):
        machine_of(layout, agent).update(candidate("crashes"), "offer-2")
    assert tree_of(layout.root) == before
    machine = machine_of(layout, agent)
    machine.forgive(candidate("crashes").sha256)
    machine.update(candidate("crashes"), "offer-3")
    assert read_report(layout.own).offer == "offer-3"


def test_update_without_a_network_before_and_during_is_no_reason_to_go_back(layout, agent):
    agent.is_reachable = False
    agent.sleep(2)
    machine = machine_of(layout, agent)
    machine.update(candidate(), OFFER)
    assert (machine.state.phase, active_slot(layout.home)) == ("proven", "b")
    assert "cannot be reached" in read_report(layout.own).reason
    for _ in range(2 * MAX_STARTS):  # however often the box starts
        agent.stop()
        again = machine_of(layout, agent)
        again.recover()
        agent.start()
        again.resume()
        assert (again.state.phase, active_slot(layout.home)) == ("proven", "b")
    agent.is_reachable = True
    machine_of(layout, agent).resume()
    assert (load_state(layout.own).phase, read_report(layout.own).step) == ("idle", "committed")


def test_update_whose_network_goes_during_the_trial_waits_for_it(layout, agent):
    def sleep(seconds):
        agent.is_reachable = agent.now_s % 7 < 1
        agent.sleep(seconds)

    machine = machine_of(layout, agent, sleep=sleep)
    machine.update(candidate(), OFFER)
    assert read_report(layout.own).step == "committed"


def test_update_that_lost_the_broker_for_good_is_found_when_the_network_is_back(layout, agent):
    agent.is_reachable = False
    agent.sleep(2)
    machine_of(layout, agent).update(candidate("no-broker"), OFFER)
    assert load_state(layout.own).phase == "proven"
    agent.is_reachable = True
    machine_of(layout, agent).resume()
    assert (active_slot(layout.home), read_report(layout.own).step) == ("a", "rolled_back")


def test_update_asks_nothing_that_did_not_work_before(layout, agent):
    for slot in ("a", "b"):
        write_slot(layout.slot(slot), "no-frames no-broker", "1")
    agent.stop()
    agent.start()
    agent.sleep(2)
    machine_of(layout, agent).update(candidate("no-frames no-broker", "2"), OFFER)
    assert read_report(layout.own).step == "committed"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), UpdaterError("pip has failed")])
def test_update_that_cannot_be_installed_leaves_the_running_slot_alone(layout, agent, error):
    def fill(slot):
        (slot / "half").write_text("half")
        raise error

    before = tree_of(layout.slot("a"))
    broken = Candidate("2", "broken", fill)
    for _ in range(2):
        with pytest.raises(UpdaterError, match="could not be installed"):
            machine_of(layout, agent).update(broken, OFFER)
    with pytest.raises(RefusedError, match="3 times"):
        machine_of(layout, agent).update(broken, OFFER)
    with pytest.raises(RefusedError, match="tried before"):
        machine_of(layout, agent).update(broken, OFFER)
    assert (active_slot(layout.home), agent.running, tree_of(layout.slot("a"))) == ("a", ["works"], before)
    assert load_state(layout.own).phase == "idle"


def test_update_waits_while_somebody_has_stopped_the_agent(layout, agent):
    agent.stopped_by_hand = True
    with pytest.raises(UpdaterError, match="the agent was stopped by somebody"):
        machine_of(layout, agent).update(candidate(), OFFER)
    assert active_slot(layout.home) == "a"


def test_update_that_takes_the_box_down_goes_back_after_some_starts(layout, agent):
    class LostError(Exception):
        pass

    def sleep(_):
        raise LostError

    with pytest.raises(LostError):
        machine_of(layout, agent, sleep=sleep).update(candidate(), OFFER)
    starts = 0
    while active_slot(layout.home) == "b":
        agent.stop()
        machine_of(layout, agent).recover()
        agent.start()
        starts += 1
        assert starts <= MAX_STARTS
    assert read_report(layout.own).reason == f"it was not found good within {MAX_STARTS} starts of the box"


def test_report_that_fails_after_the_commit_changes_nothing(layout, agent, monkeypatch):
    class FullDisk(Disk):
        def write(self, path, content, mode=0o644):
            if path.name == "report.json":
                raise OSError(28, "No space left on device")
            super().write(path, content, mode)

        def remove(self, _):
            raise OSError(5, "Input/output error")

    layout.agent.joinpath("before-update").mkdir()
    monkeypatch.setattr("edge.updater.machine.take_snapshot", lambda *_: None)
    Machine(layout, FullDisk(), agent.around()).update(candidate(), OFFER)
    assert (active_slot(layout.home), load_state(layout.own).active, agent.running) == ("b", "b", ["works"])
    assert read_report(layout.own) is None


def test_machine_refuses_a_box_without_slots(layout, agent):
    layout.pointer.unlink()
    layout.pointer.mkdir()
    with pytest.raises(UpdaterError, match="is no link to a slot; set the box up with"):
        machine_of(layout, agent)
