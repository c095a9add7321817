import io
import json
import re
import secrets
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from rich.console import Console

from edge.commands.watch import broker_settings, picture
from edge.config.device import MqttSettings
from edge.control_room.board import Board, as_line
from edge.control_room.subscriber import Received, Subscriber, Unreadable
from edge.errors import BrokerError
from edge.telemetry.messages import AlarmDetail, AlarmMessage, Health, HitDetail, HitMessage, Stamp, Status, encode
from edge.telemetry.topics import Topic

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
DETAIL = AlarmDetail(
    id="gate-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    evidence=(), weakened_by=("short exposure",),
)  # fmt: skip
HIT = HitDetail(x=1, y=2, score=0.97, added_dn=40, pixels=2, live=True)


def received(kind, message, *, retained=False):
    return Received(Topic("docks", "gate-1", kind), message, retained)


@pytest.fixture
def stamp():
    return Stamp("docks", "gate-1", "b1")


def test_as_line_of_an_alarm(stamp):
    message = stamp.make(AlarmMessage, NOW, state="raised", alarm=DETAIL)
    assert as_line(received("alarm", message)) == (
        "2026-01-02T03:04:05.678Z docks/gate-1 ALARM raised gate-1: 4.50 hits/s (2.00 to 8.00) against 0.20, "
        "6.5 sigma; weakened: short exposure"
    )


def test_as_line_of_hits_and_status(stamp):
    hits = stamp.make(HitMessage, NOW, frame=7, live_fraction=1.0, exposure_s=None, hits=(HIT, HIT))
    assert as_line(received("hit", hits)).endswith("docks/gate-1 hit: 2 in frame 7, best score 0.97")
    status = stamp.make(Status, NOW, state="offline", reason="lost")
    assert as_line(received("status", status, retained=True)).endswith(
        "offline (lost; it had connected at this time) (retained)"
    )


def test_as_line_says_why_a_message_is_unreadable():
    assert as_line(Unreadable(Topic("s", "d", "hit"), "no JSON")) == "s/d unreadable hit: no JSON"


def test_board_counts_a_repeated_hit_once(stamp):
    board = Board()
    message = stamp.make(HitMessage, NOW, frame=7, live_fraction=1.0, exposure_s=None, hits=(HIT, HIT))
    for _ in range(3):
        box = board.update(received("hit", message))
    assert box.hits == 2


@pytest.mark.parametrize(
    ("state", "boot_of_status", "shown"),
    [
        ("raised", "b1", "ALARM"),
        ("updated", "b1", "ALARM"),
        ("cleared", "b1", "none"),
        ("raised", "b2", "OLD ALARM"),
    ],
)
def test_board_shows_the_state_of_alarms(stamp, state, boot_of_status, shown):
    board = Board()
    board.update(received("alarm", stamp.make(AlarmMessage, NOW, state=state, alarm=DETAIL)))
    status = Stamp("docks", "gate-1", boot_of_status).make(Status, NOW, state="online", reason="connected")
    assert board.update(received("status", status)).alarm_state == shown
    assert f" {shown} " in drawn(board, width=200)


def drawn(board, *, width, connected=True):
    console = Console(width=width, file=io.StringIO())
    console.print(picture(board, connected=connected))
    return console.file.getvalue()


def health(stamp, **changes):
    fields = {
        "frames": 9, "fps": 29.97, "dropped": 0, "damaged": 0, "live_fraction": 0.97, "exposure_s": None,
        "live_s_per_s": 0.5, "stage_ms": {}, "hits": 1, "unclassified": 0, "background_hz": 0.1,
        "background_interval_hz": (0.0, 1.0), "background_learnt": True, "alarm_stands": True, "temperature_c": None,
        "uptime_s": 1.0, "outbox": {"depth": 0, "dropped": 0}, "faults": (),
    }  # fmt: skip
    return stamp.make(Health, NOW, **(fields | changes))


