import errno
import os
from datetime import datetime, timedelta, timezone

import pytest

from edge.alarm.background import Rate
from edge.alarm.live_time import Observation
from edge.alarm.state import Identity, read_state, state_of, tracker_of, write_state
from edge.alarm.state_file import WRITE_EVERY_S, StateFile
from edge.alarm.tracker import CHANGE_AFTER_S, AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
SETTINGS = AlarmSettings()
KNOWN = Rate(360, 7200)
IDENTITY = Identity(
    camera="/dev/video0", width=1920, height=1080, exposure_s=0.03, gain=1.0, model_sha256="ab" * 32
)  # fmt: skip


def frame(number, hits=0, start_s=0.0):
    time_s = start_s + number / 25
    return Observation(
        sequence=number,
        monotonic_s=time_s,
        utc=START + timedelta(seconds=time_s),
        hits=hits,
        live_s=0.04,
        period_s=0.04,
        exposure_known=True,
        live_fraction=1.0,
        unclassified=0,
    )


def play(tracker, seconds, every=0, start_s=0.0):
    steps = []
    for number in range(round(seconds * 25)):
        steps += tracker.update(frame(number, int(every > 0 and number % every == 0), start_s))
    return steps


def alarmed(known=KNOWN):
    """Return a tracker beside a source of 4 hits a second that came after 70 s, as the box measured it."""
    tracker = AlarmTracker(SETTINGS, "gate", known)
    play(tracker, 70)
    assert next(iter(play(tracker, 20, every=6, start_s=70))).state == "raised"
    return tracker


@pytest.mark.parametrize("known", [KNOWN, None], ids=["calibrated", "not calibrated"])
def test_alarm_stands_again_after_a_restart(tmp_path, known):
    before = alarmed(known)
    write_state(tmp_path / "alarm.json", state_of(before, IDENTITY, START))
    later = START + timedelta(seconds=100)
    state, reason = read_state(tmp_path / "alarm.json", IDENTITY, later)
    assert reason is None
    after = tracker_of(state, SETTINGS, "gate", known, (5000.0, later))
    assert after.condition == "alarm"
    steps = play(after, 60, every=6, start_s=5000)
    assert (steps[0].state, steps[0].id, steps[0].time_s) == ("updated", before.standing.id, 5000.0)
    assert {step.state for step in steps} == {"updated"}
    assert steps[0].duration_s == pytest.approx(30, abs=3)
    cleared = play(after, 120, start_s=5060)[-1]
    assert (cleared.state, cleared.id) == ("cleared", before.standing.id)
    assert after.condition == ("clear" if known else "learning")


def test_changed_background_is_told_again_after_a_restart(tmp_path):
    tracker = AlarmTracker(SETTINGS, "gate", Rate(14_400, 7200))
    steps = play(tracker, CHANGE_AFTER_S + 200, every=5)
    assert [step.state for step in steps if step.state != "updated"] == ["raised", "changed"]
    write_state(tmp_path / "alarm.json", state_of(tracker, IDENTITY, START))
    state, _ = read_state(tmp_path / "alarm.json", IDENTITY, START)
    after = tracker_of(state, SETTINGS, "gate", None, (0.0, START))
    assert after.condition == "changed"
    again = play(after, 60, every=5)
    assert [(step.state, step.id) for step in again] == [("changed", steps[-1].id)]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"camera": "csi:0"}, "camera"),
        ({"width": 640}, "picture size"),
        ({"exposure_s": None}, "exposure"),
        ({"gain": 2.0}, "gain"),
        ({"model_sha256": "cd" * 32}, "model"),
    ],
)
def test_state_of_another_camera_is_not_believed(tmp_path, change, word):
    write_state(tmp_path / "alarm.json", state_of(alarmed(), IDENTITY, START))
    state, reason = read_state(tmp_path / "alarm.json", IDENTITY.model_copy(update=change), START)
    assert state is None
    assert f"belongs to another {word}" in reason


