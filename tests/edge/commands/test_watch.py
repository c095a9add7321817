import io
import json
import re
import secrets
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from rich.console import Console

from edge.commands.watch import broker_settings, picture
from edge.control_room.board import Board
from edge.control_room.subscriber import Received
from edge.errors import BrokerError
from edge.telemetry.messages import (
    AlarmDetail,
    AlarmMessage,
    Health,
    HitDetail,
    HitMessage,
    Recent,
    Stamp,
    Status,
    encode,
)
from edge.telemetry.topics import Topic

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
DETAIL = AlarmDetail(
    id="gate-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    recent=(Recent(window_s=10, rate_hz=5.25, interval_hz=(3.0, 8.0)),), maximum_hz=7.0, duration_s=20.0,
    lower_limit=False, overload=None, evidence=(), doubts=(), weakened_by=("short exposure",),
)  # fmt: skip
HIT = HitDetail(x=1, y=2, score=0.97, added_dn=40, pixels=2, live=True)


def received(kind, message, *, retained=False):
    return Received(Topic("docks", "gate-1", kind), message, retained)


@pytest.fixture
def stamp():
    return Stamp("docks", "gate-1", "b1")


@pytest.mark.parametrize(
    ("state", "boot_of_status", "shown"),
    [
        ("raised", "b1", "ALARM"),
        ("updated", "b1", "ALARM"),
        ("changed", "b1", "CHANGED"),
        ("cleared", "b1", "none"),
        ("raised", "b2", "OLD ALARM"),
    ],
)
def test_picture_shows_the_state_of_alarms(stamp, state, boot_of_status, shown):
    board = Board()
    board.update(received("alarm", stamp.make(AlarmMessage, NOW, state=state, alarm=DETAIL)))
    status = Stamp("docks", "gate-1", boot_of_status).make(Status, NOW, state="online", reason="connected")
    board.update(received("status", status))
    assert f" {shown} " in drawn(board, width=200)


def drawn(board, *, width, connected=True):
    console = Console(width=width, file=io.StringIO())
    console.print(picture(board, connected=connected))
    return console.file.getvalue()


def health(stamp, **changes):
    fields = {
        "frames": 9, "fps": 29.97, "dropped": 0, "damaged": 0, "live_fraction": 0.97, "exposure_s": None,
        "live_s_per_s": 0.5, "stage_ms": {}, "hits": 1, "unclassified": 0, "background_hz": 0.1,
        "background_interval_hz": (0.0, 1.0), "background_learnt": True, "alarm_stands": True,
        "condition": "alarm", "delivered": 9, "not_analysed": 0, "repeated": 0, "temperature_c": None,
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
    assert any(line.split() == ["5.25", "hits/s,", "6.5", "sigma"] for line in lines)
    assert lines[-3:] == [
        "docks/gate-1: alarm weakened by: short exposure",
        "docks/gate-1: the camera is silent",
        "docks/gate-1: 51 messages wait for the broker",
    ]


def test_picture_says_why_there_is_no_all_clear(stamp):
    board = Board()
    board.update(received("status", stamp.make(Status, NOW, state="online", reason="connected")))
    message = stamp.make(AlarmMessage, NOW, state="learning", alarm=None, reasons=("not calibrated",))
    board.update(received("alarm", message))
    shown = drawn(board, width=80)
    assert " learning " in shown
    assert "docks/gate-1: no all-clear: not calibrated" in shown


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
        (
            {"broker": "a", "username": ""},
            "broker 'a': username: found the text (not shown), expected at least 1",
        ),
    ],
)
def test_broker_settings_refuse_impossible_logins(given, said):
    with pytest.raises(BrokerError, match=re.escape(said)):
        broker_settings(**given)


@pytest.mark.parametrize("broker", ["", "a:b", "a:1:2", "a:99999", "mqtt://a", "a b", ":1883"])
def test_broker_settings_refuse_what_names_no_broker(broker):
    with pytest.raises(BrokerError, match="broker"):
        broker_settings(broker)


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
    broker.publish([(f"gammabox/{site}/gate/status", encode(status)), (f"gammabox/{site}/gate/hit", encode(hit))])
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
