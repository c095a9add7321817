import json
import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from edge.alarm.alarm import Alarm
from edge.commander import LINES_A_MINUTE, Commander, CommandError
from edge.config.telemetry import VERBS, TelemetrySettings
from edge.reporting import Reporter
from edge.telemetry.acknowledgements import Acknowledgement, taken
from edge.telemetry.command_file import CommandFile
from edge.telemetry.commands import Response
from edge.telemetry.inbox import Arrived, Inbox
from edge.telemetry.messages import Stamp, decode
from edge.telemetry.outbox import Outbox

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ALARM = Alarm(
    id="gate-1", state="raised", time_s=1.0, utc=NOW, onset_s=0.5, onset_utc=NOW, raised_utc=NOW,
    significance_sigma=6.0, hits=9, live_s=2.0, rate_hz=4.5, rate_interval_hz=(2.0, 8.0), background_hz=0.2,
    background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0, recent=(), maximum_hz=6.0, duration_s=2.5,
    lower_limit=False, overload=None, doubts=(), frames=(), weakened_by=(),
)  # fmt: skip


class Actions:
    """The actions of an agent, noted."""

    def __init__(self):
        self.done = []
        self.values = {"telemetry.hits": True}

    def health(self):
        return {"frames": 5}

    def recalibrate(self):
        raise CommandError("an alarm stands")

    def restart(self):
        self.done.append("restart")

    def setting_values(self):
        return self.values

    def change_settings(self, values):
        if values.get("telemetry.hits") == "boom":
            raise RuntimeError("boom\x1b[2J")
        self.values = {**self.values, **values}


class Rig:
    def __init__(self, folder, allowed=VERBS):
        self.outbox = Outbox(folder / "outbox.sqlite", 1000)
        self.file = CommandFile(folder / "commands.json")
        self.reporter = Reporter(
            TelemetrySettings(),
            Stamp("s", "d", "boot"),
            self.outbox,
            acknowledged=self.file.acknowledged,
            forget=self.file.forget,
        )
        self.actions = Actions()
        self.commander = Commander(allowed, self.file, self.reporter, self.actions)

    def give(self, verb, *, now_s=0.0, transaction_id=None, retained=False, **arguments):
        name = transaction_id or secrets.token_hex(4)
        given = {"transaction_id": name, "utc": NOW.isoformat(), "by": "Ada", "arguments": arguments, "reason": "drill"}
        payload = json.dumps(given).encode()
        each = Arrived(f"gammabox/s/d/cmd/{verb}", payload, len(payload), retained)
        self.commander.serve([each], 0, NOW, now_s)
        return next((answer for answer in self.answers() if answer.transaction_id == name), None)

    def waiting(self, kind):
        return [each.message for each in self.outbox.next(1000) if kind in each.message.topic]

    def answers(self):
        return [Response.model_validate_json(message.payload) for message in self.waiting("/rsp/")]

    def alarms(self):
        return [decode("alarm", message.payload) for message in self.waiting("/alarm")]


