import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import paho.mqtt.client as paho
import pytest
from box_messages import Sender, kind_of, payload_of
from link_rig import until

from edge.config.device import MqttSettings
from edge.control_room import archive as archive_module
from edge.control_room.archive import Archive
from edge.control_room.archive_file import ArchiveFile
from edge.errors import BrokerError

PROGRAM = "from edge.commands.cli import main; main()"

mosquitto_only = pytest.mark.parametrize("new_broker", ["mosquitto"], indirect=True)


class Running:
    """An archive in a thread of this process."""

    def __init__(self, port, path, client_id="archive", **settings):
        self.path = path
        self.file = ArchiveFile(path)
        broker = MqttSettings(host="127.0.0.1", port=port, keepalive_s=5, **settings)
        self.archive = Archive(broker, self.file, client_id=client_id)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.archive.run, args=(self.stopping,))
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(30)
        self.file.close()

    def events(self):
        return events(self.path)


def events(path, table="alarm"):
    """Return the event ids in a table, none while the file is being made."""
    with closing(sqlite3.connect(path)) as database, contextlib.suppress(sqlite3.OperationalError):
        return [row[0] for row in database.execute(f"SELECT event_id FROM {table} ORDER BY id")]  # noqa: S608
    return []


@pytest.fixture(autouse=True)
def _log(caplog):
    caplog.set_level("INFO")


@pytest.fixture
def running(tmp_path):
    with contextlib.ExitStack() as stack:

        def make(port, client_id="archive", name="archive.sqlite", **settings):
            made = Running(port, tmp_path / name, client_id, **settings)
            stack.callback(made.stop)
            until(lambda: made.archive._listens)
            return made

        yield make


@pytest.fixture
def mosquitto(new_broker):
    broker = new_broker()
    broker.start()
    return broker


def publish(broker, box, *messages, retain=False):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for message in messages:
        client.publish(box.topic(kind_of(message)), payload_of(message), qos=1, retain=retain).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def on_a_full_disk(mosquitto, running):
    """Return a box, and an archive that holds one alarm of it and whose disk is full."""
    box = Sender()
    kept = running(mosquitto.port)
    publish(mosquitto, box, box.alarm())
    until(lambda: len(kept.events()) == 1)
    kept.file._database.execute("PRAGMA max_page_count = 1")
    return box, kept


@mosquitto_only
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_archive_gets_what_came_while_it_was_away(mosquitto, running, protocol):
    box = Sender()
    first = running(mosquitto.port, protocol=protocol)
    publish(mosquitto, box, box.status(), box.info(), box.health(faults=("dark",)), box.alarm())
    until(lambda: len(first.events()) == 1 and events(first.path, "status"))
    first.stop()
    away = [box.alarm("updated", second) for second in range(10, 60, 10)]
    publish(mosquitto, box, *away)
    second = running(mosquitto.port, protocol=protocol)
    until(lambda: len(second.events()) == 6)
    assert second.events()[1:] == [message.event_id for message in away]


@mosquitto_only
def test_archive_confirms_only_what_is_on_disk(mosquitto, running, caplog):
    box, kept = on_a_full_disk(mosquitto, running)
    full = [box.alarm("updated", second, reasons=("x" * 400,) * 30) for second in range(10, 60)]
    publish(mosquitto, box, *full)
    until(lambda: "cannot be written" in caplog.text)
    kept.stop()
    assert len(kept.events()) < 51
    again = running(mosquitto.port)
    until(lambda: len(again.events()) == 51)
    assert sorted(again.events()) == sorted({box.stamp.boot_id + f"-{number}" for number in range(51)})


@mosquitto_only
def test_archive_goes_on_when_the_disk_has_room_again(mosquitto, running, caplog):
    box, kept = on_a_full_disk(mosquitto, running)
    publish(mosquitto, box, *[box.alarm("updated", second, reasons=("x" * 400,) * 30) for second in range(10, 60)])
    until(lambda: "cannot be written" in caplog.text)
    kept.file._database.execute("PRAGMA max_page_count = 1000000")
    until(lambda: len(kept.events()) == 51)
    until(lambda: "can be written again" in caplog.text)


@mosquitto_only
def test_archive_says_that_something_holds_its_file_and_goes_on(mosquitto, running, caplog):
    box = Sender()
    kept = running(mosquitto.port)
    kept.file._database.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(kept.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        publish(mosquitto, box, box.alarm("raised", 10))
        until(lambda: "end what holds the file" in caplog.text)
        assert "make room" not in caplog.text
        other.execute("ROLLBACK")
    until(lambda: len(kept.events()) == 1)


@mosquitto_only
def test_archive_leaves_to_the_broker_what_it_cannot_hold(mosquitto, running, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_BATCH", 4)
    monkeypatch.setattr(archive_module, "MAX_WAITING", 5)
    box, kept = on_a_full_disk(mosquitto, running)
    publish(mosquitto, box, *[box.alarm("updated", second, reasons=("x" * 400,) * 30) for second in range(10, 60)])
    time.sleep(1.5)
    assert len(kept.archive._waiting) <= 5
    kept.file._database.execute("PRAGMA max_page_count = 1000000")
    until(lambda: len(kept.events()) == 51)


@mosquitto_only
def test_archive_survives_a_damaged_file_while_it_runs(mosquitto, running, caplog, monkeypatch):
    box = Sender()
    kept = running(mosquitto.port)
    write = kept.file.write

    def once(*_arguments, **_how):
        monkeypatch.setattr(kept.file, "write", write)
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(kept.file, "write", once)
    publish(mosquitto, box, box.alarm())
    until(lambda: len(kept.events()) == 1)
    assert "was damaged" in caplog.text


@mosquitto_only
def test_archive_names_another_of_its_name(mosquitto, running, caplog):
    running(mosquitto.port)
    running(mosquitto.port, name="other.sqlite")
    until(lambda: "another archive connects as archive" in caplog.text)


@mosquitto_only
def test_archive_says_that_the_broker_kept_nothing(mosquitto, running, caplog):
    box = Sender()
    kept = running(mosquitto.port)
    publish(mosquitto, box, box.alarm())
    until(lambda: len(kept.events()) == 1)
    mosquitto.stop()
    mosquitto.start()  # it has no persistence here
    until(lambda: "alarms of that time may be missing" in caplog.text)
    publish(mosquitto, box, box.alarm("cleared", 9))
    until(lambda: len(kept.events()) == 2)


def test_archive_refuses_a_name_that_is_none(tmp_path):
    with closing(ArchiveFile(tmp_path / "a.sqlite")) as file, pytest.raises(BrokerError, match="expected up to 64"):
        Archive(MqttSettings(host="127.0.0.1"), file, client_id="a b")


@mosquitto_only
def test_archive_command_loses_nothing_when_killed(mosquitto, tmp_path):
    path, box = tmp_path / "archive.sqlite", Sender()
    command = [sys.executable, "-c", PROGRAM, "archive", "--broker", f"127.0.0.1:{mosquitto.port}", "--file", path]
    sent = []

    def send(count):
        sent.extend(box.alarm("updated", second) for second in range(len(sent), len(sent) + count))
        publish(mosquitto, box, *sent[-count:])

    for _ in range(1):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            until(lambda process=process: "connected" in process.stderr.readline())
            send(40)
            process.kill()
        send(3)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: len(events(path)) == len(sent))
        process.send_signal(signal.SIGTERM)
        assert "kept in" in process.communicate(timeout=30)[0]
    assert sorted(events(path)) == sorted(message.event_id for message in sent)
