import signal
import subprocess
import sys
import threading
import time

import pytest
from outbox_rig import message, payloads

from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


def test_outbox_keeps_a_message_until_it_is_confirmed(path):
    outbox = Outbox(path, 100)
    outbox.put(message("one"))
    (waiting,) = outbox.next(10)
    assert waiting.message == message("one")
    assert payloads(outbox) == ["one"]
    outbox.confirm([waiting.id])
    assert payloads(outbox) == []
    assert outbox.depth == 0
    outbox.close()


def test_outbox_keeps_unconfirmed_messages_over_a_restart(path):
    outbox = Outbox(path, 100)
    for number in range(5):
        outbox.put(message(str(number)))
    first = outbox.next(2)
    outbox.confirm([each.id for each in first])
    outbox.close()
    again = Outbox(path, 100)
    assert payloads(again) == ["2", "3", "4"]
    assert again.depth == 3
    again.close()


def test_outbox_sends_alarms_first_and_drops_them_last(path):
    outbox = Outbox(path, 3)
    outbox.put(message("hit 0"))
    outbox.put(message("alarm 0", "always"))
    for number in range(1, 6):
        outbox.put(message(f"hit {number}"))
    outbox.put(message("alarm 1", "always"))
    assert payloads(outbox) == ["alarm 0", "alarm 1", "hit 5"]
    assert outbox.dropped == 5
    outbox.close()


def test_outbox_keeps_only_the_latest_of_a_state(path):
    outbox = Outbox(path, 100)
    for number in range(3):
        outbox.put(message(f"health {number}", "latest", "t/health"))
        outbox.put(message(f"info {number}", "latest", "t/info"))
        outbox.commit()
    assert payloads(outbox) == ["health 2", "info 2"]
    assert outbox.dropped == 0
    outbox.close()


def test_outbox_next_leaves_out_those_in_flight(path):
    outbox = Outbox(path, 100)
    for number in range(5):
        outbox.put(message(str(number)))
    sent = {each.id for each in outbox.next(3)}
    assert payloads(outbox, 10, sent) == ["3", "4"]
    outbox.close()


def test_outbox_has_a_hit_on_disk_within_50_ms(path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from edge.telemetry.outbox import Outbox; from edge.telemetry.outgoing import Outgoing\n"
        "outbox = Outbox(Path(sys.argv[1]), 100)\n"
        "for n in range(3): outbox.put(Outgoing('t', b'%d' % n, False, 'until_full', 'b'))\n"
        "print('put', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "put\n"
        time.sleep(0.5)  # ten times what is promised, for a busy machine
        writer.kill()
    outbox = Outbox(path, 100)
    assert payloads(outbox) == ["0", "1", "2"]
    outbox.close()


def test_outbox_sets_aside_what_is_refused_twice(path):
    outbox = Outbox(path, 100)
    for name in ("too large", "fine"):
        outbox.put(message(name))
    refused = outbox.next(1)[0].id
    outbox.refuse(refused, "hangs up")
    assert payloads(outbox) == ["too large", "fine"]
    outbox.refuse(refused, "hangs up")
    assert payloads(outbox) == ["fine"]
    assert (outbox.aside, outbox.depth) == (1, 1)
    assert any("set aside (hangs up)" in fault for fault in outbox.faults.values())
    outbox.close()
    again = Outbox(path, 100)
    assert payloads(again) == ["too large", "fine"]
    again.close()


def test_outbox_restates_once_and_never_over_a_newer_message(path):
    outbox = Outbox(path, 100)

    def state(payload, keep):
        return Outgoing("t/alarm", payload.encode(), retain=True, keep=keep, boot_id="b")

    for _ in range(3):
        outbox.restate(state("old", "restated"))
        outbox.commit()
    assert payloads(outbox) == ["old"]
    outbox.put(state("new", "always"))
    assert payloads(outbox) == ["new"]
    outbox.restate(state("old", "restated"))
    assert payloads(outbox) == ["new"]
    outbox.close()


def test_outbox_is_bounded_by_bytes(path):
    outbox = Outbox(path, 1000, max_bytes=20_000)
    for number in range(50):
        outbox.put(message(f"{number:02}" * 500))
        outbox.commit()
    assert 10_000 < sum(len(payload) for payload in payloads(outbox)) <= 20_000
    assert outbox.dropped == 50 - outbox.depth
    outbox.close()


def test_outbox_ignores_what_comes_after_close(path, caplog):
    outbox = Outbox(path, 100)
    outbox.put(message("one"))
    outbox.close()
    outbox.put(message("late", "always"))
    assert "after the outbox was closed" in caplog.text
    assert [each.name for each in path.parent.iterdir() if "damaged" in each.name] == []
    again = Outbox(path, 100)
    assert payloads(again) == ["one"]
    again.close()


def test_outbox_has_every_alarm_after_kill_9(path):
    program = (
        "import sys; from pathlib import Path\n"
        "from edge.telemetry.outbox import Outbox; from edge.telemetry.outgoing import Outgoing\n"
        "outbox = Outbox(Path(sys.argv[1]), 10**6)\n"
        "for n in range(10**6):\n"
        "    outbox.put(Outgoing('t', b'%d' % n, False, 'always' if n % 7 == 0 else 'until_full', 'b'))\n"
        "    if n % 7 == 0: print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as writer:
        told = 0
        while told < 350:
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    # The last line may have been cut off by the kill.
    told = max([told, *(int(line) for line in rest[:-1])])
    outbox = Outbox(path, 10**6)
    kept = {int(each) for each in payloads(outbox, 10**6)}
    assert set(range(told + 1)) <= kept
    assert outbox.faults == {}
    outbox.close()


def test_outbox_threads_lose_and_repeat_nothing(path):
    outbox = Outbox(path, 10**6)

    def put(which):
        for number in range(300):
            outbox.put(message(f"{which}-{number}"))

    writers = [threading.Thread(target=put, args=(which,)) for which in range(4)]
    for writer in writers:
        writer.start()
    got = []
    while len(got) < 1200:
        batch = outbox.next(50)
        got += [each.message.payload for each in batch]
        outbox.confirm([each.id for each in batch])
    for writer in writers:
        writer.join()
    assert len(set(got)) == 1200
    assert outbox.depth == 0
    outbox.close()
