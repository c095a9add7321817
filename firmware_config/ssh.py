"""Commands and copies on a box over ssh, through one connection: a password is asked for once."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import InputError
from edge.text import one_line
from firmware_config.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

NO_CONNECTION = 255
"""Exit code of ssh itself, ssh(1); others are those of the command on the box."""
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:%-]*")
_PATIENCE_S = 60
_ERROR = "error: "
# /tmp lies in memory on newer systems, and a release may not fit there.
_NEW_FOLDER = "umask 077; mktemp -d /var/tmp/gammabox-install.XXXXXXXX"
_RIGHTS = "id -u; sudo -n true 2>/dev/null && echo sudo || echo no"


def checked_address(text: str, option: str) -> str:
    """Return the name of a box as ssh takes it. Raise InputError where it is none, such as an option of ssh."""
    if not _ADDRESS.fullmatch(text):
        raise InputError(f"{option} names no box; write it as ssh takes it, such as pi@10.0.0.7")
    return text


@contextmanager
def connection(host: str, config: Path | None = None) -> Iterator[Ssh]:
    """Yield a connection to a box, with a configuration of ssh where one is given. It ends with the block.

    Raises
    ------
    InputError
        The host is none.

    """
    with tempfile.TemporaryDirectory(prefix="gammabox-ssh-") as sockets:
        options = [] if config is None else ["-F", str(config)]
        options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={sockets}/%C", "-o", "ControlPersist=60"]
        ssh = Ssh(checked_address(host, "HOST"), (*options, "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15"))
        try:
            yield ssh
        finally:
            ssh.close()


@dataclass(frozen=True, slots=True)
class Ssh:
    """A connection to a box. `options` are those of ssh and scp."""

    host: str
    options: tuple[str, ...]

    def close(self) -> None:
        """End the shared connection, where there is one."""
        with contextlib.suppress(FirmwareError):
            self._call(["ssh", *self.options, "-O", "exit", self.host])

    def rights(self) -> tuple[bool, bool]:
        """Return whether the user there is root, and whether sudo works without a password."""
        lines = self.run(_RIGHTS).split()
        return lines[:1] == ["0"], lines[1:2] == ["sudo"]

    @contextmanager
    def folder(self) -> Iterator[str]:
        """Make a private folder on the box for the time of the block."""
        path = self.run(_NEW_FOLDER).strip()
        if not re.fullmatch(r"/var/tmp/gammabox-install\.[A-Za-z0-9]+", path):  # noqa: S108 - made there by mktemp
            raise FirmwareError(f"{self.host}: made no folder for the release; it says {one_line(path, 100)}")
        try:
            yield path
        finally:
            with contextlib.suppress(FirmwareError):
                self.run(f"rm -rf -- {shlex.quote(path)}")

    def run(self, command: str) -> str:
        """Run a command on the box and return what it prints.

        Raises
        ------
        FirmwareError
            The box cannot be reached, or the command fails, with the last line that it said.

        """
        return self._call(["ssh", *self.options, self.host, command])

    def copy(self, sources: Sequence[Path], target: str) -> None:
        """Copy files and folders to the box. Raise FirmwareError where that fails."""
        self._call(["scp", "-q", "-r", *self.options, *(str(path) for path in sources), f"{self.host}:{target}"], None)

    def run_shown(self, command: str, say: Callable[[str], None], *, on_terminal: bool = False) -> None:
        """Run a command on the box and pass on its lines as they come.

        Parameters
        ----------
        command : str
            For the shell there.
        say : callable
            Takes each line, without control signs.
        on_terminal : bool
            Whether it may ask for a password on the terminal here.

        Raises
        ------
        FirmwareError
            It fails; the message is the line that begins with `error:`.

        """
        if on_terminal:
            code, reason = subprocess.call(["ssh", "-t", *self.options, self.host, command]), "see above"
        else:
            code, reason = self._passed_on(["ssh", *self.options, self.host, command], say)
        if code != 0:
            raise FirmwareError(f"{self.host}: {reason or f'it ended with code {code} and without a reason'}")

    def _passed_on(self, command: Sequence[str], say: Callable[[str], None]) -> tuple[int, str]:
        reason = ""
        with _started(command) as process:
            for line in process.stdout or ():
                text = one_line(line.rstrip("\r\n"))
                if text.startswith(_ERROR):
                    reason = text.removeprefix(_ERROR)
                elif text:
                    reason = text if process.poll() else reason
                    say(f"{self.host}: {text}")
        return process.returncode, reason

    def _call(self, command: Sequence[str], patience_s: float | None = _PATIENCE_S) -> str:
        with _started(command, stderr=subprocess.PIPE) as process:
            try:
                out, error = process.communicate(timeout=patience_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise FirmwareError(
                    f"{self.host}: no answer within {patience_s:g} s; check power and network"
                ) from None
        if process.returncode != 0:
            reason = one_line((error.strip().splitlines() or ["no reason given"])[-1], 300)
            raise FirmwareError(f"{self.host}: {reason}")
        return out


def _started(command: Sequence[str], stderr: int = subprocess.STDOUT) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, errors="replace"
        )
    except FileNotFoundError:
        raise FirmwareError(f"{command[0]} is not installed here; sudo apt-get install openssh-client") from None