def test_picture_fits_80_columns_and_names_weaknesses(stamp):
    board = Board()
    board.update(received("status", stamp.make(Status, NOW, state="online", reason="connected")))
    board.update(received("alarm", stamp.make(AlarmMessage, NOW, state="raised", alarm=DETAIL)))
    board.update(
        received("health", health(stamp, faults=("the camera is silent",), outbox={"depth": 51, "dropped": 0}))
    )
    lines = [line.rstrip() for line in drawn(board, width=80).splitlines()]
    assert [line.split() for line in lines if "docks/gate-1  " in line] == [
        ["docks/gate-1", "online", "ALARM", "since", "03:04:05Z", "1", "30.0", "97%"]
    ]
    assert any(line.split() == ["4.5", "hits/s,", "6.5", "sigma"] for line in lines)
    assert lines[-3:] == [
        "docks/gate-1: alarm weakened by: short exposure",
        "docks/gate-1: the camera is silent",
        "docks/gate-1: 51 messages wait for the broker",
    ]


def test_picture_hides_measures_of_a_box_that_is_away(stamp):
    board = Board()
    board.update(received("health", health(stamp, faults=("the camera is silent",))))
    board.update(received("alarm", stamp.make(AlarmMessage, NOW, state="raised", alarm=DETAIL)))
    board.update(received("status", stamp.make(Status, NOW, state="offline", reason="lost")))
    shown = drawn(board, width=80, connected=False)
    assert "offline (lost)  ALARM since 03:04:05Z" in shown
    assert "the broker is away" in shown
    assert "30.0" not in shown
    assert "silent" not in shown


def test_picture_puts_alarms_and_absent_boxes_first():
    board = Board()
    for device, state in (("a", "online"), ("b", "offline"), ("c", "online")):
        status = Stamp("docks", device, "b1").make(Status, NOW, state=state, reason="stopped")
        board.update(Received(Topic("docks", device, "status"), status, retained=False))
    alarm = Stamp("docks", "c", "b1").make(AlarmMessage, NOW, state="raised", alarm=DETAIL)
    board.update(Received(Topic("docks", "c", "alarm"), alarm, retained=False))
    shown = drawn(board, width=80)
    assert shown.index("docks/c") < shown.index("docks/b") < shown.index("docks/a")


@pytest.mark.parametrize(
    ("broker", "host", "port"),
    [("box", "box", 1883), ("10.0.0.1:2000", "10.0.0.1", 2000), ("[::1]:9", "::1", 9), ("[fe80::1]", "fe80::1", 1883)],
)
def test_broker_settings_read_host_and_port(broker, host, port):
    settings = broker_settings(broker)
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"broker": "a:99999"}, "broker 'a:99999': port: found the number 99999, expected at most 65535"),
        ({"broker": "a", "password_file": Path("p")}, "broker 'a': found password_file without username, expected"),
        ({"broker": "a", "username": ""}, "broker 'a': username: found the text '', expected at least 1 characters"),
    ],
)
def test_broker_settings_refuse_impossible_logins(given, said):
    with pytest.raises(BrokerError, match=re.escape(said)):
        broker_settings(**given)


@pytest.mark.parametrize("broker", ["", "a:b", "a:1:2", "a:99999", "mqtt://a", "a b", ":1883"])
def test_broker_settings_refuse_what_names_no_broker(broker):
    with pytest.raises(BrokerError, match="broker"):
        broker_settings(broker)


