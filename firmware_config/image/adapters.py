"""The four ways in which first-boot systems start `gammabox-firstboot`. Each only enables its service.

firstrun.sh is the format `systemd` of rpi-imager, as raspberrypi-sys-mods runs it. cloud-init reads a seed of its
source NoCloud. rpi-preseed.toml is described in the manual page rpi-preseed(5).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_config.image.ext4 import NewFile
from firmware_config.image.first_boot import UNIT
from firmware_config.image.systems import CMDLINE

if TYPE_CHECKING:
    from firmware_config.image.systems import System

SEED = "/var/lib/cloud/seed/nocloud"
_NOTE = "Written by gammabox-firmware image"


@dataclass(frozen=True, slots=True)
class Adapter:
    """Files for the boot partition by name, files for the root, and words for the kernel's command line."""

    boot: dict[str, bytes]
    root: tuple[NewFile, ...] = ()
    words: tuple[str, ...] = ()


def adapter_of(system: System, host: str, instance_id: str) -> Adapter:
    """Return what lets the first-boot system of an image start `gammabox-firstboot`.

    Parameters
    ----------
    system : System
    host : str
        Name of the machine.
    instance_id : str
        Unique for each box and release, so that cloud-init takes the box for a new one.

    """
    if system.way == "firstrun.sh":
        place = f"{system.boot}/firstrun.sh"
        words = (f"systemd.run={place}", "systemd.run_success_action=reboot", "systemd.unit=kernel-command-line.target")
        return Adapter({"firstrun.sh": _first_run(system.boot)}, words=words)
    if system.way == "rpi-preseed.toml":
        return Adapter({"rpi-preseed.toml": _preseed(host)})
    seed = {"meta-data": _meta_data(host, instance_id), "user-data": user_data(host)}
    if system.way == "cloud-init on the boot partition":
        return Adapter(seed, words=(f"ds=nocloud;i={instance_id}",))
    return Adapter({}, tuple(NewFile(f"{SEED}/{name}", content) for name, content in seed.items()))


def with_words(cmdline: bytes, words: tuple[str, ...]) -> bytes:
    """Return the kernel's command line, which is one line, with more words at its end."""
    return b" ".join([*cmdline.split(), *(word.encode() for word in words)]) + b"\n"


def user_data(host: str) -> bytes:
    """Return what cloud-init is told. JSON is YAML, so every name is safe in it."""
    told = {
        "hostname": host,
        "ssh_deletekeys": True,
        "runcmd": [["systemctl", "enable", "--now", "--no-block", UNIT]],
    }
    return f"#cloud-config\n# {_NOTE}\n{json.dumps(told, indent=2)}\n".encode()


def _meta_data(host: str, instance_id: str) -> bytes:
    return (json.dumps({"instance-id": instance_id, "local-hostname": host}, indent=2) + "\n").encode()


def _first_run(boot: str) -> bytes:
    # It runs in a target of its own, in which services cannot be started; the restart after it starts them.
    return f"""\
#!/bin/sh
# {_NOTE}
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf ../{UNIT} /etc/systemd/system/multi-user.target.wants/{UNIT}
sed -i 's| systemd\\.[^ ]*||g' {boot}/{CMDLINE}
rm -f {boot}/firstrun.sh
exit 0
""".encode()


def _preseed(host: str) -> bytes:
    command = json.dumps([f"systemctl enable --now --no-block {UNIT}"])
    return (
        f'# {_NOTE}\nconfig_version = "1.1"\n\n[system]\nhostname = "{host}"\n\n[runcmd]\nearly = {command}\n'.encode()
    )
