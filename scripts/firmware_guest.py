"""The virtual machine of `make check-firmware`: started, looked into by its serial console, and cut off from power."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_machines import Machine

PROBE_S = 30
DONE = "gammabox-check-done"


class GuestError(Exception):
    """The virtual machine does not do what it should. The message says what."""


def working_accelerator(machine: Machine) -> str:
    """Return `kvm` where a machine begins to run with it within seconds, else `tcg`, software emulation."""
    if machine.name != platform.machine() or not Path("/dev/kvm").exists():
        return "tcg"
    command = [*machine.words("kvm"), "-serial", "stdio", *machine.firmware_words(None)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROBE_S, errors="replace")
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode("utf-8", "replace") if isinstance(error.stdout, bytes) else ""
    else:
        text = ran.stdout
    # Without a disk the firmware ends in its shell or its menu, which it says on the serial line.
    return "kvm" if "UEFI" in text or "Shell" in text or "BdsDxe" in text else "tcg"


class Guest:
    """A virtual machine with a disk, a network and a serial console.

    A forgetful disk keeps what is written in a cache of its own until it is flushed, and loses it without power.
    """

    def __init__(
        self, machine: Machine, accelerator: str, disk: Path, folder: Path, log: Path, *, forgetful: bool = False
    ) -> None:
        self._machine, self._accelerator, self._disk, self._folder, self._log = machine, accelerator, disk, folder, log
        self._forgetful = forgetful
        self._process: subprocess.Popen[bytes] | None = None
        self._cache: subprocess.Popen[bytes] | None = None
        self._console: socket.socket | None = None
        self._text = ""

    def start(self, rtc: str = "utc") -> None:
        """Switch the machine on. What it says goes to the log."""
        variables, line = self._folder / "vars.fd", self._folder / "console"
        if not variables.exists():
            shutil.copy(self._machine.variables, variables)
        line.unlink(missing_ok=True)
        command = [
            *self._machine.words(self._accelerator),
            *("-rtc", f"base={rtc}", "-no-reboot"),
            *self._machine.firmware_words(variables),
            *("-drive", f"file={self._disk_address()},format=raw,if=virtio,cache=writeback"),
            *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-chardev", f"socket,id=line,path={line},server=on,wait=off", "-serial", "chardev:line"),
        ]
        with (self._folder / "qemu.log").open("ab") as errors:
            self._process = subprocess.Popen(command, stdout=errors, stderr=errors, stdin=subprocess.DEVNULL)
        self._text = ""
        self._console = _connected(line, self._process)

    def _disk_address(self) -> str:
        """Return where QEMU finds the disk; a forgetful one is served by nbdkit, whose cache ends with it."""
        if not self._forgetful:
            return str(self._disk)
        line = self._folder / "disk"
        line.unlink(missing_ok=True)
        command = ["nbdkit", "--foreground", "--unix", line, "--filter=cache", "file", self._disk, "cache=writeback"]
        self._cache = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(self._folder)})
        for _ in range(100):
            if line.exists():
                return f"nbd+unix:///?socket={line}"
            time.sleep(0.1)
        raise GuestError("nbdkit serves no disk")

    def wait_for_shell(self, patience_s: float) -> None:
        """Wait until the root shell of the console answers."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if "automatic login" in self._text:
                self._read(3)
                self.run(":", patience_s)  # the greeting, and the echo of what was typed before the shell, end here
                return
            self._read(1)
        raise GuestError(f"no shell on its console within {patience_s:.0f} s: {self._text[-300:]!r}")

    def wait_until_up(self, patience_s: float) -> None:
        """Wait for cloud-init, the last to start: until then an emulated machine has no time for frames."""
        self.wait_for_shell(patience_s)
        up = "systemctl is-active -q cloud-init.target && systemctl is-active -q gammabox-edge"
        self.ask(f"until {up}; do sleep 1; done", patience_s)

    def run(self, command: str, patience_s: float = 120) -> tuple[int, str]:
        """Run a command in the root shell and return its exit code and what it says."""
        if self._console is None:
            raise GuestError("it is switched off")
        mark = f"{DONE}-{time.monotonic_ns()}"
        self._read(0.1)  # what the system has said since the last command
        at = len(self._text)
        # The mark is put together by the shell, so that an echo of the line is not taken for it.
        self._console.sendall(f"echo; {command}\nprintf '%s%s %s\\n' '{mark[:9]}' '{mark[9:]}' $?\n".encode())
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            self._read(0.5)
            found = re.search(rf"{mark} (\d+)", self._text[at:])
            if found:
                return int(found[1]), self._text[at : at + found.start()].strip()
        raise GuestError(f"{command!r} has not ended within {patience_s:.0f} s: {self._text[at:][-300:]!r}")

    def ask(self, command: str, patience_s: float = 120) -> str:
        """Return what a command says. Raise GuestError where it fails."""
        code, text = self.run(command, patience_s)
        if code:
            raise GuestError(f"{command!r} ended with {code}: {text[-300:]}")
        return text

    def shut_down(self, patience_s: float = 300) -> None:
        """Let the system end, and the machine with it."""
        if self._console is None or self._process is None:
            return
        self._console.sendall(b"\nsystemctl poweroff\n")
        deadline = time.monotonic() + patience_s
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(GuestError):  # it has ended, as it should
                self._read(0.5)
        self.cut_power()

    def cut_power(self) -> None:
        """End the machine at once, whatever it is doing. What it had written is on its disk, if it does not forget."""
        for process in (self._cache, self._process):
            if process is not None:
                process.kill()
                process.wait()
        if self._console is not None:
            self._console.close()
        self._process = self._console = self._cache = None

    def _read(self, seconds: float) -> None:
        """Take in what comes from the console within some time."""
        if self._console is None or self._process is None:
            raise GuestError("it is switched off")
        self._console.settimeout(seconds)
        try:
            piece = self._console.recv(1 << 16)
        except TimeoutError:
            return
        if not piece:
            if self._process.poll() is not None:
                raise GuestError(f"it has ended by itself: {self._text[-300:]!r}")
            time.sleep(seconds)
            return
        with self._log.open("ab") as log:
            log.write(piece)
        self._text += piece.decode("utf-8", "replace").replace("\r", "")


def _connected(line: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    for _ in range(100):
        if process.poll() is not None:
            raise GuestError("qemu ended at once; see qemu.log")
        if line.exists():
            console = socket.socket(socket.AF_UNIX)
            try:
                console.connect(str(line))
            except ConnectionRefusedError:
                console.close()
            else:
                return console
        time.sleep(0.1)
    raise GuestError("qemu opens no console; see qemu.log")