def publish(broker, messages):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1, retain=True).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def test_subscriber_yields_models_and_unreadable_messages(broker):
    site, device = f"watch-{secrets.token_hex(4)}", "gate-1"
    stamp = Stamp(site, device, "b")
    status = stamp.make(Status, NOW, state="online", reason="connected")
    publish(
        broker,
        [
            (f"gammabox/{site}/{device}/status", encode(status)),
            (f"gammabox/{site}/{device}/alarm", b"{}"),
            (f"gammabox/{site}/{device}/other", b"not ours"),
            (f"gammabox/{site}/x/y/z", b"not ours"),
        ],
    )
    arrived = []
    with Subscriber(MqttSettings(host="127.0.0.1", port=broker.port), site) as subscriber:
        while len(arrived) < 2:
            arrived += subscriber.poll(5)
        arrived += subscriber.poll(0.3)
    assert Received(Topic(site, device, "status"), status, retained=True) in arrived
    assert {type(each) for each in arrived} == {Received, Unreadable}
    assert len({str(each.topic) for each in arrived}) == 2


def test_subscriber_reconnects(new_broker):
    restarting = new_broker()
    restarting.start()
    stamp = Stamp("back", "gate", "b")
    with Subscriber(MqttSettings(host="127.0.0.1", port=restarting.port), "back") as subscriber:
        restarting.stop()
        while subscriber.connected:
            subscriber.poll(0.1)
        restarting.start()
        while not subscriber.connected:
            subscriber.poll(0.1)
        message = stamp.make(Status, NOW, state="online", reason="connected")
        publish(restarting, [("gammabox/back/gate/status", encode(message))])
        (arrived,) = subscriber.poll(30)
    assert arrived.message == message


def test_subscriber_names_a_broker_that_is_away():
    with pytest.raises(BrokerError, match="cannot be reached"):
        Subscriber(MqttSettings(host="127.0.0.1", port=1))


def test_subscriber_tells_missing_tls_from_a_missing_broker():
    def answer(server):
        connection, _ = server.accept()
        with connection, suppress(ConnectionResetError):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        # In a process of its own: paho leaves a socket whose handshake failed to the garbage collector.
        program = (
            "from edge.commands import console; from edge.config import device\n"
            "from edge.control_room.subscriber import Subscriber\n"
            f"broker = device.MqttSettings(host='127.0.0.1', port={port}, tls=device.TlsSettings())\n"
            "console.run(lambda standalone_mode: Subscriber(broker))"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"error: broker 127.0.0.1:{port}: no trusted TLS connection (wrong version number)")
    assert "check the port" in ran.stderr


def test_subscriber_names_a_missing_password_file(tmp_path):
    settings = broker_settings("a", username="me", password_file=tmp_path / "no")
    with pytest.raises(BrokerError, match=r"no cannot be read \(No such file or directory\); check it$"):
        Subscriber(settings)


def watch(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from edge.commands.cli import main; main()", "watch", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_watch_prints_lines_or_json(broker):
    site = f"watch-{secrets.token_hex(4)}"
    stamp = Stamp(site, "gate", "b")
    status = stamp.make(Status, NOW, state="online", reason="connected")
    hit = stamp.make(HitMessage, NOW, frame=7, live_fraction=1.0, exposure_s=None, hits=(HIT,))
    publish(broker, [(f"gammabox/{site}/gate/status", encode(status)), (f"gammabox/{site}/gate/hit", encode(hit))])
    place = ["--broker", f"127.0.0.1:{broker.port}", "--site", site, "--seconds", "1"]
    lines = watch(*place)
    assert f"{site}/gate online (connected) (retained)" in lines.stdout
    assert f"{site}/gate hit: 1 in frame 7" in lines.stdout
    assert watch(*place, "--no-hits").stdout.splitlines() == [
        line for line in lines.stdout.splitlines() if " hit: " not in line
    ]
    said = json.loads(watch(*place, "--json", "--no-hits").stdout.splitlines()[0])
    assert said["topic"] == f"gammabox/{site}/gate/status"
    assert said["message"]["state"] == "online"


@pytest.mark.parametrize("arguments", [["--broker", "127.0.0.1:1"], ["--broker", "a b"], ["--site", "A/#"]])
def test_watch_refuses_unusable_arguments_in_one_line(arguments):
    ran = watch(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
