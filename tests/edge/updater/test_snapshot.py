"""The agent's state is copied whole, and what an older release cannot read comes back, whatever lies there."""

import json
import os
import sqlite3
import stat

import pytest
from slot_box import NEW_LAYOUT, OLD_LAYOUT, alarm, candidate, layout_of, make_box, migrated, started_agent

from edge.installer.layout import active_slot
from edge.telemetry.outbox import Outbox
from edge.updater.disk import Disk
from edge.updater.errors import UpdaterError
from edge.updater.machine import Machine
from edge.updater.owner import as_owner
from edge.updater.report import read_report
from edge.updater.snapshot import forget_snapshot, restore_snapshot, size_of, take_snapshot
from edge.updater.state import FILE, load_state

NOBODY = 65534


def put(path, *texts):
    outbox = Outbox(path, 1000)
    for text in texts:
        outbox.put(alarm(text))
    outbox.close()


def waiting(path):
    outbox = Outbox(path, 1000)
    found = [each.message.payload.decode() for each in outbox.next(1000)]
    outbox.close()
    return found


def killed_with(path, text):
    """Put a message into an outbox whose agent is then killed: it lies in the log beside the file."""
    outbox = Outbox(path, 1000)
    outbox.put(alarm(text))
    files = {each: each.read_bytes() for each in path.parent.glob(path.name + "*")}
    outbox.close()
    for each, content in files.items():
        each.write_bytes(content)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


@pytest.fixture
def state(memory_path):
    (memory_path / "commands.json").write_text('{"schema_version": 1}')
    put(memory_path / "outbox.sqlite", "one")
    return memory_path


def test_snapshot_holds_what_a_killed_agent_has_left(state):
    killed_with(state / "outbox.sqlite", "two")
    take_snapshot(Disk(), state)
    copied = state / "before-update/outbox.sqlite"
    assert waiting(copied) == ["one", "two"]
    assert size_of(state) > copied.stat().st_size


def test_restore_of_a_damaged_outbox_takes_the_copy(state):
    take_snapshot(Disk(), state)
    migrated(state / "outbox.sqlite").close()
    killed = state / "outbox.sqlite-wal"
    killed.write_bytes(b"a log that belongs to another file" * 200)
    (state / "outbox.sqlite").write_bytes(b"damaged" * 1000)
    assert restore_snapshot(Disk(), state) == ["outbox.sqlite"]
    assert waiting(state / "outbox.sqlite") == ["one"]
    assert (state / "outbox.sqlite.newer").read_bytes().startswith(b"damaged")


def test_restore_of_a_missing_outbox_takes_the_copy(state):
    take_snapshot(Disk(), state)
    (state / "outbox.sqlite").unlink()
    assert restore_snapshot(Disk(), state) == ["outbox.sqlite"]
    assert waiting(state / "outbox.sqlite") == ["one"]


def test_restore_keeps_what_the_newer_release_has_delivered_delivered(state):
    put(state / "outbox.sqlite", "two", "three")
    take_snapshot(Disk(), state)
    newer = migrated(state / "outbox.sqlite")
    with newer:
        newer.execute("DELETE FROM message WHERE payload = ?", (b"two",))  # as the broker has confirmed it
        newer.execute(
            "INSERT INTO message (topic, payload, retain, keep, priority, boot_id, made_s, made_utc_s, colour)"
            " VALUES ('t', ?, 0, 'always', 1, 'b', 0, 0, 'new')",
            (b"four",),
        )
    newer.close()
    assert restore_snapshot(Disk(), state) == ["outbox.sqlite"]
    assert layout_of(state / "outbox.sqlite") == OLD_LAYOUT
    assert waiting(state / "outbox.sqlite") == ["one", "three", "four"]
    assert layout_of(state / "outbox.sqlite.newer") == NEW_LAYOUT
    put(state / "outbox.sqlite", "five")
    assert restore_snapshot(Disk(), state) == []  # doing it again changes nothing
    assert waiting(state / "outbox.sqlite") == ["one", "three", "four", "five"]


def test_restore_counts_messages_as_the_older_release_does(state):
    take_snapshot(Disk(), state)
    migrated(state / "outbox.sqlite").close()
    restore_snapshot(Disk(), state)
    outbox = Outbox(state / "outbox.sqlite", 1000)
    assert outbox.depth == 1
    outbox.close()


def test_restore_without_a_whole_copy_changes_nothing(state):
    take_snapshot(Disk(), state)
    (state / "before-update/complete").unlink()
    (state / "commands.json").write_text('{"schema_version": 9}')
    assert restore_snapshot(Disk(), state) == []
    assert json.loads((state / "commands.json").read_text()) == {"schema_version": 9}


def test_snapshot_copies_no_links(state):
    (state / "secret.json").symlink_to("/etc/hostname")
    take_snapshot(Disk(), state)
    assert not (state / "before-update/secret.json").exists()
    forget_snapshot(Disk(), state)
    assert not (state / "before-update").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_update_works_on_the_agents_files_as_the_agent(memory_path):
    """On a box the agent's files are its user's, and so is everything that the updater makes of them."""
    memory_path.chmod(0o755)
    layout = make_box(memory_path / "box")
    agent = started_agent(layout)
    for path in (layout.agent, *layout.agent.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    layout.agent.chmod(0o750)
    Machine(layout, Disk(), agent.around()).update(candidate("no-frames newer"), "o-1")
    assert (active_slot(layout.home), read_report(layout.own).step) == ("a", "rolled_back")
    assert not agent.refused
    assert agent.waiting() == agent.acknowledged
    agent.stop()
    assert (layout.agent / "outbox.sqlite").stat().st_uid == NOBODY
    assert (layout.agent / "alarm.json.newer").stat().st_uid == NOBODY
    assert stat.S_IMODE((layout.agent / "outbox.sqlite").stat().st_mode) & 0o077 in {0, 0o044}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_work_as_the_agent_that_fails_is_an_error(memory_path, tmp_path):
    memory_path.chmod(0o755)
    os.chown(memory_path, NOBODY, NOBODY)

    def write_where_root_may():
        (tmp_path / "file").write_text("x")

    with pytest.raises(UpdaterError, match="the work on it has failed"):
        as_owner(memory_path, write_where_root_may)
    assert not (tmp_path / "file").exists()
    as_owner(memory_path, lambda: (memory_path / "file").write_text("x"))
    assert (memory_path / "file").stat().st_uid == NOBODY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"schema_version": 1}',
        '{"schema_version": 1, "active": "c", "trial": null, "phase": "idle"}',
        '{"schema_version": 1, "active": "a", "trial": null, "phase": "trial"}',
        '{"schema_version": 2}',
    ],
)
def test_state_that_is_none_is_told(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UpdaterError, match=r"is damaged|is of a newer updater"):
        load_state(tmp_path)


def test_sqlite_of_the_restored_file_is_sound(state):
    take_snapshot(Disk(), state)
    migrated(state / "outbox.sqlite").close()
    restore_snapshot(Disk(), state)
    database = sqlite3.connect(state / "outbox.sqlite")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
