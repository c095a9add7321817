from datetime import datetime, timedelta, timezone

import pytest

from edge.control_room.arrivals import Received, Removed, Unreadable
from edge.control_room.lines import as_line
from edge.telemetry.messages import AlarmDetail, AlarmMessage, HitDetail, HitMessage, Recent, Stamp, Status
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


def test_as_line_of_an_alarm(stamp):
    message = stamp.make(AlarmMessage, NOW, state="raised", alarm=DETAIL)
    assert as_line(received("alarm", message)) == (
        "2026-01-02T03:04:05.678Z docks/gate-1 ALARM raised gate-1: 4.50 hits/s (2.00 to 8.00) against 0.20, "
        "6.5 sigma, last 10 s 5.25, maximum 7.00; weakened: short exposure"
    )


def test_as_line_writes_utc(stamp):
    there = NOW.astimezone(timezone(timedelta(hours=2)))
    line = as_line(received("status", stamp.make(Status, there, state="online", reason="connected")))
    assert line.startswith("2026-01-02T03:04:05.678Z")


def test_as_line_of_hits_and_status(stamp):
    hits = stamp.make(HitMessage, NOW, frame=7, live_fraction=1.0, exposure_s=None, hits=(HIT, HIT))
    assert as_line(received("hit", hits)).endswith("docks/gate-1 hit: 2 in frame 7, best score 0.97")
    status = stamp.make(Status, NOW, state="offline", reason="lost")
    assert as_line(received("status", status, retained=True)).endswith(
        "offline (lost; it had connected at this time) (retained)"
    )


def test_as_line_says_why_a_message_is_unreadable():
    assert as_line(Unreadable(Topic("s", "d", "hit"), "no JSON")) == "s/d unreadable hit: no JSON"


def test_as_line_escapes_what_forges_lines():
    line = as_line(Unreadable(Topic("s", "d", "hit"), "calm\n2026 s/other \x1b[31mALARM raised"))
    assert line.isprintable()


def test_as_line_of_a_removed_message():
    assert as_line(Removed(Topic("s", "d", "alarm"))) == "s/d alarm: the kept message is removed"


@pytest.mark.parametrize(
    ("state", "fields", "shown"),
    [
        ("learning", {"alarm": None, "reasons": ("not calibrated", "no frame")}, "learning (not calibrated; no frame)"),
        ("cleared", {"alarm": None}, "alarm: none"),
        ("cleared", {"alarm": DETAIL}, "alarm cleared gate-1: 4.50 hits/s (2.00 to 8.00)"),
        ("changed", {"alarm": DETAIL}, "BACKGROUND CHANGED, look at the box gate-1: 4.50 hits/s"),
        ("updated", {"alarm": DETAIL.model_copy(update={"lower_limit": True})}, "gate-1: at least 4.50 hits/s"),
    ],
)
def test_as_line_of_each_condition(stamp, state, fields, shown):
    assert shown in as_line(received("alarm", stamp.make(AlarmMessage, NOW, state=state, **fields)))
