"""Checks the V4L2 source and the doctor on the kernel's virtual camera `vivid`, in a virtual machine.

`make check-camera`. A kernel of Debian boots under QEMU, by software emulation unless --accel says otherwise, with this
machine's file system read-only beneath it, and runs `camera_guest.py`: frames from /dev/video0, controls set and read
back, the device removed and returned, frames again, the doctor's table before, meanwhile and after. It needs Debian's
qemu-system-x86, busybox-static and kmod; the kernel is fetched with `apt-get download` once, and never installed.

What this does not prove: `vivid` delivers raw pictures, no Motion JPEG, and has gain but no exposure. Motion JPEG and
exposure of a USB camera, and everything about CSI cameras, wait for hardware (`make test-hardware`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edge.commands.console import EXIT_CHECK_FAILED, EXIT_UNUSABLE

REPOSITORY = Path(__file__).parent.parent
GUEST = REPOSITORY / "scripts" / "camera_guest.py"
PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "depmod": "kmod", "modprobe": "kmod", "dpkg-deb": "dpkg"}
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "vivid")
KERNEL = "linux-image-amd64"
RESULT = "RESULT "
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs dev /dev
for module in $($b cat /order); do $b insmod /modules/$module $($b cat /options/$module 2>/dev/null); done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /lower
$b mount -t tmpfs -o size=1g scratch /upper; $b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /box
for kind in proc sysfs devtmpfs; do
  case $kind in sysfs) at=sys;; devtmpfs) at=dev;; *) at=$kind;; esac
  $b mount -t $kind $kind /box/$at
done
for kind in tmp run; do $b mount -t tmpfs scratch /box/$kind; done
$b chroot /box /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp COLUMNS=120 PYTHONPATH=@REPOSITORY@ \
  @PYTHON@ @GUEST@
$b poweroff -f
"""


class UnavailableError(Exception):
    """A program or package that this check needs is missing. The message says which."""


def main() -> int:
    """Run the check and return 0 when everything in the guest has passed, 1 when not, 2 when it cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", type=Path, help="linux-image package (.deb), instead of the one from apt")
    parser.add_argument("--accel", default="tcg", choices=("tcg", "kvm"), help="tcg emulates and works anywhere")
    parser.add_argument("--limit-s", type=float, default=900)
    arguments = parser.parse_args()
    try:
        check_programs()
        kernel = unpacked_kernel(arguments.kernel)
        with tempfile.TemporaryDirectory() as folder:
            initrd = Path(folder) / "initrd"
            initrd.write_bytes(initial_files(kernel))
            results = run_guest(kernel, initrd, arguments.accel, arguments.limit_s)
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    failed = [name for name, passed in results.items() if not passed]
    if not results.get("guest ran to its end"):
        failed = [*failed, "guest ran to its end"]
    print(f"FAILED: {', '.join(dict.fromkeys(failed))}" if failed else f"PASSED: {len(results)} checks on vivid")
    return EXIT_CHECK_FAILED if failed else 0


def check_programs() -> None:
    """Check that the programs of other packages are there."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if busybox() is None:
        missing.append("busybox-static")
    if missing:
        raise UnavailableError(f"apt-get install {' '.join(dict.fromkeys(missing))}")


def busybox() -> Path | None:
    """Return the busybox that needs no libraries."""
    found = shutil.which("busybox")
    return Path(found).resolve() if found is not None else None


