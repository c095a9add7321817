from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from analysed_frames import analysed_frame

from edge.alarm.background import Rate
from edge.alarm.condition import situation_of
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.config.telemetry import TelemetrySettings
from edge.detect.hit import Hit
from edge.reporting import Reporter
from edge.telemetry.acknowledgements import Acknowledgement
from edge.telemetry.messages import AlarmDetail, Info, Stamp, decode
from edge.telemetry.outbox import Outbox
from edge.telemetry.past_alarms import PastAlarms

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
SETTINGS = AlarmSettings()
GREY = np.zeros((64, 64), np.uint8)
HEALTH = {
    "frames": 1, "delivered": 1, "not_analysed": 0, "repeated": 0, "dropped": 0, "damaged": 0, "fps": 25,
    "live_fraction": None, "live_s_per_s": 0, "stage_ms": {}, "hits": 0, "unclassified": 0, "background_hz": None,
    "background_interval_hz": None, "background_learnt": False, "condition": "learning", "alarm_stands": False,
    "temperature_c": None, "uptime_s": 1.0, "outbox": {"depth": 0, "dropped": 0},
}  # fmt: skip
DETAIL = {
    "raised_utc": START, "onset_utc": START, "significance_sigma": 6.5, "hits": 9, "live_s": 2.0, "rate_hz": 4.5,
    "rate_interval_hz": (2.0, 8.0), "background_hz": 0.2, "background_interval_hz": (0.1, 0.3),
    "false_alarms_per_1000_h": 1.0, "recent": (), "maximum_hz": 7.0, "duration_s": 20.0, "lower_limit": False,
    "overload": None, "evidence": (), "doubts": (), "weakened_by": (),
}  # fmt: skip
BLIND = ("the camera delivers no frames",)


def alarm_of(alarm_id):
    return AlarmDetail.model_validate({"id": alarm_id, **DETAIL})


class Rig:
    """A tracker whose frames are reported, and the messages in the outbox."""

    def __init__(self, folder, known, telemetry=None, place=None):
        self.outbox = Outbox(folder / "outbox.sqlite", 100_000)
        self.reporter = Reporter(telemetry or TelemetrySettings(), Stamp("s", "d", "boot"), self.outbox, place)
        self.tracker = AlarmTracker(SETTINGS, "gate", known)
        self.number = 0

    def play(self, seconds, every=0):
        for _ in range(round(seconds * 25)):
            self.number += 1
            is_hit = every > 0 and self.number % every == 0
            utc = START + timedelta(seconds=self.number / 25)
            hits = (Hit(self.number % 60, self.number % 47, 0.9, 50.0, 3, live=True),) * is_hit
            analysed = analysed_frame(self.number, utc, GREY, hits, self.tracker.update)
            self.reporter.report(analysed, situation_of(self.tracker, SETTINGS))

    def said(self, kind="alarm"):
        waiting = self.outbox.next(100_000)
        waiting = sorted(waiting, key=lambda each: each.id)
        return [decode(kind, each.message.payload) for each in waiting if each.message.topic.endswith(f"/{kind}")]

    def states(self):
        return [message.state for message in self.said()]


@pytest.fixture
def rig(tmp_path):
    made = []

    def make(known=None, place=None, **telemetry):
        made.append(Rig(tmp_path, known, TelemetrySettings(**telemetry), place))
        return made[-1]

    yield make
    for each in made:
        each.outbox.close()


def test_reporter_says_cleared_only_with_a_known_background(rig):
    box = rig(Rate(360, 7200))
    box.play(60)
    assert box.states() == ["learning", "cleared"]
    learning, cleared = box.said()
    assert learning.reasons == ("live for less than 10 s of the last minute",)
    assert (cleared.alarm, cleared.reasons) == (None, ())
    assert 18 <= (cleared.utc - START).total_seconds() <= 20


def test_reporter_without_a_calibration_says_learning(rig):
    box = rig()
    box.play(400)
    assert set(box.states()) == {"learning"}
    assert len(box.states()) <= 12
    last = box.said()[-1]
    assert last.reasons == ("not calibrated: no background was measured without a source",)


@pytest.mark.parametrize("known", [Rate(360, 7200), None], ids=["calibrated", "not calibrated"])
def test_reporter_after_an_alarm_says_what_holds(rig, known):
    box = rig(known)
    box.play(120)
    box.play(30, every=6)
    box.play(120)
    steps = [message for message in box.said() if message.alarm is not None]
    assert [steps[0].state, steps[-1].state] == ["raised", "cleared"]
    assert steps[-1].alarm.maximum_hz >= 4
    assert steps[-1].alarm.duration_s > 30
    assert [rate.window_s for rate in steps[-1].alarm.recent] == [10, 60]
    last = box.said()[-1]
    # The end of an alarm is an all-clear already; a box that is not calibrated knows too little for one.
    assert (last.state, last.alarm is None) == (("cleared", False) if known else ("learning", True))


def test_reporter_remembers_past_alarms_and_who_acknowledged_them(rig, tmp_path):
    given = Acknowledgement(by="Ann", utc=START, reason="patrol sent")
    box = rig(Rate(360, 7200))
    box.reporter = Reporter(
        TelemetrySettings(),
        Stamp("s", "d", "boot"),
        box.outbox,
        acknowledged=lambda _: given,
        past=PastAlarms(tmp_path / "alarms.json"),
    )
    box.play(120)
    box.play(30, every=6)
    box.play(120)
    ended = box.said()[-1]
    assert (ended.state, ended.past) == ("cleared", ())
    box.reporter.blind(BLIND, START)
    (past,) = box.said()[-1].past
    assert (past.id, past.ended_utc, past.acknowledged) == (ended.alarm.id, ended.utc, given)
    (known,) = PastAlarms(tmp_path / "alarms.json").others(None)
    assert known == past


