"""Messages of a faulty or hostile box: the archive keeps or counts them, and history prints no control sign."""

import contextlib
import io
import json
import time
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest
from box_messages import NOW, Sender, kind_of, payload_of
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.commands import history as history_command
from edge.config.device import MqttSettings
from edge.control_room.archive import Archive
from edge.control_room.archive_file import ArchiveFile
from edge.control_room.export.cap import cap_document
from edge.control_room.export.n42 import n42_document
from edge.control_room.export.tables import row_of
from edge.control_room.history import History
from edge.control_room.period import Period

KINDS = ("alarm", "status", "health", "info", "hit", "cmd/acknowledge", "")
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        ["\x1b[2J", "\x9b31m", "\u202e", "\ud800", "x" * 3000, "2026-11-30T02:00:00Z", "9999-12-31T23:59:59Z"]
    ),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
WHOLE = {}
for made in (
    Sender().alarm("updated", by="Ann", place="north gate", advice="look"),
    Sender().status(),
    Sender().info(),
    Sender().health(faults=("dark",)),
):
    WHOLE[kind_of(made)] = json.loads(payload_of(made))


def paths_of(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_of(inner, (*path, index))


@st.composite
def payloads(draw):
    """Draw a kind and a payload: bytes, or a whole message with a few values replaced or removed."""
    kind = draw(st.sampled_from(KINDS))
    if kind not in WHOLE or (draw(st.booleans()) and draw(st.booleans())):
        return kind, draw(st.binary(max_size=60))
    message = json.loads(json.dumps(WHOLE[kind]))
    message["event_id"] = f"b-{draw(st.integers(0, 10**6))}"
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([path for path in paths_of(message) if path]))
        holder = message
        for part in path[:-1]:
            holder = holder[part]
        if draw(st.integers(0, 5)):
            holder[path[-1]] = draw(NASTY)
        elif isinstance(holder, dict):
            del holder[path[-1]]
    return kind, json.dumps(message).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "archive.sqlite"
    with closing(ArchiveFile(path)) as file:
        write = file.write
        file.write = lambda arrivals, heard_s, **_: write(arrivals, heard_s, durable=False)  # spares the disk
        yield path, Archive(MqttSettings(host="127.0.0.1"), file)


def hear(archive, kind, payload, device="gate-1"):
    """Let a message arrive as paho would, and store it. Nothing may be raised, and nothing may wait for ever."""
    _, keeper = archive
    topic = f"gammabox/docks/{device}/{kind}"
    message = SimpleNamespace(topic=topic, payload=payload, mid=1, qos=1, retain=False)
    keeper._on_message(None, None, message)
    keeper._store(None)
    assert keeper._waiting == []
    assert not keeper._write_again_s


def shown(path):
    """Return all that a reader is shown of the archive, in every form."""
    known = History(path, Period(NOW - timedelta(days=40_000), NOW + timedelta(days=40_000)))
    alarms = known.alarms()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        history_command._print(known)
    texts = [out.getvalue(), json.dumps(history_command.as_object(known), default=history_command._json_value)]
    for alarm in alarms:
        texts += [cap_document(alarm), n42_document(alarm.box, [alarm], NOW), str(row_of(alarm))]
    return "\n".join(texts)


def check(archive):
    text = shown(archive[0])
    assert not [sign for sign in text if (ord(sign) < 32 and sign != "\n") or 127 <= ord(sign) < 160]
    assert "\u202e" not in text


@settings(max_examples=300)
@given(payloads())
def test_archive_bears_any_message(archive, drawn):
    hear(archive, *drawn)


def test_history_shows_fuzzed_messages_without_control_signs(archive):
    for number, (kind, whole) in enumerate(WHOLE.items()):
        for evil in ("\x1b[2Jx", "a\nb", "\u202ex"):
            for path in paths_of(whole):
                message = json.loads(json.dumps(whole))
                holder = message
                for part in path[:-1]:
                    holder = holder[part]
                if path and isinstance(holder[path[-1]], str) and path[-1] not in {"event_id", "state", "reason"}:
                    holder[path[-1]] = evil
                    message["event_id"] = f"e-{number}-{abs(hash((path, evil)))}"
                    hear(archive, kind, json.dumps(message).encode())
    check(archive)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=10_000)
@given(payloads())
def test_archive_bears_ten_thousand_messages(archive, drawn):
    hear(archive, *drawn)
    if time.monotonic() % 50 < 0.02:  # reading all of it each time would take hours
        check(archive)
