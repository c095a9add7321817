"""Prepares an image for one box: the release in the root, the box's own files on the boot partition.

The image is worked on under another name, and has its own only when both file systems were found clean.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.files import why
from edge.installer.blobs import FOLDER as BLOBS
from edge.installer.blobs import opened
from edge.installer.box import BoxFacts, refusal
from edge.installer.envelope import FILE as ENVELOPE
from edge.installer.envelope import verified
from edge.installer.trust import trust_text
from firmware_config.archives import source_date, write_tar
from firmware_config.errors import ImageError, OutputError
from firmware_config.flash.card import CHUNK_BYTES
from firmware_config.flash.source import checked_image
from firmware_config.image import first_boot
from firmware_config.image.adapters import adapter_of, with_words
from firmware_config.image.ext4 import Ext4, NewFile
from firmware_config.image.fat import Fat
from firmware_config.image.growing import extract_partition, grow_last, write_partition, write_sparse
from firmware_config.image.programs import require_programs
from firmware_config.image.systems import CMDLINE, system_of
from firmware_config.image.table import partitions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.installer.envelope import Verified
    from edge.installer.trust import Trust
    from firmware_config.image.systems import System
    from firmware_config.image.table import Partition

SPARE_BYTES = 32 << 20
NO_MACHINE_ID = b""
"""With an empty /etc/machine-id systemd makes one and keeps it, machine-id(5). With the word `uninitialized` it would
enable services by its presets as well, which nobody has asked for."""


@dataclass(frozen=True, slots=True)
class Login:
    """The technician's login on the box: a name, and the public ssh key that opens it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be in an image.

    `files` are those of the box by name, as `gammabox-firmware export box` writes them.
    """

    site: str
    device: str
    board: str
    has_tls: bool
    files: Mapping[str, str]
    release: Path
    trust: Trust
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was prepared: the system that was found, the release, and the id by which cloud-init knows the box."""

    system: System
    release: str
    instance_id: str
    size_bytes: int


def prepare(base: Path, order: Order, out: Path, say: Callable[[str], None]) -> Prepared:
    """Write an image of a system, prepared for a box. Only its owner can read it, as the key of the box is in it.

    Parameters
    ----------
    base : Path
        Image of the system as it was downloaded, plain or packed with xz.
    order : Order
    out : Path
        The image to write.
    say : callable
        Takes a word for each step.

    Raises
    ------
    ImageError
        The image has no first-boot system that is known, was prepared before, is damaged or too small.
    ReleaseError
        The release is damaged, not signed by a trusted key, or not for this box and system.
    OutputError
        The image cannot be written.

    """
    require_programs()
    release = verified(opened(order.release).envelope, order.trust)
    part = out.with_name(out.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".gammabox-") as scratch:
            say("copying the system")
            _copy(base, part)
            prepared = _prepared(part, order, release, Path(scratch), say)
        part.replace(out)
    except OSError as error:
        raise OutputError(out, f"cannot be written ({why(error)})", "check rights and free space") from error
    finally:
        part.unlink(missing_ok=True)
    return prepared


def _prepared(image: Path, order: Order, release: Verified, scratch: Path, say: Callable[[str], None]) -> Prepared:
    clock_s = source_date()
    boot_at, root_at = _parts(image)
    extract_partition(image, boot_at.offset, boot_at.size_bytes, scratch / "boot")
    boot = Fat(scratch / "boot", clock_s)
    root = Ext4(image, root_at.offset, clock_s)
    system = system_of(root, boot)
    say(f"found {system.target}, {system.machine}, Python {system.python}; first boot by {system.way}")
    _require_fit(order, release, system)
    payload = [*_payload(order, release, scratch, system), *_unique(system)]
    _make_room(image, root_at, root, payload, scratch)
    instance_id = _instance_id(order, release)
    adapter = adapter_of(system, first_boot.host_of(order.device), instance_id)
    say("writing the root")
    root.remove(system.host_keys)
    root.write([*payload, *adapter.root])
    root.check()
    say("writing the boot partition")
    own = {f"{first_boot.BOOT_FOLDER}/{name}": text.encode() for name, text in order.files.items()}
    line = {CMDLINE: with_words(boot.read(CMDLINE) or b"", adapter.words)} if adapter.words else {}
    boot.write({**own, **adapter.boot, **line})
    boot.check()
    write_partition(image, boot_at.offset, scratch / "boot")
    with image.open("rb") as file:
        os.fsync(file.fileno())
    return Prepared(system, release.manifest.name, instance_id, image.stat().st_size)


