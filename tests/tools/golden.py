"""The site whose rendered files are kept in tests/firmware_config/golden; run this file to write them anew."""

from pathlib import Path

from firmware_config.render import render_site
from firmware_config.site import Box, Broker, Site

FOLDER = Path(__file__).parents[1] / "firmware_config" / "golden"
PORTS = {
    "rpi4": "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0",
    "rpi5": "platform-xhci-hcd.0-usb-0:1:1.0",
    "jetson": "platform-3610000.usb-usb-0:2.1:1.0",
    "pc": "pci-0000:00:14.0-usb-0:3:1.0",
}


def golden_site(*, tls: bool = True) -> Site:
    """Return a site with a USB camera on each board, and a CSI camera on a Raspberry Pi 5."""
    boxes = [
        Box(device=board, board=board, camera=f"/dev/v4l/by-path/{port}-video-index0", position=f"Gate of {board}")
        for board, port in PORTS.items()
    ]
    csi = Box(device="rpi5-csi", board="rpi5", camera="csi:1", settings={"detection": {"threads": 2}})
    broker = (
        Broker(host="broker.lan", port=8883, tls=True, websockets_port=9443)
        if tls
        else Broker(host="10.0.0.2", port=1883, tls=False)
    )
    return Site(site="golden", broker=broker, boxes=(*boxes, csi))


def golden_files() -> dict[str, str]:
    """Return what is kept: all files of the site with TLS, and of the one without, those that differ."""
    with_tls, without = render_site(golden_site()), render_site(golden_site(tls=False))
    kept = {f"tls/{name}": content for name, content in with_tls.items()}
    kept |= {f"no-tls/{name}": content for name, content in without.items() if content != with_tls[name]}
    return kept


if __name__ == "__main__":
    for name, content in golden_files().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(content, encoding="utf-8")