def test_past_alarms_are_few_and_keep_the_time_of_their_end(tmp_path):
    past = PastAlarms(tmp_path / "alarms.json")
    for number in range(9):
        past.note(alarm_of(f"gate-{number}"), START, None)
    past.acknowledge("gate-8", Acknowledgement(by="Ann", utc=START))
    assert [each.id for each in past.others("gate-7")] == ["gate-8", "gate-6", "gate-5", "gate-4"]
    assert (past.others(None)[0].ended_utc, past.others(None)[0].acknowledged.by) == (START, "Ann")


def test_past_alarm_that_came_again_has_its_last_end(tmp_path):
    past = PastAlarms(tmp_path / "alarms.json")
    for minutes in (0, 20):
        past.note(alarm_of("gate-1"), START + timedelta(minutes=minutes), None)
    (known,) = PastAlarms(tmp_path / "alarms.json").others(None)
    assert known.ended_utc == START + timedelta(minutes=20)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"schema_version": 9}'])
def test_past_alarms_of_a_damaged_file_begin_anew(tmp_path, caplog, content):
    (tmp_path / "alarms.json").write_bytes(content)
    assert PastAlarms(tmp_path / "alarms.json").others(None) == ()
    assert "past alarms begin anew" in caplog.text


def test_past_alarms_are_written_when_the_disk_takes_them_again(tmp_path):
    (tmp_path / "folder").write_text("")
    past = PastAlarms(tmp_path / "folder" / "alarms.json")
    past.note(alarm_of("gate-1"), START, None)
    (tmp_path / "folder").unlink()
    past.write()
    assert [each.id for each in PastAlarms(tmp_path / "folder" / "alarms.json").others(None)] == ["gate-1"]


def test_past_alarms_are_kept_in_memory_where_the_disk_fails(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    past = PastAlarms(tmp_path / "file" / "alarms.json")
    past.note(alarm_of("gate-1"), START, None)
    assert [each.id for each in past.others(None)] == ["gate-1"]
    assert "cannot be written" in caplog.text


def test_reporter_of_a_blind_box_takes_the_all_clear_back(rig):
    box = rig(Rate(360, 7200))
    box.play(30)
    for _ in range(5):
        box.reporter.blind(BLIND, START)
    assert box.states()[-2:] == ["cleared", "learning"]
    assert box.said()[-1].reasons == BLIND
    box.reporter.blind((), START)
    box.play(5)
    assert box.states()[-1] == "learning"
    box.play(10)
    assert box.states()[-1] == "cleared"


def test_reporter_of_a_blind_box_leaves_an_alarm_alone(rig):
    box = rig(Rate(360, 7200))
    box.play(20)
    box.play(5, every=6)
    box.reporter.blind(BLIND, START)
    assert box.states()[-1] in {"raised", "updated"}


def test_reporter_names_the_evidence_of_an_alarm(rig):
    box = rig(Rate(360, 7200))
    box.play(20)
    box.play(5, every=6)
    raised = next(message for message in box.said() if message.state == "raised")
    assert set(raised.alarm.evidence) <= {message.event_id for message in box.said("hit")}
    assert len(raised.alarm.evidence) >= 5


def test_reporter_may_leave_hits_out(rig):
    box = rig(Rate(360, 7200), hits=False)
    box.play(30, every=6)
    assert box.said("hit") == []
    assert "raised" in box.states()


def test_reporter_repeats_what_is_retained(rig):
    box = rig()
    fields = {
        "software": "1", "model": {"name": "m", "sha256": "a", "runtime": "r"}, "camera": {"kind": "grey"},
        "false_alarms_per_1000_h": 1.0, "started_utc": START,
    }  # fmt: skip
    box.reporter.send_info(START, **fields)
    box.play(1)
    before = {message.event_id for message in (*box.said(), *box.said("info"))}
    box.outbox.confirm([each.id for each in box.outbox.next(100)])
    assert box.said() == []
    box.reporter.repeat()
    assert {message.event_id for message in (*box.said(), *box.said("info"))} == before
    assert isinstance(box.said("info")[0], Info)


def test_reporter_states_place_and_advice(rig):
    box = rig(Rate(360, 7200), place="North gate")
    box.play(30)
    box.play(5, every=2)
    messages = box.said()
    assert {message.place for message in messages} == {"North gate"}
    assert any("instrument to North gate" in message.advice for message in messages)


def test_reporter_repeats_health_once_a_minute_for_a_bridge(rig):
    box = rig()
    events = {"health": [], "health_minute": []}
    for second in range(0, 200, 10):
        message = box.reporter.send_health(START, float(second), **HEALTH)
        for waiting in box.outbox.next(100):
            events[waiting.message.topic.rpartition("/")[2]].append(message.event_id)
            assert message.event_id.encode() in waiting.message.payload
            assert waiting.message.retain
            box.outbox.confirm([waiting.id])
    assert len(events["health"]) == 20
    assert events["health_minute"] == events["health"][::6]