@pytest.fixture
def make_rig(tmp_path):
    made = []

    def make(**options):
        made.append(Rig(tmp_path, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.outbox.close()


@pytest.fixture
def rig(make_rig):
    return make_rig()


def test_acknowledge_states_the_alarm_again(rig):
    rig.reporter._send_alarm(ALARM)
    assert rig.alarms()[-1].acknowledged is None
    answer = rig.give("acknowledge", alarm_id="gate-1")
    assert (answer.ok, answer.error, answer.result["alarm_id"]) == (True, None, "gate-1")
    last = rig.alarms()[-1]
    assert (last.state, last.alarm.id, last.acknowledged.by) == ("updated", "gate-1", "Ada")
    assert (last.acknowledged.reason, last.acknowledged.utc) == ("drill", NOW)


def test_silence_keeps_who_has_taken_charge_and_says_until_when(rig):
    rig.reporter._send_alarm(ALARM)
    assert rig.give("silence", minutes=5).ok
    assert rig.give("acknowledge", alarm_id="standing").ok
    assert rig.alarms()[-1].acknowledged.silenced_until_utc == NOW + timedelta(minutes=5)


def test_silence_refuses_where_another_alarm_stands_than_the_one_it_names(rig):
    rig.reporter._send_alarm(replace(ALARM, id="gate-2"))
    answer = rig.give("silence", minutes=5, alarm_id="gate-1")
    assert (answer.ok, answer.error) == (False, "another alarm stands by now: gate-2, not gate-1")
    assert rig.alarms()[-1].acknowledged is None
    assert rig.give("silence", minutes=5, alarm_id="gate-2").ok
    assert rig.alarms()[-1].acknowledged.silenced_until_utc == NOW + timedelta(minutes=5)
    rig.reporter._send_alarm(replace(ALARM, id="gate-2", state="cleared"))
    assert rig.give("silence", minutes=5, alarm_id="gate-2").error == "no alarm stands"


def test_acknowledge_after_a_silence_is_over_asks_for_no_other(rig):
    rig.reporter._send_alarm(ALARM)
    over = Acknowledgement(by="Ann", utc=NOW - timedelta(minutes=9), silenced_until_utc=NOW - timedelta(minutes=1))
    rig.file.acknowledge("gate-1", over)
    assert rig.give("acknowledge", alarm_id="standing").ok
    assert rig.alarms()[-1].acknowledged.silenced_until_utc is None


def test_acknowledge_keeps_who_did_so_before_to_the_end_of_the_alarm(rig):
    rig.reporter._send_alarm(ALARM)
    rig.file.acknowledge("gate-1", Acknowledgement(by="Bo", utc=NOW - timedelta(minutes=1), reason="patrol 2 is out"))
    assert rig.give("acknowledge", alarm_id="gate-1").ok
    rig.reporter._send_state(NOW, "cleared", rig.alarms()[-1].alarm)
    for given in (rig.file.acknowledged("gate-1"), rig.alarms()[-1].acknowledged):
        assert given.by == "Ada"
        assert [(each.by, each.reason) for each in given.earlier] == [("Bo", "patrol 2 is out")]


def test_acknowledgements_keep_the_first_and_the_last_ones():
    given = None
    for number in range(9):
        given = taken(given, f"guard-{number}", NOW + timedelta(seconds=number), None, None)
    assert given.by == "guard-8"
    assert [each.by for each in given.earlier] == ["guard-0", "guard-5", "guard-6", "guard-7"]


@pytest.mark.parametrize(
    ("state", "alarm_id", "expected"),
    [
        (None, "gate-1", "has had no alarm"),
        ("raised", "gate-2", "gate-2 is not the last one of this box, which is gate-1"),
        ("cleared", "standing", "no alarm stands"),
    ],
)
def test_acknowledge_refuses_what_does_not_stand(rig, state, alarm_id, expected):
    if state is not None:
        rig.reporter._send_alarm(ALARM)
        rig.reporter._send_state(NOW, state, rig.alarms()[-1].alarm)
    answer = rig.give("acknowledge", alarm_id=alarm_id)
    assert (answer.ok, expected in answer.error) == (False, True)


def test_acknowledge_of_an_alarm_that_is_over_keeps_it_cleared(rig):
    rig.reporter._send_alarm(ALARM)
    ended = NOW - timedelta(minutes=1)
    rig.reporter._send_state(ended, "cleared", rig.alarms()[-1].alarm)
    assert rig.give("acknowledge", alarm_id="gate-1").ok
    assert (rig.alarms()[-1].state, rig.alarms()[-1].acknowledged.by) == ("cleared", "Ada")
    rig.reporter._send_state(NOW, "learning", None, ("the camera is covered",))
    (past,) = rig.alarms()[-1].past
    assert (past.id, past.ended_utc, past.acknowledged.by) == ("gate-1", ended, "Ada")


@pytest.mark.parametrize(("verb", "arguments"), [("acknowledge", {"alarm_id": "gate-1"}), ("silence", {"minutes": 5})])
def test_acknowledge_says_that_an_alarm_is_over_that_the_box_speaks_of_no_more(rig, verb, arguments):
    rig.reporter._send_alarm(ALARM)
    rig.reporter._send_state(NOW, "cleared", rig.alarms()[-1].alarm)
    rig.reporter._send_state(NOW, "learning", None, ("the camera is covered",))
    answer = rig.give(verb, **arguments)
    assert (answer.ok, answer.error) == (False, "no alarm stands")


def test_acknowledgement_survives_a_restart(make_rig):
    first = make_rig()
    first.reporter._send_alarm(ALARM)
    first.give("acknowledge", alarm_id="gate-1", transaction_id="once")
    second = make_rig()
    second.reporter._send_alarm(replace(ALARM, state="updated"))
    assert second.alarms()[-1].acknowledged.by == "Ada"
    assert "once" in second.file.done


def test_acknowledgement_ends_with_its_alarm_and_not_when_that_is_changed(make_rig):
    rig = make_rig()
    rig.reporter._send_alarm(ALARM)
    assert rig.give("silence", minutes=600).ok
    for state in ("updated", "changed", "cleared"):
        rig.reporter._send_alarm(replace(ALARM, state=state))
        assert rig.alarms()[-1].acknowledged.by == "Ada"
    rig.reporter._send_alarm(ALARM)
    assert rig.alarms()[-1].acknowledged is None
    rig.reporter._send_alarm(replace(ALARM, state="cleared"))
    rig.reporter._send_state(NOW, "learning", None)
    assert [(past.id, past.acknowledged) for past in rig.alarms()[-1].past] == [("gate-1", None)]
    after = make_rig()
    after.reporter._send_alarm(replace(ALARM, state="updated"))
    assert after.alarms()[-1].acknowledged is None


def test_acknowledgement_of_an_earlier_alarm_is_kept_beside_a_new_one(rig):
    rig.file.acknowledge("gate-1", Acknowledgement(by="Ann", utc=NOW))
    rig.reporter._send_alarm(replace(ALARM, id="gate-2"))
    assert (rig.alarms()[-1].acknowledged, rig.file.acknowledged("gate-1").by) == (None, "Ann")


def test_command_file_that_is_damaged_counts_as_empty(tmp_path, caplog):
    (tmp_path / "commands.json").write_bytes(b'{"alarm_id": "\xff')
    assert CommandFile(tmp_path / "commands.json").acknowledged("gate-1") is None
    assert "acknowledgements begin anew" in caplog.text


def test_restart_is_carried_out_once(rig):
    assert rig.give("restart", transaction_id="t").ok
    rig.give("restart", transaction_id="t")
    rig.give("restart", retained=True)
    assert rig.actions.done == ["restart"]
    assert len(rig.answers()) == 1


def test_get_and_set_answer_with_values(rig):
    assert rig.give("get").result == {"values": {"telemetry.hits": True}}
    assert rig.give("set", values={"telemetry.hits": False}).result == {"values": {"telemetry.hits": False}}
    assert "no setting mqtt.host" in rig.give("get", names=["mqtt.host"]).error


@pytest.mark.parametrize(
    ("verb", "arguments", "expected"),
    [
        ("recalibrate", {"no_source_is_near": True}, "an alarm stands"),
        ("set", {"values": {"telemetry.hits": "boom"}}, "failed: RuntimeError: boom"),
    ],
)
def test_command_that_fails_is_answered(rig, caplog, verb, arguments, expected):
    answer = rig.give(verb, **arguments)
    assert (answer.ok, expected in answer.error) == (False, True)
    assert rig.give("health").result == {"frames": 5}
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_commands_that_are_not_allowed_are_refused(make_rig):
    rig = make_rig(allowed=("get",))
    assert "do not allow restart" in rig.give("restart").error
    assert rig.actions.done == []


def test_refusals_do_not_fill_journal_or_outbox(rig, caplog):
    caplog.set_level(logging.WARNING)
    for number in range(300):
        rig.give("restart", retained=True, now_s=number / 100)
        rig.give("silence", now_s=number / 100)
    assert len(caplog.records) == LINES_A_MINUTE
    assert len(rig.answers()) <= LINES_A_MINUTE
    rig.give("restart", retained=True, now_s=70.0)
    assert "580 more were refused" in caplog.text


def test_inbox_keeps_a_flood_out_of_memory():
    inbox = Inbox(())
    for _ in range(1000):
        inbox.put("t", b"x" * 1_000_000, retained=False)
    arrived, dropped = inbox.take()
    assert (len(arrived), dropped) == (64, 936)
    assert {(len(each.payload), each.size_bytes) for each in arrived} == {(8192, 1_000_000)}
    assert inbox.take() == ([], 0)
