"""Alarms that may be lost with a broker are sent again, and those that it refused are tried again."""

import time

import pytest
from outbox_rig import message, payloads

from edge.telemetry import outbox_file
from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


def test_outbox_repeats_confirmed_alarms_twice(path):
    outbox = Outbox(path, 100)
    outbox.put(Outgoing("t/alarm", b'{"historical":false}', retain=True, keep="always", boot_id="b"))
    outbox.put(message("hit"))
    outbox.confirm([each.id for each in outbox.next(10)])
    outbox.close()
    outbox = Outbox(path, 100)  # the agent may have been killed meanwhile
    outbox.put(message("newer", "always"))
    for _ in range(2):
        outbox.repeat_alarms()
        again, newer = outbox.next(10)
        assert (again.message.payload, again.message.retain) == (b'{"historical":true}', False)
        assert newer.message.payload == b"newer"
        outbox.confirm([again.id])
    outbox.repeat_alarms()
    assert payloads(outbox) == ["newer"]
    outbox.close()


def test_outbox_repeats_no_old_alarms(path, monkeypatch):
    outbox = Outbox(path, 100)
    for payload in ("old", "new"):
        outbox.put(message(payload, "always"))
        outbox.confirm([each.id for each in outbox.next(10)])
        outbox.commit()
        later_s = time.time() + outbox_file.REPEAT_S + 1
        monkeypatch.setattr(outbox_file.time, "time", lambda later_s=later_s: later_s)
    outbox.repeat_alarms()
    assert payloads(outbox) == ["new"]
    outbox.close()


def test_outbox_tries_alarms_again_that_were_set_aside(path):
    outbox = Outbox(path, 100)
    outbox.put(message("alarm", "always"))
    (alarm,) = outbox.next(1)
    outbox.refuse(alarm.id, "hangs up", final=True)
    assert (outbox.aside, outbox.next(1)) == (1, [])
    outbox._file._aged_s = -1e9  # as ten minutes later
    outbox.put(message("hit"))
    outbox.commit()
    assert payloads(outbox) == ["alarm", "hit"]
    outbox.close()
