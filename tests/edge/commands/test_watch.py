import contextlib
import json
import os
import pty
import secrets
import signal
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from edge.commands.watch import require_view
from edge.errors import GammaboxError
from edge.telemetry.messages import AlarmDetail, AlarmMessage, HitDetail, HitMessage, Recent, Stamp, Status, encode

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
DETAIL = AlarmDetail(
    id="gate-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    recent=(Recent(window_s=10, rate_hz=5.25, interval_hz=(3.0, 8.0)),), maximum_hz=7.0, duration_s=20.0,
    lower_limit=False, overload=None, evidence=(), doubts=(), weakened_by=("short exposure",),
)  # fmt: skip
HIT = HitDetail(x=1, y=2, score=0.97, added_dn=40, pixels=2, live=True)


def watch(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from edge.commands.cli import main; main()", "watch", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_watch_prints_alarms_and_faults_or_json(broker, tmp_path):
    site = f"watch-{secrets.token_hex(4)}"
    stamp = Stamp(site, "gate", "b")
    status = stamp.make(Status, NOW, state="online", reason="connected")
    alarm = stamp.make(AlarmMessage, NOW, state="raised", alarm=DETAIL)
    hit = stamp.make(HitMessage, NOW, frame=7, live_fraction=1.0, exposure_s=None, hits=(HIT,))
    named = {"status": status, "alarm": alarm, "hit": hit}
    broker.publish([(f"gammabox/{site}/gate/{kind}", encode(message)) for kind, message in named.items()])
    place = ["--broker", f"127.0.0.1:{broker.port}", "--site", site, "--seconds", "1"]
    (line,) = watch(*place, "--on-alarm", f"touch {tmp_path / 'rung'}").stdout.splitlines()
    assert (tmp_path / "rung").exists()
    assert f" {site}/gate OLD ALARM: most 7.00 hits/s, 6.5 sigma; the box is away now" in line
    said = [json.loads(line) for line in watch(*place, "--json").stdout.splitlines()]
    assert {each["message"]["event_id"] for each in said} == {"b-0", "b-1", "b-2"}
    topics = [json.loads(line)["topic"] for line in watch(*place, "--json", "--no-hits").stdout.splitlines()]
    assert sorted(topics) == [f"gammabox/{site}/gate/alarm", f"gammabox/{site}/gate/status"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watch_in_a_pipe_says_when_the_broker_goes(new_broker, options):
    broker = new_broker()
    broker.start()
    words = [sys.executable, "-c", "from edge.commands.cli import main; main()", "watch", *options]
    words += ["--broker", f"127.0.0.1:{broker.port}"]
    broker.publish([("gammabox/docks/gate/status", b"{}")])
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert "gate" in running.stdout.readline()
            broker.stop()
            assert "the connection is lost" in running.stderr.readline()
            broker.start()
            assert "connected again" in running.stderr.readline()
            os.kill(running.pid, signal.SIGINT)
            assert running.wait(timeout=60) == 130
        finally:
            running.kill()  # else a failure waits for it without end


@pytest.mark.parametrize("arguments", [["--broker", "127.0.0.1:1"], ["--broker", "a b"], ["--site", "A/#"]])
def test_watch_refuses_unusable_arguments_in_one_line(arguments):
    ran = watch(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1


def test_view_names_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "textual", None)
    with pytest.raises(GammaboxError, match=r"install gammabox\[control-room\]"):
        require_view()


def test_view_draws_on_a_terminal_and_ends_with_q(broker):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", "from edge.commands.cli import main; main()", "watch"]
    words += ["--broker", f"127.0.0.1:{broker.port}", "--site", f"watch-{secrets.token_hex(4)}"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE) as running:
        os.close(theirs)
        shown = b""
        while b"No box has reported" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, b"q")
        while b"End the view?" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, b"y")
        with contextlib.suppress(OSError):  # the terminal is gone
            while os.read(ours, 4096):
                pass
        assert running.wait() == 0
        assert running.stderr.read() == b""
    os.close(ours)
