"""Makes a release for every kind of boxes, installs this machine's without a network, and analyses a clip with it.

`make check-release`. Wheels are fetched once and kept in build/release. What is installed is run by the system's
Python, /usr/bin/python3, in a network namespace of its own, below a root folder in build/release.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from check_arm import FRAMES, write_clip

from edge.bundle import shipped_bundle_path
from edge.installer.box import read_box
from edge.installer.trust import save_trust
from firmware_config import release_keys
from firmware_config.release import Plan, make
from firmware_config.targets import KINDS, Choice
from firmware_config.tool import NAME as TOOL_NAME
from firmware_config.tool import tool_bytes
from firmware_config.wheels import fetch

PYTHON = "/usr/bin/python3"
_MIB = 1 << 20
_OFFLINE = ("unshare", "--net")


def main() -> int:
    """Make all releases, install one, and return 0 when everything works, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where wheels and releases are kept")
    folder = parser.parse_args().folder.absolute()
    with tempfile.TemporaryDirectory(prefix="gammabox-keys-") as temporary:
        keys = Path(temporary) / "keys"
        ring = release_keys.create(keys)
        releases = {choice: made(choice, folder, keys) for choice in choices()}
        save_trust(folder / "trust.json", ring.trust)
    own = next((choice for choice in releases if is_here(choice)), None)
    if own is None:
        print("no release is for this machine and its /usr/bin/python3: nothing was installed")
        return 0
    return 0 if installed(releases[own], folder) else 1


def choices() -> list[Choice]:
    """Return every kind of boxes that releases are made for."""
    return [
        Choice(name, system, machine)
        for name, kind in KINDS.items()
        for system in kind.systems
        for machine in kind.machines
    ]


def is_here(choice: Choice) -> bool:
    """Return whether this machine with its system's Python is a box of a kind."""
    command = [PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    facts, target = read_box(Path("/")), choice.target
    here = (facts.board in target.boards, facts.system, facts.machine, said.stdout.strip())
    return here == (True, target.system, target.machine, target.python)


def wheels_of(choice: Choice, folder: Path) -> Path:
    """Return the folder of the wheels for a kind of boxes; they are fetched where it is missing."""
    wheels = folder / "wheels" / choice.name
    if not wheels.exists():
        fetch(choice, wheels)
    return wheels


def made(choice: Choice, folder: Path, keys: Path) -> Path:
    """Make the release of a kind of boxes, print its sizes, and return it."""
    wheels, path = wheels_of(choice, folder), folder / f"{choice.name}.tar"
    path.unlink(missing_ok=True)
    begun = time.monotonic()
    release = make(Plan(choice, 1, 0, wheels, shipped_bundle_path(), keys), path)
    print(
        f"{choice.name:24} Python {choice.python}: {len(release.manifest.files)} files, "
        f"{path.stat().st_size / _MIB:.0f} MiB, installed {release.manifest.installed_bytes / _MIB:.0f} MiB, "
        f"made in {time.monotonic() - begun:.1f} s",
        flush=True,
    )
    return path


def installed(release: Path, folder: Path) -> bool:
    """Install a release without a network, analyse a clip with what was installed, and return whether that works."""
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    (root / "etc").mkdir(parents=True)
    shutil.copyfile("/etc/os-release", root / "etc/os-release")
    (folder / TOOL_NAME).write_bytes(tool_bytes())
    begun = time.monotonic()
    tool = [*_OFFLINE, PYTHON, "-I", folder / TOOL_NAME]
    subprocess.run([*tool, "install", release, "--trust", folder / "trust.json", "--root", root], check=True)
    seconds = time.monotonic() - begun
    slot = root / "opt/gammabox/slots/a"
    size = sum(path.lstat().st_size for path in slot.rglob("*") if path.is_file())
    print(f"installed in {seconds:.0f} s, {size / _MIB:.0f} MiB")
    agent, clip = root / "opt/gammabox/venv/bin/gammabox-edge", folder / "clip.avi"
    write_clip(clip)
    command = [*_OFFLINE, agent, "analyze", clip, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    if ran.returncode != 0:
        print(f"FAILED: analyze ended with {ran.returncode}: {ran.stderr.strip()}", file=sys.stderr)
        return False
    summary = json.loads(ran.stdout)
    works = summary["frames"] == FRAMES and summary["hits"] > 0
    verdict = "PASSED" if works else "FAILED"
    print(f"{verdict}: {summary['frames']} frames and {summary['hits']} hits, with {summary['runtime']}")
    return works


if __name__ == "__main__":
    sys.exit(main())
