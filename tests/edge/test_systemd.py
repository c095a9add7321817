import socket

import pytest

from edge.systemd import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_a_state_reaches_the_socket_that_systemd_names(tmp_path, abstract):
    name = f"@gammabox-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(5)
        Notifier({"NOTIFY_SOCKET": name}).tell("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_nobody_is_told_outside_systemd_and_a_dead_socket_is_no_reason_to_stop(tmp_path, caplog):
    Notifier({}).tell("READY=1")
    assert not caplog.records
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")
    assert "cannot be told READY=1" in caplog.text


@pytest.mark.parametrize(
    ("given", "seconds"), [("2000000", 2.0), ("", None), ("0", None), ("soon", None), ("-5", None)]
)
def test_the_watchdog_period_is_read_in_microseconds(given, seconds):
    assert Notifier({"WATCHDOG_USEC": given}).watchdog_s == seconds
