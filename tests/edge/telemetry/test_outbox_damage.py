"""The file of an outbox that is damaged, removed, of another release or in use, and a disk that is full."""

import sqlite3
import subprocess
import sys

import pytest
from outbox_rig import message, payloads

from edge.telemetry.outbox import Outbox
from edge.telemetry.outbox_file import LAYOUT
from edge.updater.snapshot import MESSAGE


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + b"\xff" * 4096, b"\x00" * 100])
def test_outbox_moves_a_damaged_file_aside(path, content):
    path.write_bytes(content)
    outbox = Outbox(path, 100)
    outbox.put(message("one", "always"))
    assert payloads(outbox) == ["one"]
    assert "damaged" in outbox.faults["outbox damaged"]
    outbox.close()
    (aside,) = [
        each for each in path.parent.iterdir() if ".damaged-" in each.name and not each.name.endswith(("wal", "shm"))
    ]
    assert aside.read_bytes() == content


def test_outbox_keeps_three_damaged_files(path):
    for number in range(5):
        path.with_name(f"{path.name}.damaged-2026010{number}T000000Z").write_text("old")
    path.write_bytes(b"no database")
    Outbox(path, 100).close()
    kept = sorted(each.name for each in path.parent.iterdir() if ".damaged-" in each.name)
    assert [name.partition(".damaged-")[2][:8] for name in kept[:2]] == ["20260103", "20260104"]
    assert len(kept) == 3


def test_outbox_moves_another_layout_aside(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE message (id INTEGER)")
    other.close()
    outbox = Outbox(path, 100)
    outbox.put(message("one"))
    assert payloads(outbox) == ["one"]
    assert "layout" in outbox.faults["outbox damaged"]
    outbox.close()


def test_outbox_refuses_the_file_of_a_newer_release(path):
    Outbox(path, 100).close()
    with sqlite3.connect(path) as newer:
        newer.execute("ALTER TABLE message ADD COLUMN colour TEXT")
        newer.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    newer.close()
    content = path.read_bytes()
    outbox = Outbox(path, 100)
    outbox.put(message("one", "always"))
    assert payloads(outbox) == ["one"]
    assert f"is of a newer release (its layout is {LAYOUT + 1}" in outbox.faults["outbox newer"]
    outbox.close()
    (kept,) = path.parent.glob("*.newer-*Z")
    assert kept.read_bytes() == content


def test_outbox_has_the_columns_that_each_layout_has(path):
    Outbox(path, 100).close()
    with sqlite3.connect(path) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(message)")]
    database.close()
    assert set(MESSAGE) <= set(columns)


def test_outbox_survives_damage_while_in_use(path):
    outbox = Outbox(path, 100)
    outbox.put(message("before", "always"))
    outbox.close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xa5" * (len(damaged) - 4096)
    path.write_bytes(bytes(damaged))
    again = Outbox(path, 100)
    again.put(message("after", "always"))
    assert "after" in payloads(again)
    assert again.faults
    again.close()


def test_outbox_leaves_a_file_of_another_process_alone(path):
    holder = Outbox(path, 100)
    holder.put(message("of the holder", "always"))
    program = (
        "import sys; from pathlib import Path\n"
        "from edge.telemetry.outbox import Outbox; from edge.telemetry.outgoing import Outgoing\n"
        "outbox = Outbox(Path(sys.argv[1]), 100)\n"
        "outbox.put(Outgoing('t', b'mine', False, 'always', 'b'))\n"
        "print(len(outbox.next(9)), outbox.faults['outbox open'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("1 outbox")
    assert "kept in memory only" in ran.stdout
    assert payloads(holder) == ["of the holder"]
    holder.close()


def test_outbox_says_that_its_file_was_removed(path):
    outbox = Outbox(path, 10)
    outbox.put(message("one", "always"))
    assert (outbox.faults, outbox.in_memory) == ({}, 0)
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    outbox.put(message("two", "always"))
    assert "was removed" in outbox.faults["outbox removed"]
    assert (outbox.in_memory, len(outbox.next(10))) == (2, 2)
    outbox.close()


def test_outbox_names_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    outbox = Outbox(tmp_path / "file" / "outbox.sqlite", 100)
    outbox.put(message("one", "always"))
    assert payloads(outbox) == ["one"]
    assert "kept in memory only" in outbox.faults["outbox open"]
    outbox.close()


def fill_the_disk(outbox):
    outbox._file._database.execute("PRAGMA max_page_count = 1")


def test_outbox_sends_from_memory_on_a_full_disk(path):
    outbox = Outbox(path, 1000)
    for number in range(5):
        outbox.put(message(f"{number}" * 3000))
    outbox.commit()
    fill_the_disk(outbox)
    before = outbox.next(10)
    outbox.put(message("alarm" * 3000, "always"))
    outbox.confirm([each.id for each in before])
    (alarm,) = outbox.next(10)
    assert alarm.message.payload.startswith(b"alarm")
    outbox.confirm([alarm.id])
    assert outbox.next(10) == []
    assert outbox.depth == 0
    outbox.close()


def test_outbox_ignores_confirmations_of_a_damaged_file(path):
    outbox = Outbox(path, 100)
    for number in range(3):
        outbox.put(message(str(number)))
    outbox.commit()
    old = [each.id for each in outbox.next(10)]
    outbox._repair(sqlite3.DatabaseError("database disk image is malformed"))
    outbox.put(message("new"))
    outbox.commit()
    outbox.confirm(old)
    outbox.confirm(old)
    assert payloads(outbox) == ["new"]
    assert outbox.depth == 1
    outbox.close()


def test_outbox_waits_in_memory_on_a_full_disk(path):
    outbox = Outbox(path, 1000)
    outbox.put(message("first", "always"))
    fill_the_disk(outbox)
    for number in range(50):
        outbox.put(message(f"{number:04}" * 500, "always"))
    assert "cannot be written" in outbox.faults["outbox write"]
    assert outbox.depth == 51
    outbox._file._database.execute("PRAGMA max_page_count = 1000000")
    assert len(payloads(outbox)) == 51
    assert outbox.faults == {}
    outbox.close()
