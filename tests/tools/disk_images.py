"""Small images of disks, and loop devices that stand for cards."""

import contextlib
import lzma
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_config.image.programs import found

SFDISK, LOSETUP = found("sfdisk"), found("losetup")
MIB = 1 << 20


def small_image(path: Path, mib: int = 11, label: str = "dos") -> Path:
    """Write an image with one partition, filled with blocks that do not repeat."""
    if SFDISK is None:
        pytest.skip("sfdisk is not installed")
    rng = random.Random(7)
    noise = b"".join(rng.randbytes(32) * 128 for _ in range((mib - 3) * MIB // 4096))  # quick to pack
    path.write_bytes(bytes(2 * MIB) + noise + bytes(MIB))
    subprocess.run([SFDISK, "-q", path], input=f"label: {label}\n2048,\n".encode(), check=True, capture_output=True)
    return path


def packed(path: Path, *, streams: int = 1) -> Path:
    """Pack an image with xz, into several streams if wanted."""
    content = path.read_bytes()
    step = -(-len(content) // streams)
    parts = [lzma.compress(content[at : at + step], preset=0) for at in range(0, len(content), step)]
    out = path.with_name(path.name + ".xz")
    out.write_bytes(b"".join(parts))
    return out


@contextlib.contextmanager
def loop_device(file: Path, *options: str) -> Iterator[Path]:
    """Make a file a block device, or skip the test where this machine or user may not."""
    if LOSETUP is None:
        pytest.skip("losetup is not installed")
    made = subprocess.run([LOSETUP, "--find", "--show", *options, file], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no loop device can be made: {made.stderr.strip()}")
    device = Path(made.stdout.strip())
    try:
        yield device
    finally:
        subprocess.run([LOSETUP, "--detach", device], check=True)


@contextlib.contextmanager
def mounted(kind: str, what: Path | str, place: Path, *options: str) -> Iterator[None]:
    """Mount a file system, or skip the test where this machine or user may not."""
    place.mkdir()
    made = subprocess.run(["mount", "-t", kind, *options, what, place], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"nothing can be mounted: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)
