"""Sets up a box at its first boot, without a network: the program that `gammabox-firmware image` puts into an image.

It runs with the system's Python before anything of Gammabox is installed, so it uses the standard library alone. Each
step can be done again: after a power cut, or a boot that failed, the next boot goes on. At the end it removes itself.

1. What lies in the folder gammabox of the boot partition moves to the disk, the key among it. A new file that is put
   there later replaces the old one.
2. A box without a key makes one, and leaves a request for a certificate on the boot partition.
3. The release is installed, and the agent started.
4. gammabox-status.txt on the boot partition says in plain words what was done, or what failed. It holds no secret.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BASE = "opt/gammabox"
FOLDER = f"{BASE}/firstboot"
PROGRAM = "gammabox-firstboot"
SETTINGS, TOOL, RELEASE, TRUST = "settings.json", "gammabox-box.pyz", "release.tar", "trust.json"
BOX, INSTALLED = "box", "installed"
BOOT_FOLDER, STATUS, TAKEN = "gammabox", "gammabox-status.txt", ".taken"
REQUEST, KEY, CERTIFICATE = "box.csr", "box.key", "box.crt"
UNIT, AGENT = f"{PROGRAM}.service", "gammabox-edge.service"
UPDATER_UNITS = ("gammabox-updater.path", "gammabox-updater.timer")
SECRETS = (KEY, "next.key")
PATIENCE_S, EXIT_FAILED = 3600, 1
_PEM = re.compile(r"-----BEGIN [^-]*-----.*?(-----END [^-]*-----|\Z)", re.DOTALL)
_ADDRESS_LOGIN = re.compile(r"//[^/@\s]+@")


class FirstBootError(Exception):
    """A step that failed. The message is one sentence without a secret."""


@dataclass(frozen=True)
class Place:
    """Where things are: the root, normally `/`, and what settings.json says."""

    root: Path
    device: str
    site: str
    boot: Path
    has_tls: bool
    login: str | None = None
    login_key: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of this program and of what it installs."""
        return self.root / FOLDER

    @property
    def box(self) -> Path:
        """The files of the box, its key among them, until they are in their place."""
        return self.folder / BOX

    @property
    def is_running(self) -> bool:
        """Whether the root is that of the running system, and not a folder."""
        return self.root == Path("/")


