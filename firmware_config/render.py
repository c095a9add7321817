"""Renders the files that the broker and the boxes of a site need; the same site always has the same bytes."""

from __future__ import annotations

from edge.arguments import takes
from edge.installer.setup import UNIT, UPDATER_UNITS
from firmware_config.broker import broker_files
from firmware_config.device import device_settings
from firmware_config.site import CONTROL_ROOM_USER, Box, Site
from firmware_config.templating import filled
from firmware_config.yaml_text import block


@takes(site=Site)
def render_site(site: Site) -> dict[str, str]:
    """Return the content of every rendered file by its name, a path relative to the output folder.

    The names are README.txt, those of the broker below broker/, and for each box device.yaml, gammabox.sysusers.conf,
    and the services of agent and updater below boxes/<device>. No file holds a secret.

    Examples
    --------
    >>> from firmware_config.site import Box, Broker, Site
    >>> gate = Box(device="gate", board="rpi5", camera="csi")
    >>> files = render_site(Site(site="campus", broker=Broker(host="broker.lan"), boxes=(gate,)))
    >>> [name for name in files if name.startswith("boxes/")][:2]
    ['boxes/gate/device.yaml', 'boxes/gate/gammabox-edge.service']
    >>> print(files["boxes/gate/device.yaml"].split("device: ")[1].splitlines()[0])
    gate

    """
    files = {
        "README.txt": filled(
            "README.txt",
            site=site,
            control_room_user=CONTROL_ROOM_USER,
            usb_boxes=[box.device for box in site.boxes if not box.is_csi],
            csi_boxes=[box.device for box in site.boxes if box.is_csi],
        ),
        **{f"broker/{name}": content for name, content in broker_files(site).items()},
    }
    for box in site.boxes:
        files |= {f"boxes/{box.device}/{name}": content for name, content in box_files(site, box).items()}
    return files


def box_files(site: Site, box: Box, *, installed: bool = False) -> dict[str, str]:
    """Return the files of a box that hold no secret, by name; see `device_settings`."""
    settings = block(device_settings(site.site, site.broker, box, installed=installed))
    return {
        "device.yaml": filled("device.yaml", site=site, box=box, settings=settings),
        **{name: filled(name, site=site, box=box) for name in (UNIT, *UPDATER_UNITS)},
        "gammabox.sysusers.conf": filled("gammabox.sysusers.conf", site=site),
    }
