import json
import re
from datetime import datetime, timezone

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.alarm.alarm import Alarm
from edge.detect.hit import Hit
from edge.telemetry.contract import json_schemas
from edge.telemetry.details import alarm_detail, hit_detail
from edge.telemetry.fields import MAX_TEXT, MAX_TEXTS
from edge.telemetry.messages import (
    MODELS,
    AlarmMessage,
    HitMessage,
    MessageError,
    Stamp,
    Status,
    decode,
    encode,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ALARM = Alarm(
    id="gate-1", state="raised", time_s=1.0, utc=NOW, onset_s=0.5, onset_utc=NOW, raised_utc=NOW,
    significance_sigma=6.0, hits=9, live_s=2.0, rate_hz=4.5, rate_interval_hz=(2.0, 8.0), background_hz=0.2,
    background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0, recent=(), maximum_hz=6.0, duration_s=2.5,
    lower_limit=False, overload=None, doubts=(), frames=(1, 2), weakened_by=("short exposure",),
)  # fmt: skip


def hit_message(stamp):
    hit = Hit(3, 4, 0.98765, 41.234, 2, live=True)
    return stamp.make(HitMessage, NOW, frame=7, live_fraction=0.5, exposure_s=0.04, hits=(hit_detail(hit),))


def alarm_message(stamp):
    return stamp.make(AlarmMessage, NOW, state="raised", alarm=alarm_detail(ALARM, ("b-0",)))


@pytest.mark.parametrize("make", [hit_message, alarm_message])
def test_message_fits_its_schema_and_is_read_back(make):
    message = make(Stamp("docks", "gate-1", "b"))
    kind = next(kind for kind, model in MODELS.items() if isinstance(message, model))
    jsonschema.validate(json.loads(encode(message)), json_schemas()[f"{kind}.json"])
    assert decode(kind, encode(message)) == message


def test_message_has_version_ids_number_time_and_history():
    stamp = Stamp("docks", "gate-1", "b")
    first, second = hit_message(stamp), alarm_message(stamp)
    assert [first.seq, second.seq] == [0, 1]
    assert [first.event_id, second.event_id] == ["b-0", "b-1"]
    body = json.loads(encode(second))
    assert {"schema_version", "event_id", "boot_id", "seq", "utc", "historical", "site", "device"} <= set(body)
    assert body["utc"] == "2026-01-02T03:04:05Z"
    assert body["historical"] is False
    # The link marks a message as historical in its bytes.
    assert encode(second).count(b'"historical":false') == 1


def test_decode_ignores_keys_of_a_newer_sender():
    body = json.loads(encode(Stamp("s", "d", "b").make(Status, NOW, state="online", reason="connected")))
    assert decode("status", json.dumps({**body, "mood": "good"}).encode()).state == "online"


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"schema_version": 2}, "schema_version"), ({"utc": "2026-01-02T03:04:05"}, "utc"), ({"state": "so-so"}, "state")],
)
def test_decode_says_where_a_message_is_wrong(change, expected):
    body = json.loads(encode(Stamp("s", "d", "b").make(Status, NOW, state="online", reason="connected")))
    with pytest.raises(MessageError, match=f"status message: {expected}"):
        decode("status", json.dumps({**body, **change}).encode())


@given(st.binary(max_size=100), st.sampled_from(list(MODELS)))
def test_decode_turns_any_bytes_into_a_message_error(payload, kind):
    with pytest.raises(MessageError):
        decode(kind, payload)


def test_message_cleans_and_bounds_its_texts():
    stamp = Stamp("s", "d", "b")
    reasons = ("calm\x1b[2J\n2026 other box ALARM", "x" * 2000, *["more"] * 100)
    message = stamp.make(AlarmMessage, NOW, state="learning", alarm=None, reasons=reasons, place="Gate\r\u202eN")
    assert message.reasons[0] == "calm\\x1b[2J\\n2026 other box ALARM"
    assert (len(message.reasons), len(message.reasons[1])) == (MAX_TEXTS, MAX_TEXT)
    assert message.place == "Gate\\r\\u202eN"
    jsonschema.validate(json.loads(encode(message)), json_schemas()["alarm.json"])


def test_schema_refuses_texts_of_two_lines():
    body = json.loads(encode(alarm_message(Stamp("s", "d", "b"))))
    for sign in "\n\x1b\x85\u2028\u202e":
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**body, "place": f"Gate{sign}North"}, json_schemas()["alarm.json"])


def test_decode_cleans_texts_of_a_hostile_sender():
    body = json.loads(encode(alarm_message(Stamp("s", "d", "b"))))
    message = decode("alarm", json.dumps({**body, "advice": "go\x1b[2Jhome", "place": "\u202e"}).encode())
    assert (message.advice, message.place) == ("go\\x1b[2Jhome", "\\u202e")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_decode_refuses_numbers_that_are_not_finite(number):
    payload = encode(alarm_message(Stamp("s", "d", "b"))).decode()
    broken = re.sub(r'"maximum_hz":[0-9.]+', f'"maximum_hz":{number}', payload)
    assert broken != payload
    with pytest.raises(MessageError):
        decode("alarm", broken.encode())


@pytest.mark.parametrize("field", ["event_id", "boot_id", "site", "device"])
def test_decode_refuses_ids_with_control_signs(field):
    body = json.loads(encode(Stamp("s", "d", "b").make(Status, NOW, state="online", reason="connected")))
    with pytest.raises(MessageError, match=field):
        decode("status", json.dumps({**body, field: "a\nb"}).encode())
