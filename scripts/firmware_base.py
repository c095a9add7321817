"""Builds the image of a Debian that `make check-firmware` prepares and boots: GPT, systemd-boot, ext4, cloud-init.

It stands for Debian's generic cloud image, which is built the same way. What it has beyond that: a root shell on the
serial console, by which the check looks inside, a film in place of a camera, and more patience of systemd. What it
lacks, so that an emulated machine starts within minutes: Debian's own timers, the steps of cloud-init that the first
boot does not use, all but one kind of ssh host key, drivers of other machines in the initial RAM disk, and the kernel's
mitigations of faults of processors.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.installer.layout import BASE
from edge.installer.layout import TOOL as TOOL_NAME
from firmware_config.image.programs import found

if TYPE_CHECKING:
    from firmware_machines import Machine

SUITE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "systemd-timesyncd", "udev", "dbus", "kmod", "netbase", "iproute2", "ifupdown"),
    *("isc-dhcp-client", "initramfs-tools", "systemd-boot-efi", "cloud-init"),
    *("cloud-guest-utils", "python3", "openssl", "openssh-server", "ca-certificates", "dosfstools", "sudo"),
    "e2fsprogs",
)
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "mkfs.fat": "dosfstools",
    "sfdisk": "fdisk",
    "mcopy": "mtools",
    "mmd": "mtools",
    "tar": "tar",
}
CONSOLE = "@console@"
BOOT_MIB, ROOT_MIB = 160, 640
FILM = "/opt/film.avi"
# An emulated clock on a busy machine may not tick as the kernel checks it at its start. The console is for the shell.
KERNEL_WORDS = (
    f"root=LABEL=rootfs rw console={CONSOLE} loglevel=3 panic=10 no_timer_check mitigations=off "
    "systemd.show_status=false"
)
DRIVERS = ("virtio_pci", "virtio_blk", "ext4")
NOT_STARTED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("e2scrub_reap.service", "systemd-tmpfiles-clean.timer", "getty@tty1.service", "cloud-init-hotplugd.socket"),
)
CLOUD_INIT = """\
datasource_list: [NoCloud, None]
output: {all: ">> /var/log/cloud-init-output.log"}
ssh_genkeytypes: [ed25519]
cloud_init_modules: [growpart, resizefs, set_hostname, update_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
"""
TOOL = f"/{BASE}/{TOOL_NAME}"
SLOW_UPDATER = "/opt/slow-updater"
SLOW_UPDATER_TEXT = f"""\
import runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, "{TOOL}")
from edge.updater.gate import HUNG_S, START_S, WORKING_S, Limits
started, hung, working, *others = Limits.__init__.__defaults__
assert (started, hung, working) == (START_S, HUNG_S, WORKING_S)
Limits.__init__.__defaults__ = (4 * started, 4 * hung, 4 * working, *others)
runpy.run_path("{TOOL}", run_name="__main__")
"""
FILES = {
    "etc/fstab": "LABEL=rootfs / ext4 defaults 0 1\nLABEL=BOOT /boot/efi vfat umask=0077 0 1\n",
    "etc/hostname": "debian\n",
    "etc/cloud/cloud.cfg.d/90-check.cfg": CLOUD_INIT,
    "etc/machine-id": "",
    "etc/network/interfaces": "auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n",
    "etc/systemd/timesyncd.conf.d/check.conf": "[Time]\nNTP=@NTP@\nPollIntervalMinSec=16\nPollIntervalMaxSec=32\n",
    f"etc/systemd/system/serial-getty@{CONSOLE}.service.d/shell.conf": (
        f"[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear {CONSOLE} linux\n"
    ),
    # An emulated machine is many times slower than a board: what waits for something waits longer.
    "etc/systemd/system.conf.d/slow.conf": "[Manager]\nDefaultTimeoutStartSec=1800\nDefaultDeviceTimeoutSec=1800\n",
    "etc/systemd/system/gammabox-edge.service.d/slow.conf": "[Service]\nTimeoutStartSec=1800\nWatchdogSec=1200\n",
    # The updater gives a new release more time to come up. All else of its gate is as it is.
    "etc/systemd/system/gammabox-updater.service.d/slow.conf": (
        f"[Service]\nExecStart=\nExecStart=/usr/bin/python3 -I {SLOW_UPDATER} {TOOL} update\n"
    ),
    SLOW_UPDATER.lstrip("/"): SLOW_UPDATER_TEXT,
    "root/.profile": "export TERM=dumb PS1= SYSTEMD_PAGER=\nstty -echo cols 300\n",
}
LOADER = {
    "loader/loader.conf": "timeout 0\ndefault debian\n",
    "loader/entries/debian.conf": (f"title Debian\nlinux /vmlinuz\ninitrd /initrd\noptions {KERNEL_WORDS}\n"),
}


class UnavailableError(Exception):
    """A program that the check needs is missing, or cannot do its work here. The message says which."""


def built(cache: Path, machine: Machine, film: Path, ntp: str) -> Path:
    """Return the base image for a machine, which is built once and kept in a folder."""
    lacking = [package for program, package in PROGRAMS.items() if found(program) is None]
    if lacking:
        raise UnavailableError(f"apt-get install {' '.join(sorted(set(lacking)))}")
    words = f"{machine}{ntp}".encode()
    recipe = hashlib.sha256(Path(__file__).read_bytes() + words + film.read_bytes()).hexdigest()[:12]
    image = cache / f"debian-{recipe}.img"
    if not image.exists():
        cache.mkdir(parents=True, exist_ok=True)
        work = cache / "base"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        tree = _tree(cache, work, machine, film, ntp)
        _assemble(tree, work, machine, image)
        shutil.rmtree(work)
    return image


def _tree(cache: Path, work: Path, machine: Machine, film: Path, ntp: str) -> Path:
    """Unpack Debian and change it to what the check needs."""
    packages = [*PACKAGES, machine.kernel]
    names = hashlib.sha256(" ".join([*packages, *DRIVERS]).encode()).hexdigest()[:12]
    archive = cache / f"debian-{SUITE}-{names}.tar"
    if not archive.exists():
        part = archive.with_name("part.tar")
        modules = work / "modules"
        modules.write_text("\n".join([*DRIVERS, ""]), encoding="utf-8")
        ram_disk = (
            'sed -i s/^MODULES=most/MODULES=list/ "$1/etc/initramfs-tools/initramfs.conf"',
            f"copy-in {modules} /etc/initramfs-tools",
            'chroot "$1" update-initramfs -u -k all',
        )
        hooks = [f"--customize-hook={hook}" for hook in ram_disk]
        kind = (f"--architectures={machine.debian}", "--variant=minbase")
        _run("mmdebstrap", *kind, *hooks, f"--include={','.join(packages)}", SUITE, part)
        part.replace(archive)
    tree = work / "root"
    tree.mkdir()
    _run("tar", "-C", tree, "--exclude=./dev/*", "-xpf", archive)
    for name, text in FILES.items():
        path = tree / name.replace(CONSOLE, machine.console)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@NTP@", ntp).replace(CONSOLE, machine.console), encoding="utf-8")
    for unit in NOT_STARTED:
        (tree / "etc/systemd/system" / unit).symlink_to("/dev/null")
    shutil.copy(film, tree / FILM.lstrip("/"))
    (tree / FILM.lstrip("/")).chmod(0o644)
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (tree / "boot/efi").mkdir(exist_ok=True)
    return tree


def _assemble(tree: Path, work: Path, machine: Machine, image: Path) -> None:
    """Make the two file systems and the disk around them."""
    boot, root, part = work / "boot.fat", work / "root.ext4", work / "part.img"
    _empty(boot, BOOT_MIB)
    _run("mkfs.fat", "-F", "32", "-n", "BOOT", boot)
    kernel, initrd = (max((tree / "boot").glob(f"{name}*")) for name in ("vmlinuz-", "initrd.img-"))
    loader = tree / "usr/lib/systemd/boot/efi" / machine.loader
    files = {"vmlinuz": kernel, "initrd": initrd, f"EFI/BOOT/{machine.boots}": loader}
    for number, (name, text) in enumerate(LOADER.items()):
        files[name] = work / f"loader{number}"
        files[name].write_text(text.replace(CONSOLE, machine.console), encoding="utf-8")
    for folder in ("EFI", "EFI/BOOT", "loader", "loader/entries"):
        _run("mmd", "-i", boot, f"::/{folder}")
    for name, path in files.items():
        _run("mcopy", "-i", boot, path, f"::/{name}")
    _empty(root, ROOT_MIB)
    _run("mke2fs", "-q", "-t", "ext4", "-L", "rootfs", "-d", tree, root)
    _empty(part, 1 + BOOT_MIB + ROOT_MIB + 1)
    start = 2048 + BOOT_MIB * 2048
    table = f"label: gpt\n15: start=2048,size={BOOT_MIB}M,type=U\n1: start={start},size={ROOT_MIB}M,type=L\n"
    _run("sfdisk", "-q", part, given=table)
    for piece, mib in ((boot, 1), (root, 1 + BOOT_MIB)):
        _run("dd", f"if={piece}", f"of={part}", "bs=1M", f"seek={mib}", "conv=notrunc,sparse", "status=none")
    part.replace(image)


def _empty(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        file.truncate(mib << 20)


def _run(program: str, *words: object, given: str = "") -> None:
    command = [found(program) or program, *map(str, words)]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        sys.stderr.write(ran.stderr)
        raise UnavailableError(f"{program} ended with {ran.returncode}; what it said stands above")
