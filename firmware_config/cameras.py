"""How the cameras of a board are named, and what is wrong with a name: USB ports differ from board to board."""

from __future__ import annotations

import re
from typing import Literal, get_args

from edge.config.faults import shown_text
from edge.installer.box import NAMES

Board = Literal["rpi4", "rpi5", "jetson", "pc"]
BOARDS: tuple[Board, ...] = get_args(Board)
FOLDER = "/dev/v4l/by-path/"
DEFAULT_FPS = 30.0

_USB = re.compile(FOLDER + r"[A-Za-z0-9][A-Za-z0-9:._+-]*")
_CSI = re.compile(r"csi(:[01])?")
_RECORDING = re.compile(r"[^\s:][^:]*\.(avi|mkv|mp4|mov|mjpe?g)", re.IGNORECASE)
# The USB controllers of the boards, as the kernel names them below /dev/v4l/by-path. The controller of a Raspberry Pi 4
# hangs on its PCIe bus, that of a 5 on the chip RP1, and those of a Jetson and of a Compute Module 4 are in the
# processor. Names from the device trees of Linux and from listings that people have published.
_PORTS: dict[str, re.Pattern[str]] = {
    "rpi4": re.compile(r"platform-(fd500000\.pcie-pci|scb-pci|fe9[08]0000\.usb|3f980000\.usb)"),
    "rpi5": re.compile(r"platform-(xhci-hcd\.[0-9]|1f00[23]00000\.usb|1000[0-9]{6}\.(pcie|usb))"),
    "jetson": re.compile(r"platform-(3610000\.(usb|xhci)|3530000\.(usb|xhci)|70090000\.(xusb|usb))"),
    "pc": re.compile(r"pci-"),
}


def is_csi(camera: str) -> bool:
    """Return whether a camera hangs on the ribbon connector of a board."""
    return _CSI.fullmatch(camera) is not None


def is_recording(camera: str) -> bool:
    """Return whether a recording stands in for a camera."""
    return not camera.startswith("/dev/") and _RECORDING.fullmatch(camera) is not None


def checked_camera(value: str) -> str:
    """Return the name of a camera if it is one.

    Raises
    ------
    ValueError
        It is none. The message says what is expected.

    Examples
    --------
    >>> checked_camera("csi:0")
    'csi:0'
    >>> checked_camera("/dev/video0")
    Traceback (most recent call last):
    ValueError: found '/dev/video0', but numbers change when a box starts; name the USB port: ls -l /dev/v4l/by-path

    """
    if _USB.fullmatch(value):
        if value.endswith("-video-index1"):
            raise ValueError(
                f"found {shown_text(value, 120)}, but index1 of a USB camera carries no pictures; did you mean "
                f"{value.removesuffix('1')}0?"
            )
        return value
    if is_csi(value) or is_recording(value):
        return value
    if re.fullmatch(r"/dev/video[0-9]+|[0-9]+", value):
        raise ValueError(
            f"found {value!r}, but numbers change when a box starts; name the USB port: ls -l /dev/v4l/by-path"
        )
    if value.startswith("/dev/v4l/by-id/"):
        raise ValueError(
            f"found {shown_text(value)}, but cameras of one kind share their id; name the USB port: "
            "ls -l /dev/v4l/by-path"
        )
    raise ValueError(
        f"found {shown_text(value)}, expected /dev/v4l/by-path/... for a USB camera (ls -l /dev/v4l/by-path), or csi, "
        "csi:0, csi:1 for one on the ribbon"
    )


def mismatch(camera: str, board: str) -> str | None:
    """Return why a camera cannot belong to a board, in a sentence; None where it can.

    Examples
    --------
    >>> print(mismatch("/dev/v4l/by-path/platform-xhci-hcd.0-usb-0:1:1.0-video-index0", "rpi4"))
    found a USB port of a Raspberry Pi 5 on a Raspberry Pi 4; correct board or camera (ls -l /dev/v4l/by-path there)
    >>> mismatch("csi", "rpi4")

    """
    if board not in NAMES:
        return None
    if is_recording(camera):
        return _recording_mismatch(camera, board)
    if is_csi(camera):
        if board in {"rpi4", "rpi5"}:
            return None
        return f"found a csi camera on {NAMES[board]}, where picamera2 does not exist; use a USB camera"
    owner = next((name for name, ports in _PORTS.items() if ports.match(camera.removeprefix(FOLDER))), board)
    if owner == board:
        return None
    return (
        f"found a USB port of {NAMES[owner]} on {NAMES[board]}; correct board or camera (ls -l /dev/v4l/by-path there)"
    )


def _recording_mismatch(camera: str, board: str) -> str | None:
    if board != "pc":
        return f"found a recording on {NAMES[board]}; only board pc takes one instead of a camera, for a trial"
    if not camera.startswith("/"):
        return f"found {shown_text(camera)}, expected the whole path of the recording, from / on"
    return None