def main() -> int:
    """Set up the box and return 0, or 1 after a step has failed; the next boot tries again."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Set up this box of Gammabox at its first boot.")
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that stands for / in a test")
    root = parser.parse_args().root.resolve()
    os.umask(0o022)  # the agent's user has to read what is installed; what is private says so itself
    place = None
    try:
        place = load_place(root)
        text = set_up(place)
        done = True
    except (FirstBootError, OSError) as error:
        text = f"It failed: {one_line(str(error))}\nThe next start of the box tries again."
        done = False
    print(text, flush=True)
    if place is not None:
        write_status(place, text)
        if done and (place.folder / INSTALLED).exists():
            clean_up(place)
    return 0 if done else EXIT_FAILED


def load_place(root: Path) -> Place:
    """Read settings.json. Raise FirstBootError where it is missing or damaged."""
    path = root / FOLDER / SETTINGS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        boot = root / str(content["boot"]).lstrip("/")
        names = {name: content[name] for name in ("device", "site", "has_tls", "login", "login_key")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FirstBootError(f"{path} cannot be read ({error}); write the card again") from None
    return Place(root, boot=boot, **names)


def set_up(place: Place) -> str:
    """Do all steps and return what to tell people. Raise FirstBootError where one fails."""
    take_over(place)
    name_host(place)
    make_login(place)
    if place.has_tls and not (place.box / CERTIFICATE).exists() and not (place.folder / INSTALLED).exists():
        return request_certificate(place)
    if not (place.folder / INSTALLED).exists():
        install(place)
    if place.is_running:
        run("systemctl", "daemon-reload")
        start_agent()
        units = [unit for unit in UPDATER_UNITS if (place.root / "etc/systemd/system" / unit).exists()]
        if units:
            run("systemctl", "start", *units)
    release = (place.root / BASE / "venv/RELEASE").read_text(encoding="utf-8").splitlines()[0]
    return (
        f"Release {release} is installed and the agent is started.\n"
        f"Whether it works says, where the site file lies: gammabox-firmware verify SITE {place.device}"
    )


def take_over(place: Place) -> list[str]:
    """Move the files of the box from the boot partition to the disk, and return their names.

    A file leaves the boot partition only when its copy has reached the disk. What is secret is overwritten there first.
    """
    source = place.boot / BOOT_FOLDER
    if not source.is_dir():
        return []
    make_private(place.box)
    files = [path for path in sorted(source.iterdir()) if path.is_file() and path.name != REQUEST]
    taken = [path.name for path in files if path.suffix != TAKEN]
    for name in taken:
        write_private(place.box / name, (source / name).read_bytes())
    sync_folder(place.box)
    for path in files:
        wipe(path)
    if not (source / REQUEST).exists():
        shutil.rmtree(source)
    os.sync()
    return taken


def wipe(path: Path) -> None:
    """Overwrite a file with zeros and remove it. A flash memory may keep old blocks where nobody reads them.

    It gets another name first: after a power cut nobody is to take the zeros for its content.
    """
    if path.suffix != TAKEN:
        path = path.rename(path.with_name(path.name + TAKEN))
        sync_folder(path.parent)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def request_certificate(place: Place) -> str:
    """Make the key of the box, where it has none, and leave a request for its certificate on the boot partition."""
    make_private(place.box)
    key = place.box / KEY
    if not key.exists():
        part = key.with_name(f"{KEY}.part")
        write_private(part, b"")  # so that the key is never readable for others
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(part))
        part.replace(key)
        sync_folder(place.box)
    request = place.boot / BOOT_FOLDER / REQUEST
    if not request.exists():
        request.parent.mkdir(exist_ok=True)
        part = request.with_name(f"{REQUEST}.part")
        run("openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={place.device}", "-out", str(part))
        part.replace(request)
        os.sync()
    return (
        f"The box has made its key and waits for its certificate. Take {BOOT_FOLDER}/{REQUEST} from this card, then:\n"
        f"    gammabox-firmware credentials issue SITE {place.device} {REQUEST}\n"
        f"Copy the certificate as {CERTIFICATE} into the folder {BOOT_FOLDER} of this card, and start the box again."
    )


def install(place: Place) -> None:
    """Install the release with the tool that came with it, and leave a mark that it is there."""
    folder = place.folder
    for name in (TOOL, RELEASE, TRUST):
        if not (folder / name).is_file():
            raise FirstBootError(f"{folder / name} is missing; write the card again")
    words = ("--no-start", "--trust", str(folder / TRUST), "--box", str(place.box), "--root", str(place.root))
    run(sys.executable, "-I", str(folder / TOOL), "install", *words, str(folder / RELEASE))
    write_private(folder / INSTALLED, b"")
    sync_folder(folder)
    shutil.rmtree(place.boot / BOOT_FOLDER, ignore_errors=True)
    os.sync()


def host_of(device: str) -> str:
    """Return the name of the machine: that of the box, as far as a host may have it."""
    return re.sub(r"[^a-z0-9-]+", "-", device).strip("-") or "gammabox"


def start_agent() -> None:
    """Start the agent. Raise FirstBootError with the end of its journal where it does not start."""
    try:
        run("systemctl", "restart", AGENT)
    except FirstBootError:
        words = ("journalctl", "--unit", AGENT, "--lines", "4", "--output", "cat", "--no-pager")
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        raise FirstBootError(f"the release is installed, but the agent does not start: {ran.stdout}") from None


def name_host(place: Place) -> None:
    """Set the name of the machine."""
    name = host_of(place.device)
    etc = place.root / "etc"
    if read_text(etc / "hostname").strip() == name:
        return
    (etc / "hostname").write_text(f"{name}\n", encoding="utf-8")
    lines = [line for line in read_text(etc / "hosts").splitlines() if not line.startswith("127.0.1.1")]
    (etc / "hosts").write_text("\n".join([*lines, f"127.0.1.1\t{name}"]) + "\n", encoding="utf-8")
    if place.is_running:
        run("hostname", name)


def make_login(place: Place) -> None:
    """Make the login of the technician, by ssh key alone, and host keys of this box where it has none."""
    if place.login is None or place.login_key is None:
        return
    root = () if place.is_running else ("--root", str(place.root))
    if not re.search(rf"^{re.escape(place.login)}:", read_text(place.root / "etc/passwd"), re.MULTILINE):
        run("useradd", *root, "--create-home", "--shell", "/bin/bash", place.login)
    lines = read_text(place.root / "etc/passwd").splitlines()
    words = next(line.split(":") for line in lines if line.startswith(f"{place.login}:"))
    owner, group, home = int(words[2]), int(words[3]), place.root / words[5].lstrip("/")
    keys = home / ".ssh/authorized_keys"
    make_private(keys.parent)
    write_private(keys, f"{place.login_key}\n".encode())
    for path in (keys.parent, keys) if os.geteuid() == 0 else ():
        os.chown(path, owner, group)
    rule = place.root / "etc/sudoers.d/gammabox"
    rule.parent.mkdir(mode=0o750, exist_ok=True)
    write_private(rule, f"{place.login} ALL=(ALL) NOPASSWD: ALL\n".encode())
    rule.chmod(0o440)
    if place.is_running:
        run("ssh-keygen", "-A")
        run("systemctl", "enable", "--now", "--no-block", "ssh.service")


def write_status(place: Place, text: str) -> None:
    """Write what was done onto the boot partition, where any PC can read it, without a secret."""
    secrets = [read_text(place.box / name) for name in SECRETS]
    lines = f"{place.device} of {place.site}, {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC by its clock\n\n"
    content = without_secrets(f"{lines}{text}\n", secrets).replace("\n", "\r\n")
    try:
        path = place.boot / STATUS
        part = path.with_name("gammabox.tmp")
        part.write_text(content, encoding="utf-8", newline="")
        part.replace(path)
        os.sync()
    except OSError as error:
        print(f"the status cannot be written to {place.boot}: {error.strerror}", flush=True)


def without_secrets(text: str, secrets: list[str]) -> str:
    """Return text without keys, without logins in addresses, and without any line of the secrets."""
    text = _ADDRESS_LOGIN.sub("//…@", _PEM.sub("(removed)", text))
    for secret in secrets:
        for line in secret.splitlines():
            if len(line.strip()) >= 8:
                text = text.replace(line.strip(), "(removed)")
    return text


def clean_up(place: Place) -> None:
    """Remove what is not needed any more; this program goes last, so that a power cut leaves it to go on."""
    if place.is_running:
        run("systemctl", "disable", UNIT)
    for name in (RELEASE, TOOL, TRUST):
        (place.folder / name).unlink(missing_ok=True)
    shutil.rmtree(place.box, ignore_errors=True)
    (place.root / "etc/systemd/system" / UNIT).unlink(missing_ok=True)
    os.sync()
    shutil.rmtree(place.folder)


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, in one step, and wait until it is on the disk."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. This program cannot import the function in edge.files."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_text(path: Path) -> str:
    """Return the text of a file; an empty one where it is missing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def one_line(text: str) -> str:
    """Return text as one line of at most 1,000 characters that cannot do harm on a terminal."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown if len(shown) <= 1000 else f"{shown[:999]}…"


def run(*words: str) -> None:
    """Run a program and show what it says. Raise FirstBootError with its last line where it fails."""
    name = TOOL if words[0] == sys.executable else words[0]
    try:
        ran = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=PATIENCE_S
        )
    except FileNotFoundError:
        raise FirstBootError(f"{name} is missing in this system") from None
    except subprocess.TimeoutExpired:
        raise FirstBootError(f"{name} has not ended after {PATIENCE_S // 60} min; is the card worn out?") from None
    print(ran.stdout, end="", flush=True)
    if ran.returncode != 0:
        lines = [line.strip() for line in ran.stdout.splitlines() if line.strip()]
        raise FirstBootError(lines[-1].removeprefix("error: ") if lines else f"{name} ended with {ran.returncode}")


if __name__ == "__main__":
    sys.exit(main())