@pytest.mark.parametrize(
    ("age", "said", "background"),
    [
        (timedelta(days=29), None, True),
        (timedelta(days=31), "is 31 days old", False),
        (timedelta(hours=-5), None, True),
        (timedelta(days=-1), "is from the future", False),
        (timedelta(days=-20_000), None, True),  # a clock that is not set tells no age
    ],
)
def test_state_of_another_time_keeps_its_alarm(tmp_path, age, said, background):
    write_state(tmp_path / "alarm.json", state_of(alarmed(), IDENTITY, START))
    state, reason = read_state(tmp_path / "alarm.json", IDENTITY, START + age)
    assert state.alarm.id == "gate-1"
    assert (state.known, state.background is not None) == (background, background)
    assert reason is None if said is None else said in reason


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"schema_version": 1}', b"null"])
def test_state_that_is_damaged_is_not_believed(tmp_path, content):
    (tmp_path / "alarm.json").write_bytes(content)
    state, reason = read_state(tmp_path / "alarm.json", IDENTITY, START)
    assert state is None
    assert "cannot be read (damaged)" in reason


def test_state_of_a_newer_release_is_not_believed(tmp_path):
    (tmp_path / "alarm.json").write_text('{"schema_version": 2}', encoding="utf-8")
    state, reason = read_state(tmp_path / "alarm.json", IDENTITY, START)
    assert state is None
    assert "cannot be read (it is of a newer release)" in reason


def test_state_that_is_missing_is_no_fault(tmp_path):
    assert read_state(tmp_path / "alarm.json", IDENTITY, START) == (None, None)


@pytest.fixture
def kept(tmp_path):
    """A state file in use, whose tracker begins at time 0."""
    file = StateFile(tmp_path / "folder" / "alarm.json")
    tracker = file.resume(IDENTITY, SETTINGS, "gate", KNOWN, (0.0, START))
    return file, tracker


def note(file, tracker):
    for now_s in (0.0, WRITE_EVERY_S):
        file.note(tracker, (), now_s, START)


def test_state_file_is_written_once_a_minute(kept):
    file, tracker = kept
    written = []
    for second in range(200):
        file.note(tracker, play(tracker, 1, start_s=second), float(second), START + timedelta(seconds=second))
        before = file.path.read_bytes() if file.path.exists() else b""
        file.write()
        if file.path.exists() and file.path.read_bytes() != before:
            written.append(second)
    assert written == [WRITE_EVERY_S, 2 * WRITE_EVERY_S, 3 * WRITE_EVERY_S]


def test_state_file_has_an_alarm_before_anything_else_happens(kept):
    file, tracker = kept
    assert not file.holds_alarm()
    for number in range(25 * 10):
        steps = tracker.update(frame(number, hits=int(number % 3 == 0)))
        file.note(tracker, steps, 1.0, START)
        if any(step.state == "raised" for step in steps):
            break
    assert file.holds_alarm()


def test_state_file_that_cannot_be_written_is_a_fault_that_ends(kept, monkeypatch):
    file, tracker = kept
    play(tracker, 20)

    def full(_number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        note(file, tracker)
        file.write()
    assert "cannot be written (No space left on device)" in file.faults["disk of the state file"]
    assert list(file.path.parent.iterdir()) == []
    file.write()
    assert file.faults == {}
    assert file.path.exists()


def test_state_file_that_is_not_believed_is_a_fault_until_learnt(kept):
    file, tracker = kept
    note(file, tracker)
    file.write()
    other = IDENTITY.model_copy(update={"exposure_s": 0.01})
    later = StateFile(file.path)
    tracker = later.resume(other, SETTINGS, "gate", None, (0.0, START))
    assert "belongs to another exposure" in later.faults["state file"]
    play(tracker, 200)
    note(later, tracker)
    assert later.faults == {}