def _copy(base: Path, out: Path) -> None:
    """Unpack an image, as `write_sparse` does."""
    source = checked_image(base)
    out.unlink(missing_ok=True)
    opened_out = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.opened() as read, os.fdopen(opened_out, "wb") as file:
        while piece := read(CHUNK_BYTES):
            write_sparse(file, piece)
        file.truncate(source.size_bytes)


def _parts(image: Path) -> tuple[Partition, Partition]:
    """Return the boot partition and the root of an image."""
    found = partitions_of(image)
    boots = [part for part in found if part.filesystem == "fat"]
    roots = [part for part in found if part.filesystem == "ext4"]
    if not boots or not roots:
        raise ImageError(
            f"found {len(boots)} FAT and {len(roots)} ext4 partitions, expected one to boot from and one with the "
            "system; take Raspberry Pi OS or a generic cloud image of Debian"
        )
    return boots[0], max(roots, key=lambda part: part.size_bytes)


def _require_fit(order: Order, release: Verified, system: System) -> None:
    facts = BoxFacts(order.board, system.target, system.machine, system.python)
    reason = refusal(release.manifest, facts, minimum=order.trust.minimum, installed=None)
    if reason is not None:
        raise ReleaseError(reason)
    if system.machine not in {"aarch64", "x86_64"}:
        raise ReleaseError(f"the image is for {system.machine}; take one for a processor of 64 bit")


def _payload(order: Order, release: Verified, scratch: Path, system: System) -> list[NewFile]:
    """Return the files of the first boot."""
    source, manifest = opened(order.release), release.manifest
    blobs = source.checked(manifest, scratch / "blobs")
    (tool,) = manifest.of_kind("tool")
    archive = order.release
    if archive.is_dir():
        archive = scratch / first_boot.RELEASE
        named = [(ENVELOPE, order.release / ENVELOPE)]
        named += [(f"{BLOBS}/{name}", blobs / name) for name in sorted({file.sha256 for file in manifest.files})]
        with archive.open("wb") as file:
            write_tar(file, named)
    settings = {
        "device": order.device,
        "site": order.site,
        "boot": system.boot,
        "has_tls": order.has_tls,
        "login": order.login and order.login.name,
        "login_key": order.login and order.login.key,
    }
    here = Path(__file__).parent
    unit = (here.parent / "templates" / first_boot.UNIT).read_bytes()
    folder = f"/{first_boot.FOLDER}"
    return [
        NewFile(f"{folder}/{first_boot.RELEASE}", archive),
        NewFile(f"{folder}/{first_boot.TOOL}", blobs / tool.sha256),
        NewFile(f"{folder}/{first_boot.TRUST}", trust_text(order.trust).encode()),
        NewFile(f"{folder}/{first_boot.SETTINGS}", (json.dumps(settings, indent=2) + "\n").encode()),
        NewFile(f"{folder}/{first_boot.PROGRAM}", (here / "first_boot.py").read_bytes(), 0o755),
        NewFile(f"/etc/systemd/system/{first_boot.UNIT}", unit),
    ]


def _unique(system: System) -> list[NewFile]:
    return [NewFile("/etc/machine-id", NO_MACHINE_ID, 0o444)] if system.has_machine_id else []


def _instance_id(order: Order, release: Verified) -> str:
    """Return an id that differs for each box, release and certificate."""
    public = {name: text for name, text in order.files.items() if not name.endswith(".key")}
    content = json.dumps([order.site, order.device, release.sha256, sorted(public.items())])
    return f"gammabox-{first_boot.host_of(order.device)}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _make_room(image: Path, root_at: Partition, root: Ext4, files: list[NewFile], scratch: Path) -> None:
    needed = SPARE_BYTES + sum(
        file.content.stat().st_size if isinstance(file.content, Path) else len(file.content) for file in files
    )
    free = root.free_bytes()
    if free < needed:
        grow_last(image, root_at, needed - free, scratch, source_date())
