import socket

import pytest

from edge.systemd import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_notifier_writes_to_the_socket_of_systemd(tmp_path, abstract):
    name = f"@gammabox-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(5)
        Notifier({"NOTIFY_SOCKET": name}).notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_notifier_ignores_a_missing_and_a_dead_socket(tmp_path, caplog):
    Notifier({}).notify("READY=1")
    assert not caplog.records
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).notify("READY=1")
    assert "cannot notify systemd" in caplog.text


@pytest.mark.parametrize(
    ("given", "seconds"), [("2000000", 2.0), ("", None), ("0", None), ("soon", None), ("-5", None)]
)
def test_notifier_reads_the_watchdog_in_microseconds(given, seconds):
    assert Notifier({"WATCHDOG_USEC": given}).watchdog_s == seconds
