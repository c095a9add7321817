"""A real OpenSSH server on a port of this machine, for whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from site_broker import is_open, wait_until

from firmware_config.image.programs import found

PATIENCE_S = 20.0
SSHD = found("sshd")

_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""
_CLIENT = """\
Host box
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
  LogLevel ERROR
"""


@contextmanager
def ssh_server(folder: Path):
    """Run a server; yield the configuration of ssh by which the host `box` is reached."""
    if SSHD is None or shutil.which("ssh") is None or shutil.which("scp") is None:
        pytest.skip("needs sshd, ssh and scp (openssh-server, openssh-client)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # of the package; made at the start of the machine
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    values = {"port": port, "folder": folder, "user": getpass.getuser()}
    (folder / "sshd_config").write_text(_SERVER.format(**values))
    (folder / "ssh_config").write_text(_CLIENT.format(**values))
    with (folder / "log").open("w") as log:
        command = [SSHD, "-D", "-e", "-f", folder / "sshd_config"]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        try:
            wait_until(lambda: is_open(port) or server.poll() is not None, PATIENCE_S)
            if server.poll() is not None or not is_open(port):
                pytest.skip(f"sshd does not start here: {(folder / 'log').read_text().strip()[-200:]}")
            yield folder / "ssh_config"
        finally:
            server.terminate()
            server.wait(PATIENCE_S)
