"""The model of a site: one place, its broker and its boxes, with all checks that need no other file."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from edge.config.faults import host_in, id_like, shown_text
from edge.config.position import PositionSettings
from edge.config.strict import StrictModel
from firmware_config.cameras import DEFAULT_FPS, Board, checked_camera, is_csi, is_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROL_ROOM_USER = "control-room"
ADMINISTRATOR_USER = "administrator"
BROKER_NAME = "broker"
"""The name under which the broker's own certificate is kept."""
DEFAULT_EXPOSURE_S = 0.033
MIN_SHARE_OF_FRAME = 1 / 3
"""A shutter that is open for less of the time misses most of the radiation."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


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


def checked_device(value: str) -> str:
    """Return the id of a box if it is safe and free. Raise ValueError if not."""
    owner = {CONTROL_ROOM_USER: "control room", ADMINISTRATOR_USER: "administrator"}.get(checked_id(value))
    if owner is not None:
        raise ValueError(f"the id {value} is the {owner}'s user at the broker; give the box another one")
    if value == BROKER_NAME:
        raise ValueError(f"the id {value} is that of the broker's own certificate; give the box another one")
    return value


def checked_host(value: str) -> str:
    """Return a host name or address if it is one. Raise ValueError with what is expected if not."""
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


def checked_position(value: str) -> str:
    """Return a text if it is one line. Raise ValueError if not."""
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

    host: Annotated[str, AfterValidator(checked_host)] = Field(description="the host name or address of the broker")
    port: int = Field(default=8883, ge=1, le=65535, description="the TCP port; 8883 with TLS, 1883 without")
    tls: bool = Field(default=True, description="whether the boxes speak TLS to the broker, each with a certificate")
    websockets_port: int | None = Field(
        default=None, ge=1, le=65535, description="a further TCP port that speaks MQTT over websockets, for browsers"
    )


class Bridge(StrictModel):
    """A broker of a wider network, to which the site's broker passes alarms and the state of its boxes."""

    host: Annotated[str, AfterValidator(checked_host)] = Field(
        description="the host name or address of the upper broker"
    )
    port: int = Field(default=8883, ge=1, le=65535, description="its TCP port for TLS")


class Box(StrictModel):
    """A camera box."""

    device: Annotated[str, AfterValidator(checked_device)] = Field(description="the box's id, unique in the site")
    board: Board = Field(description="the board: rpi4, rpi5, jetson or pc")
    camera: Annotated[str, AfterValidator(checked_camera)] = Field(description="/dev/v4l/by-path/... or csi")
    exposure_s: float = Field(default=DEFAULT_EXPOSURE_S, gt=0, description="the fixed exposure in seconds")
    position: Annotated[str, AfterValidator(checked_position)] = Field(
        default="", max_length=200, description="where the box hangs, for people"
    )
    coordinates: PositionSettings | None = Field(
        default=None, description="where the box hangs, on a map: latitude and longitude in degrees"
    )
    settings: dict[str, JsonValue] = Field(
        default_factory=dict, description="settings of the agent that differ on this box, as in device.yaml"
    )

    @property
    def is_csi(self) -> bool:
        """Whether the camera hangs on the board's ribbon connector instead of USB."""
        return is_csi(self.camera)

    @property
    def is_trial(self) -> bool:
        """Whether a recording stands in for the camera."""
        return is_recording(self.camera)


class Site(StrictModel):
    """A place with one broker and its boxes."""

    schema_version: Literal[1] = 1
    site: Id = Field(description="the site's id, the second level of every topic")
    broker: Broker = Field(description="host, port and tls of the broker")
    bridge: Bridge | None = Field(default=None, description="host and port of a broker above; optional")
    boxes: Annotated[tuple[Box, ...], AfterValidator(_not_empty)] = Field(description="the list of boxes")


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
    warnings += [text for box in site.boxes for text in _short_exposure(box)]
    positions: dict[str, str] = {}
    for box in site.boxes:
        if not box.position:
            warnings.append(f"{box.device}: no position; whoever answers its alarm will not know where it hangs")
        elif box.position in positions:
            warnings.append(f"{box.device}: the same position as {positions[box.position]}")
        else:
            positions[box.position] = box.device
    return warnings


def _short_exposure(box: Box) -> Iterator[str]:
    source = box.settings.get("source")
    given = source.get("fps") if isinstance(source, dict) else None
    fps = given if isinstance(given, (int, float)) else DEFAULT_FPS
    if box.exposure_s * fps < MIN_SHARE_OF_FRAME:
        yield (
            f"{box.device}: exposure_s {box.exposure_s:g} is {box.exposure_s * fps:.0%} of a frame at {fps:g} frames a "
            f"second, and radiation is seen only then; did you mean {DEFAULT_EXPOSURE_S:g}?"
        )
