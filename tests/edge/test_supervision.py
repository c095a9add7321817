import pytest

from edge.supervision import HUNG_S, Pulse, Watchdog


class Systemd:
    def __init__(self, watchdog_s=60.0):
        self.watchdog_s = watchdog_s
        self.heard = []

    def notify(self, state):
        self.heard += state.split("\n")


def feed(watchdog, seconds, silent_s=0.0, status="frames move", *, ready=True, start_s=0.0):
    for tick in range(round(seconds * 10)):
        watchdog.update(status, silent_s, start_s + tick / 10, ready=ready)


def test_watchdog_is_fed_four_times_an_interval():
    systemd = Systemd(watchdog_s=60.0)
    feed(Watchdog(systemd), 60)
    assert systemd.heard == ["READY=1", "WATCHDOG=1", "STATUS=frames move", *["WATCHDOG=1"] * 3]


def test_watchdog_says_nothing_before_the_agent_is_ready():
    systemd = Systemd()
    watchdog = Watchdog(systemd)
    feed(watchdog, 60, ready=False)
    assert systemd.heard == []
    feed(watchdog, 1, status="no such device", ready=True)
    assert systemd.heard == ["READY=1", "WATCHDOG=1", "STATUS=no such device"]


def test_watchdog_is_not_fed_while_a_thread_hangs():
    systemd = Systemd()
    watchdog = Watchdog(systemd)
    feed(watchdog, 1)
    systemd.heard.clear()
    feed(watchdog, 600, silent_s=HUNG_S + 1, start_s=1)
    assert systemd.heard == []
    feed(watchdog, 1, start_s=601)
    assert systemd.heard == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    ("works_since", "reader_s", "silent_s"),
    [(None, 99.0, 1.0), (None, 0.0, 100.0), (40.0, 99.0, 60.0)],
    ids=["a lost camera is opened again", "a driver hangs", "a frame never ends"],
)
def test_pulse_counts_the_silence(works_since, reader_s, silent_s):
    pulse = Pulse(0.0)
    if works_since is not None:
        pulse.begins(works_since)
    assert pulse.silent_s(100.0, reader_s) == silent_s
    pulse.beats(100.0)
    assert pulse.silent_s(101.0, 0.0) == 1.0


def test_pulse_does_not_ask_the_reader_while_any_frame_is_on_its_way():
    pulse = Pulse(0.0)
    pulse.begins(10.0)
    pulse.begins(11.0)
    pulse.ends(12.0)
    assert pulse.silent_s(50.0, reader_s=49.0) == 38.0
    pulse.ends(51.0)
    assert pulse.silent_s(60.0, reader_s=59.0) == 1.0
