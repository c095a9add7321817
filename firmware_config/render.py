"""Renders the files that the broker and the boxes of a site need; the same site always has the same bytes."""

from __future__ import annotations

import ipaddress

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.arguments import takes
from firmware_config.device import device_settings
from firmware_config.site import CONTROL_ROOM_USER, Site
from firmware_config.yaml_text import block


@takes(site=Site)
def render_site(site: Site) -> dict[str, str]:
    """Return the content of every rendered file by its name, a path relative to the output folder.

    The names are README.txt, mosquitto/mosquitto.conf, mosquitto/acl, and for each box device.yaml,
    gammabox-edge.service and gammabox.sysusers.conf below boxes/<device>. No file holds a secret.

    Examples
    --------
    >>> from firmware_config.site import Box, Broker, Site
    >>> gate = Box(device="gate", board="rpi5", camera="csi")
    >>> files = render_site(Site(site="campus", broker=Broker(host="broker.lan"), boxes=(gate,)))
    >>> [name for name in files if name.startswith("boxes/")]
    ['boxes/gate/device.yaml', 'boxes/gate/gammabox-edge.service', 'boxes/gate/gammabox.sysusers.conf']
    >>> print(files["boxes/gate/device.yaml"].split("device: ")[1].splitlines()[0])
    gate

    """
    templates = _templates()

    def filled(name: str, **values: object) -> str:
        return templates.get_template(f"{name}.j2").render(site=site, control_room_user=CONTROL_ROOM_USER, **values)

    files = {
        # A common name holds at most 64 characters; clients check the subject's alternative name instead.
        "README.txt": filled(
            "README.txt",
            subject_name=_subject_name(site.broker.host),
            common_name=site.broker.host[:64],
            usb_boxes=[box.device for box in site.boxes if not box.is_csi],
            csi_boxes=[box.device for box in site.boxes if box.is_csi],
        ),
        "mosquitto/mosquitto.conf": filled("mosquitto.conf"),
        "mosquitto/acl": filled("acl"),
    }
    for box in site.boxes:
        folder = f"boxes/{box.device}"
        files[f"{folder}/device.yaml"] = filled(
            "device.yaml", box=box, settings=block(device_settings(site.site, site.broker, box))
        )
        files[f"{folder}/gammabox-edge.service"] = filled("gammabox-edge.service", box=box)
        files[f"{folder}/gammabox.sysusers.conf"] = filled("gammabox.sysusers.conf")
    return files


def _templates() -> Environment:
    # Configuration files, not web pages: HTML escapes would break them. The site model has checked what goes in.
    return Environment(  # noqa: S701
        loader=PackageLoader("firmware_config"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _subject_name(host: str) -> str:
    """Return a host as the alternative name in a certificate."""
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"