def unpacked_kernel(package: Path | None) -> Path:
    """Return the folder of an unpacked kernel package: the given one, or the newest of apt, kept in the cache."""
    cache = Path(os.environ.get("GAMMABOX_CACHE", REPOSITORY / ".cache")) / "vivid"
    cache.mkdir(parents=True, exist_ok=True)
    if package is None:
        shown = subprocess.run(["apt-cache", "depends", KERNEL], capture_output=True, text=True, check=False).stdout
        match = re.search(r"Depends: (linux-image-\S+)", shown)
        if match is None:
            raise UnavailableError(f"apt knows no {KERNEL}: run apt-get update, or name a package with --kernel")
        name = match[1]
    else:
        name = package.name.partition("_")[0]
    folder = cache / name
    if (folder / "complete").exists():
        return folder
    if package is None:
        subprocess.run(["apt-get", "download", name], cwd=cache, check=True, capture_output=True)
        package = max(cache.glob(f"{name}_*.deb"))
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    subprocess.run(["depmod", "-b", str(folder), release(folder)], check=True)
    (folder / "complete").touch()
    return folder


def release(kernel: Path) -> str:
    """Return the release of an unpacked kernel."""
    return next((kernel / "lib" / "modules").iterdir()).name


def initial_files(kernel: Path) -> bytes:
    """Return the initial file system: busybox, the modules in their order, and the first program."""
    modules: dict[str, Path] = {}
    for module in MODULES:
        command = ["modprobe", "-d", str(kernel), "-S", release(kernel), "--show-depends", module]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        paths = (Path(line.split()[1]) for line in shown.splitlines() if line.startswith("insmod"))
        modules |= {path.name: path for path in paths}
    program = busybox()
    if program is None:
        raise UnavailableError("apt-get install busybox-static")
    words = {"@REPOSITORY@": str(REPOSITORY), "@PYTHON@": sys.executable, "@GUEST@": str(GUEST)}
    init = INIT
    for word, value in words.items():
        init = init.replace(word, value)
    archive = Archive()
    for folder in ("bin", "modules", "options", "dev", "proc", "sys", "lower", "upper", "box"):
        archive.add(folder, b"", 0o040755)
    archive.add("bin/busybox", program.read_bytes(), 0o100755)
    archive.add("init", init.encode(), 0o100755)
    archive.add("order", "\n".join(modules).encode(), 0o100644)
    # One camera with one webcam input, as a USB camera has it.
    archive.add("options/vivid.ko", b"n_devs=1 node_types=0x1 num_inputs=1 input_types=0", 0o100644)
    for name, path in modules.items():
        archive.add(f"modules/{name}", path.read_bytes(), 0o100644)
    return archive.finished()


class Archive:
    """A cpio archive in the format that the kernel unpacks (newc, Documentation/driver-api/early-userspace)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, name: str, content: bytes, mode: int) -> None:
        """Add a file or a folder."""
        named = name.encode() + b"\0"
        fields = (len(self._parts) + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(named), 0)
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + named
        self._parts.append(_padded(head) + _padded(content))

    def finished(self) -> bytes:
        """Return the bytes of the archive."""
        self.add("TRAILER!!!", b"", 0)
        return b"".join(self._parts)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)


def run_guest(kernel: Path, initrd: Path, accel: str, limit_s: float) -> dict[str, bool]:
    """Boot the virtual machine, show what it prints, and return its results by name."""
    command = [
        *(
            "qemu-system-x86_64",
            "-accel",
            accel,
            "-cpu",
            "host" if accel == "kvm" else "max",
            "-smp",
            "2",
            "-m",
            "2048",
        ),
        *("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"),
        *("-kernel", str(kernel / "boot" / f"vmlinuz-{release(kernel)}"), "-initrd", str(initrd)),
        *("-append", "console=ttyS0 panic=-1 loglevel=2"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
    ]
    results: dict[str, bool] = {}
    try:
        process = subprocess.Popen(
            ["timeout", f"{limit_s:g}", *command], stdout=subprocess.PIPE, text=True, errors="replace"
        )
    except OSError as error:
        raise UnavailableError(f"QEMU does not start ({error})") from error
    with process:
        for line in process.stdout or ():
            at = line.find(RESULT)
            if at >= 0:
                results |= json.loads(line[at + len(RESULT) :])
            print(line.rstrip("\r\n"), flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())
