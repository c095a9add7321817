"""Ansible for boxes that already run: an inventory with the boxes of a site, and a role that sets each up."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from edge.installer.setup import UPDATER_UNITS
from firmware_config.render import box_files
from firmware_config.yaml_text import block

if TYPE_CHECKING:
    from pydantic import JsonValue

    from firmware_config.site import Site

STATIC = {
    "README.txt": "README.txt",
    "site.yml": "site.yml",
    "defaults.yml": "roles/gammabox/defaults/main.yml",
    "tasks.yml": "roles/gammabox/tasks/main.yml",
    "handlers.yml": "roles/gammabox/handlers/main.yml",
}


def ansible_files(site: Site) -> dict[str, str]:
    """Return inventory, role and the files of each box, by name. Keys are not among them: the role copies them.

    Examples
    --------
    >>> from firmware_config.site import Box, Broker, Site
    >>> gate = Box(device="gate", board="rpi5", camera="csi")
    >>> files = ansible_files(Site(site="campus", broker=Broker(host="broker.lan"), boxes=(gate,)))
    >>> "ansible_host: gate.local" in files["inventory.yml"]
    True

    """
    hosts: dict[str, JsonValue] = {
        box.device: {"ansible_host": f"{box.device}.local", "gammabox_csi": box.is_csi, "gammabox_board": box.board}
        for box in site.boxes
    }
    group: JsonValue = {"hosts": hosts, "vars": {"gammabox_site": site.site, "gammabox_tls": site.broker.tls}}
    head = f"# Boxes of site {site.site}; correct ansible_host where a box has another name or address.\n"
    written = {"inventory.yml": head + block({"all": {"children": {"gammabox": group}}})}
    folder = files("firmware_config") / "templates" / "ansible"
    written |= {name: (folder / source).read_text(encoding="utf-8") for source, name in STATIC.items()}
    for box in site.boxes:
        files_of = box_files(site, box).items()
        # The role installs a wheel into one environment: there are no slots, and so no updater.
        written |= {f"boxes/{box.device}/{name}": text for name, text in files_of if name not in UPDATER_UNITS}
    return written
