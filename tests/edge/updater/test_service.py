"""systemd is asked with its own words; its answers are those of a systemctl that the test plays."""

import subprocess
import sys

import pytest

from edge.updater.errors import UpdaterError
from edge.updater.service import Systemd
from firmware_config.tool import tool_bytes

RUNS = "Result=success\nNRestarts=0\nActiveState=active\nSubState=running\n"


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """Play systemctl: note its words, and answer as the file `shown` says."""
    program = tmp_path / "systemctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/words\n[ "$1" = show ] && cat {tmp_path}/shown\n'
        f"[ -e {tmp_path}/fails ] && {{ echo refused >&2; exit 1; }}\nexit 0\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


@pytest.mark.parametrize(
    ("shown", "wanted", "crashed"),
    [
        (RUNS, True, None),
        (RUNS.replace("ActiveState=active", "ActiveState=activating"), True, None),
        (RUNS.replace("NRestarts=0", "NRestarts=1"), True, "success"),
        ("Result=watchdog\nNRestarts=1\nActiveState=active\nSubState=running\n", True, "watchdog"),
        ("Result=exit-code\nNRestarts=0\nActiveState=activating\nSubState=auto-restart\n", True, "exit-code"),
        ("Result=exit-code\nNRestarts=0\nActiveState=failed\nSubState=failed\n", True, "exit-code"),
        ("Result=success\nNRestarts=0\nActiveState=inactive\nSubState=dead\n", False, None),
        ("Job=7\nResult=success\nNRestarts=0\nActiveState=inactive\nSubState=dead\n", True, None),
    ],
)
def test_systemd_tells_how_the_agent_stands(systemctl, shown, wanted, crashed):
    (systemctl / "shown").write_text(shown, encoding="utf-8")
    process = Systemd().look()
    assert (process.wanted, process.crashed) == (wanted, crashed)


def test_systemd_starts_and_stops_the_agent(systemctl):
    Systemd().stop()
    Systemd().start()
    assert (systemctl / "words").read_text().splitlines() == [
        "stop gammabox-edge.service",
        "reset-failed gammabox-edge.service",
        "start --no-block gammabox-edge.service",
    ]


def test_systemd_that_refuses_is_an_error(systemctl):
    (systemctl / "fails").touch()
    with pytest.raises(UpdaterError, match=r"systemctl stop gammabox-edge\.service: refused"):
        Systemd().stop()


@pytest.mark.parametrize("word", ["update", "recover"])
def test_tool_on_a_box_without_slots_says_so(tmp_path, word):
    (tmp_path / "tool.pyz").write_bytes(tool_bytes())
    command = [sys.executable, "-I", "-S", tmp_path / "tool.pyz", word, "--root", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "is no link to a slot; set the box up with: gammabox-firmware install" in ran.stderr
    shown = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "tool.pyz", "status", "--root", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "no update so far\n"
