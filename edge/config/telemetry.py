"""The settings of what a box sends, and of the commands that it carries out."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from edge.config.strict import StrictModel

Verb = Literal["acknowledge", "silence", "health", "recalibrate", "restart", "get", "set", "log-level"]
VERBS: tuple[Verb, ...] = get_args(Verb)
ALLOWED: tuple[Verb, ...] = ("acknowledge", "silence", "health", "restart", "get", "set", "log-level")


class TelemetrySettings(StrictModel):
    """What is sent, and how often."""

    health_interval_s: float = Field(
        default=10.0, ge=0.5, le=3600, title="Health", description="seconds between health messages"
    )
    hits: bool = Field(
        default=True, title="Hits", description="send a message for each frame with hits; alarms are always sent"
    )
    evidence: Literal["off", "blurred", "sharp"] = Field(
        default="off",
        title="Evidence",
        description="send a grey crop of 48×48 pixels around the strongest hit of a frame, one a second at most. "
        "blurred: all but the hit is blurred; sharp: as the camera saw it, which may show people",
    )
    home_assistant: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        max_length=100,
        title="Home Assistant",
        description="prefix of Home Assistant's discovery, usually homeassistant; the box does not announce itself "
        "where it is left out",
    )


class CommandSettings(StrictModel):
    """What the control room may have the box do. Who may send commands is decided by the broker's access rights."""

    allow: tuple[Verb, ...] = Field(
        default=ALLOWED,
        title="Allowed",
        description="commands that the box carries out; an empty list, and it does not listen for any",
    )


class LoggingSettings(StrictModel):
    """What the agent writes on stderr, for the journal."""

    level: Literal["error", "warning", "info", "debug"] = Field(
        default="info", title="Level", description="lowest level that is written"
    )
