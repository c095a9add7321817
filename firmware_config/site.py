"""The model of a site: one place, its broker and its boxes, with all checks that need no other file."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from edge.config.faults import host_in, id_like, shown_text
from edge.config.position import PositionSettings
from edge.config.strict import StrictModel

CONTROL_ROOM_USER = "control-room"
MAX_BOXES = 500

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_USB_CAMERA = re.compile(r"/dev/v4l/by-path/[A-Za-z0-9][A-Za-z0-9:._+-]*")
_CSI_CAMERA = re.compile(r"csi(:[01])?")


def checked_id(value: str) -> str:
    """Return the id if it is safe in a topic, a file name, a user name and a unit file.

    Raises
    ------
    ValueError
        The name is not valid. The message says what is expected and, where that is plain, what was meant.

    """
    if _ID.fullmatch(value):
        return value
    plain = id_like(value)
    meant = f"; did you mean {plain}?" if _ID.fullmatch(plain) else ""
    raise ValueError(
        f"found the id {shown_text(value)}, expected 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit{meant}"
    )


def _device_id(value: str) -> str:
    if checked_id(value) == CONTROL_ROOM_USER:
        raise ValueError(f"the id {value} is the control room's user at the broker; give the box another one")
    return value


def _host(value: str) -> str:
    try:
        return (
            str(ipaddress.IPv6Address(value))
            if "%" not in value and ":" in value
            else str(ipaddress.IPv4Address(value))
        )
    except ValueError:
        labels = value.removesuffix(".").split(".")
    if len(value) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        meant = host_in(value)
        hint = f"; did you mean {meant}?" if meant not in {"", value} else ""
        raise ValueError(
            f"found {shown_text(value)}, expected a host name or an address as the boxes reach the broker, "
            f"without mqtt:// and port{hint}"
        )
    return value


def _camera(value: str) -> str:
    if _USB_CAMERA.fullmatch(value) or _CSI_CAMERA.fullmatch(value):
        return value
    if re.fullmatch(r"/dev/video[0-9]+|[0-9]+", value):
        raise ValueError(
            f"found {value!r}, but numbers change when a box starts; name the USB port: ls -l /dev/v4l/by-path"
        )
    raise ValueError(
        f"found {shown_text(value)}, expected /dev/v4l/by-path/... for a USB camera (ls -l /dev/v4l/by-path), or csi, "
        "csi:0, csi:1 for one on the ribbon"
    )


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"found {shown_text(value)}, expected one line of printable text")
    return value


def _not_empty(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    # Not min_length: pydantic counts the sound boxes there, and would call a list of faulty ones too short as well.
    if not boxes:
        raise ValueError("found an empty list, expected at least one box")
    return boxes


Id = Annotated[str, AfterValidator(checked_id)]


class Broker(StrictModel):
    """The MQTT broker as the boxes of the site reach it."""

    host: Annotated[str, AfterValidator(_host)] = Field(description="the host name or address of the broker")
    port: int = Field(default=8883, ge=1, le=65535, description="the TCP port; 8883 with TLS, 1883 without")
    tls: bool = Field(default=True, description="whether the boxes speak TLS to the broker")


class Box(StrictModel):
    """A camera box."""

    device: Annotated[str, AfterValidator(_device_id)] = Field(description="the box's id, unique in the site")
    board: Literal["rpi4", "rpi5", "jetson"] = Field(description="the board: rpi4, rpi5 or jetson")
    camera: Annotated[str, AfterValidator(_camera)] = Field(description="/dev/v4l/by-path/... or csi")
    exposure_s: float = Field(default=0.033, gt=0, le=1, description="the fixed exposure in seconds")
    position: Annotated[str, AfterValidator(_one_line)] = Field(
        default="", max_length=200, description="where the box hangs, for people"
    )
    coordinates: PositionSettings | None = Field(
        default=None, description="where the box hangs, on a map: latitude and longitude in degrees"
    )
    settings: dict[str, JsonValue] = Field(
        default_factory=dict, description="settings of the agent that differ on this box, as in device.yaml"
    )

    @model_validator(mode="after")
    def _csi_needs_picamera2(self) -> Box:
        if self.is_csi and self.board == "jetson":
            raise ValueError("found a csi camera on a jetson, where picamera2 does not exist; use a USB camera")
        return self

    @property
    def is_csi(self) -> bool:
        """Whether the camera hangs on the board's ribbon connector instead of USB."""
        return self.camera.startswith("csi")


class Site(StrictModel):
    """A place with one broker and its boxes."""

    schema_version: Literal[1] = 1
    site: Id = Field(description="the site's id, the second level of every topic")
    broker: Broker = Field(description="host, port and tls of the broker")
    boxes: Annotated[tuple[Box, ...], AfterValidator(_not_empty)] = Field(
        max_length=MAX_BOXES, description="the list of boxes"
    )


def warnings_of(site: Site) -> list[str]:
    """Return warnings about values that are allowed but probably not meant."""
    warnings = []
    broker = site.broker
    if not broker.tls and broker.host not in {"localhost", "127.0.0.1", "::1"}:
        warnings.append(f"broker: tls is false, so passwords cross the network to {broker.host} in clear")
    if (broker.tls, broker.port) in {(True, 1883), (False, 8883)}:
        warnings.append(
            f"broker: port {broker.port} is customary {'without' if broker.tls else 'with'} TLS, tls is "
            f"{str(broker.tls).lower()}"
        )
    positions: dict[str, str] = {}
    for box in site.boxes:
        if not box.position:
            warnings.append(f"{box.device}: no position; whoever answers its alarm will not know where it hangs")
        elif box.position in positions:
            warnings.append(f"{box.device}: the same position as {positions[box.position]}")
        else:
            positions[box.position] = box.device
    return warnings
