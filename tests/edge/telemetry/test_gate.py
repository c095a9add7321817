import json
from datetime import datetime, timedelta, timezone

import pytest

from edge.config.telemetry import VERBS
from edge.telemetry import gate
from edge.telemetry.inbox import MAX_BYTES, Arrived, Inbox

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
TOPIC = "gammabox/docks/gate-1/cmd/{}"


def arrived(verb="restart", *, retained=False, payload=None, topic=None, **change):
    given = {"transaction_id": "t-1", "utc": NOW.isoformat(), "by": "guard", "arguments": {}, **change}
    body = json.dumps(given).encode() if payload is None else payload
    return Arrived(topic or TOPIC.format(verb), body[:MAX_BYTES], len(body), retained)


def judged(each, *, allowed=VERBS, done=(), utc=NOW):
    return gate.judge(each, allowed, dict.fromkeys(done, NOW), utc)


def test_judge_accepts_a_sound_command():
    accepted = judged(arrived("acknowledge", arguments={"alarm_id": "a-1"}))
    assert (accepted.verb, accepted.command.by, accepted.arguments.alarm_id) == ("acknowledge", "guard", "a-1")


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (arrived(retained=True), "restart is retained"),
        (arrived(payload=b"x" * 100_000), "has 100,000 bytes"),
        (arrived(payload=b"{"), "restart: Invalid JSON"),
        (arrived(payload=b"[" * 8000), "restart: Invalid JSON"),
        (arrived(payload=b"\xff"), "restart: Invalid JSON"),
        (arrived(by="\x1b[2J" * 300, utc="x"), "utc"),
        (arrived("explode"), "is no command"),
        (arrived(topic="homeassistant/status"), "is no command"),
        (arrived(topic="gammabox/docks/gate-1/rsp/get"), "is no command"),
    ],
    ids=["retained", "large", "cut", "deep", "no UTF-8", "no time", "verb", "foreign", "answer"],
)
def test_judge_refuses_without_an_answer(each, expected):
    refused = judged(each)
    assert expected in refused.reason
    assert (refused.verb, refused.transaction_id) == (None, None)


@pytest.mark.parametrize(
    ("each", "change", "expected"),
    [
        (arrived(), {"allowed": ("get",)}, "do not allow restart"),
        (arrived(utc=(NOW - timedelta(seconds=121)).isoformat()), {}, "121 s old"),
        (arrived(utc=(NOW + timedelta(seconds=61)).isoformat()), {}, "61 s in the future"),
        (arrived(), {"utc": datetime(1970, 1, 1, tzinfo=timezone.utc)}, "clock of this box is not set"),
        (arrived("silence", arguments={"minutes": -1}), {}, "arguments: minutes"),
        (arrived(), {"done": [f"x-{number}" for number in range(gate.MEMORY)]}, "more than 500 commands"),
    ],
    ids=["forbidden", "old", "future", "no clock", "arguments", "flood"],
)
def test_judge_refuses_with_an_answer(each, change, expected):
    refused = judged(each, **change)
    assert expected in refused.reason
    assert refused.transaction_id == "t-1"


def test_judge_refuses_a_replay_without_a_second_answer():
    refused = judged(arrived(), done=["t-1"])
    assert "carried out before" in refused.reason
    assert refused.transaction_id is None


def test_recent_forgets_what_is_too_old_to_be_replayed():
    given = {"old": NOW - timedelta(seconds=121), "new": NOW - timedelta(seconds=119)}
    assert gate.recent(given, NOW) == {"new": given["new"]}
    assert isinstance(judged(arrived(utc=given["old"].isoformat())), gate.Refused)


class ForeignMessage:
    """A message on a topic that is no UTF-8, as paho hands it over."""

    payload = b"{}"
    retain = False

    @property
    def topic(self):
        return b"\xff\xfe".decode()


def test_inbox_leaves_out_topics_that_are_no_text():
    inbox = Inbox(())
    inbox._on_message(None, None, ForeignMessage())
    assert inbox.take() == ([], 0)
