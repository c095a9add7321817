"""The parts of scripts/check_firmware.py that need no virtual machine."""

import importlib.util
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def loaded(name: str):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_time_server_says_the_time(monkeypatch, free_port) -> None:
    clock = loaded("firmware_clock")
    monkeypatch.setattr(clock, "PORT", free_port())
    server = clock.TimeServer("127.0.0.1")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(30)
            asker.sendto(b"\x23" + bytes(39) + b"original", ("127.0.0.1", clock.PORT))
            answer = asker.recv(1000)
    finally:
        server.close()
    assert (len(answer), answer[0], answer[24:32]) == (48, 0x24, b"original")
    seconds, part = struct.unpack(">II", answer[40:])
    assert seconds - clock.SINCE_1900 + part / 2**32 == pytest.approx(time.time(), abs=60)


@pytest.fixture
def guest(tmp_path: Path):
    """Return a guest whose console is a shell of this machine."""
    module = loaded("firmware_guest")
    ours, theirs = socket.socketpair()
    shell = subprocess.Popen(["sh"], stdin=theirs, stdout=theirs, stderr=theirs)
    theirs.close()
    made = module.Guest(tmp_path / "disk", tmp_path, "tcg", tmp_path / "log")
    made._console, made._process = ours, shell
    yield made
    made.cut_power()


def test_guest_runs_commands_in_its_shell(guest) -> None:
    assert guest.run("echo one; echo two") == (0, "one\ntwo")
    assert guest.run("(exit 3)") == (3, "")
    assert guest.ask("printf three") == "three"
    with pytest.raises(Exception, match="ended with 1: wrong"):
        guest.ask("echo wrong; false")


def test_guest_that_hangs_is_told(guest) -> None:
    with pytest.raises(Exception, match="has not ended within 1 s"):
        guest.run("sleep 30", patience_s=1)


def test_guest_without_power_does_nothing(guest) -> None:
    guest.cut_power()
    with pytest.raises(Exception, match="switched off"):
        guest.run("true")


def test_guest_waits_for_its_shell(guest) -> None:
    threading.Timer(1.0, lambda: guest._console.sendall(b"echo 'login: root (automatic login)'\n")).start()
    with pytest.raises(Exception, match="no shell"):
        guest.wait_for_shell(0)
    guest.wait_for_shell(60)
