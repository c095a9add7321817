"""The parts of scripts/check_firmware.py that need no virtual machine."""

import importlib
import io
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from edge.updater.disk import Disk
from edge.updater.state import State, Trial, save_state
from firmware_config.image.programs import found
from firmware_config.own_wheel import wheel_bytes
from firmware_config.targets import chosen

SCRIPTS = Path(__file__).parents[2] / "scripts"


needs_disk = pytest.mark.skipif(
    found("nbdkit") is None or found("qemu-io") is None, reason="nbdkit or qemu-io is not installed"
)


@pytest.fixture(autouse=True)
def scripts_path(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


def loaded(name: str):
    return importlib.import_module(name)


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
    assert (server.answers, server.first_utc_s) == (1, pytest.approx(time.time(), abs=60))


@pytest.fixture
def guest(tmp_path: Path):
    """Return a guest whose console is a shell of this machine."""
    module = loaded("firmware_guest")
    ours, theirs = socket.socketpair()
    shell = subprocess.Popen(["sh"], stdin=theirs, stdout=theirs, stderr=theirs)
    theirs.close()
    machine = loaded("firmware_machines").MACHINES["aarch64"]
    made = module.Guest(machine, "tcg", tmp_path / "disk", tmp_path, tmp_path / "log")
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


@needs_disk
def test_forgetful_disk_loses_what_was_not_flushed(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    machine = loaded("firmware_machines").MACHINES["x86_64"]
    guest = loaded("firmware_guest").Guest(machine, "tcg", disk, tmp_path, tmp_path / "log", forgetful=True)
    steps = ("write -P 1 0 4k", "flush", "write -P 2 0 8k", "read -P 2 4k 4k", "sleep 60000")
    command = ["stdbuf", "-oL", "qemu-io", "-f", "raw", "-t", "writeback", guest._disk_address()]
    command += [word for step in steps for word in ("-c", step)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        said = iter(writer.stdout.readline, "")
        assert any("read 4096" in line for line in said)
        guest.cut_power()
        writer.kill()
    assert set(disk.read_bytes()[:4096]) == {1}
    assert set(disk.read_bytes()[4096:]) == {0}


def test_machines_are_processors_that_releases_are_made_for() -> None:
    module, check = loaded("firmware_machines"), loaded("check_firmware")
    for name, machine in module.MACHINES.items():
        assert machine.name == name == chosen(check.BOARD, check.SYSTEM, name).machine
        assert f"linux-image-cloud-{machine.debian}" == machine.kernel


def test_machine_of_another_processor_is_emulated(monkeypatch) -> None:
    guest, machines = loaded("firmware_guest"), loaded("firmware_machines").MACHINES
    monkeypatch.setattr(guest.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(guest.subprocess, "run", lambda *_, **__: pytest.fail("it was started with KVM"))
    assert guest.working_accelerator(machines["aarch64"]) == "tcg"


def test_stages_that_end_before_they_begin_are_refused(monkeypatch, capsys) -> None:
    check = loaded("check_firmware")
    monkeypatch.setattr(sys, "argv", ["check_firmware.py", "--from", "updates", "--to", "first boot"])
    with pytest.raises(SystemExit, match="2"):
        check.main()
    assert "--to 'first boot' comes before --from 'updates'" in capsys.readouterr().err


def test_scenario_passes_with_all_its_checks(tmp_path: Path, capsys) -> None:
    checks = loaded("firmware_bench").Checks(tmp_path / "log")
    with checks.scenario("one"):
        checks.tell("it works", passed=True)
    with checks.scenario("two"):
        checks.tell("it is online", "not within 3 s", passed=False)
    with checks.scenario("three"):
        raise loaded("firmware_guest").GuestError("it hangs")
    with checks.scenario("four"):
        checks.tell("it works again", passed=True)
    said = capsys.readouterr().out
    assert said == (tmp_path / "log").read_text()
    words = re.findall(r"s  ((?:PASSED|FAILED): \w+) \(1 checks, 0 s\)", said)
    assert words == ["PASSED: one", "FAILED: two", "FAILED: three", "PASSED: four"]
    assert (checks.count, checks.failed) == (4, ["it is online", "three: the machine goes on"])


def test_roll_out_beside_is_waited_for(tmp_path: Path) -> None:
    module = loaded("firmware_updates")
    bench = loaded("firmware_bench").Bench(tmp_path, loaded("firmware_bench").Checks(tmp_path / "log"))
    rolling = module.RollOut(bench, ("update", "missing.tar", "--site", "missing.yaml", "--url", "https://h/"))
    try:
        assert rolling.ended(120) == 2
    finally:
        rolling.close()
    assert "missing" in rolling.last


def files_of(wheel: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_release_with_a_bug_differs_in_one_file_and_its_record() -> None:
    cases = loaded("update_cases")
    name, added = cases.BUGS[cases.CRASHES]
    good, bad = map(files_of, (wheel_bytes(), cases.with_bug(wheel_bytes(), name, added)))
    changed = {each for each in good if good[each] != bad[each]}
    record = next(each for each in good if each.endswith("/RECORD"))
    assert changed == {name, record}
    assert bad[name] == good[name] + added
    assert f"{name},,".encode() in bad[record]


def test_each_bug_is_in_a_file_of_the_wheel() -> None:
    cases = loaded("update_cases")
    assert {name for name, _ in cases.BUGS.values()} <= set(files_of(wheel_bytes()))
    assert set(cases.BUGS) < {case.number for case in cases.CASES}


def test_phase_of_the_updater_is_waited_for(guest, tmp_path: Path, monkeypatch) -> None:
    module = loaded("firmware_updates")
    monkeypatch.setattr(module, "PHASE", module.PHASE.replace("/var/lib/gammabox-updater", str(tmp_path)))
    trial = State("a", phase="trial", trial=Trial("b", "0.1.0-2", "ab", "one"))
    with pytest.raises(Exception, match="is unknown, and not trial"):
        module.wait_for_phase(guest, "trial", 1)
    save_state(Disk(), tmp_path, State("a"))
    threading.Timer(1.5, save_state, (Disk(), tmp_path, trial)).start()
    assert module.wait_for_phase(guest, "trial", 60)
    with pytest.raises(Exception, match="is trial, and not preparing, after 1 s"):
        module.wait_for_phase(guest, "preparing", 1)


@pytest.mark.parametrize(("number", "kept"), [(6, True), (16, False)])
def test_update_that_is_over_is_not_waited_for(guest, tmp_path: Path, monkeypatch, number, kept) -> None:
    module = loaded("firmware_updates")
    monkeypatch.setattr(module, "PHASE", module.PHASE.replace("/var/lib/gammabox-updater", str(tmp_path)))
    monkeypatch.setattr(module, "RELEASE", f"echo 0.1.0-{number}")
    save_state(Disk(), tmp_path, State("a"))
    if kept:
        assert not module.wait_for_phase(guest, "trial", 60)
    else:
        with pytest.raises(Exception, match="is idle, and not trial"):
            module.wait_for_phase(guest, "trial", 1)
