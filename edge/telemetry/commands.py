"""The commands of a control room to a box and the answers to them, as models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from edge.config.telemetry import Verb
from edge.telemetry.fields import Identifier, Part, Text
from edge.telemetry.messages import Message

Level = Literal["error", "warning", "info", "debug"]
Minutes = Annotated[float, Field(gt=0, le=24 * 60)]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]
MAX_SETTINGS = 16


class Command(Part):
    """What somebody wants a box to do. It is never retained."""

    schema_version: Literal[1] = 1
    transaction_id: Identifier = Field(description="chosen by the sender; a box carries out each one once")
    utc: AwareDatetime = Field(description="when it was given; a box refuses commands that are too old")
    by: Text = Field(min_length=1, description="who gives it")
    reason: Text | None = None
    arguments: dict[str, JsonValue] = Field(default_factory=dict, description="depend on the verb")


class Response(Message):
    """What became of a command."""

    transaction_id: Identifier
    ok: bool
    error: Text | None = Field(description="why the command was not carried out; null where it was")
    result: dict[str, JsonValue] = Field(default_factory=dict, description="depends on the verb")


class _Arguments(Part):
    model_config = ConfigDict(extra="forbid")


class NoArguments(_Arguments):
    """The arguments of health and restart: none."""


class AcknowledgeArguments(_Arguments):
    """The alarm that somebody takes charge of."""

    alarm_id: Identifier = Field(description='id of the last alarm; "standing" for whichever stands now')


class SilenceArguments(_Arguments):
    """For how long the alarm that stands makes no sound. Whoever silences it takes charge of it."""

    minutes: Minutes
    alarm_id: Identifier | None = Field(
        default=None, description="id of the alarm that is meant; without it whichever stands when the command arrives"
    )


class RecalibrateArguments(_Arguments):
    """The confirmation that no source is near, as the background is learnt anew."""

    no_source_is_near: Literal[True]


class GetArguments(_Arguments):
    """The settings to tell; all that a command may read where left out."""

    names: tuple[SettingName, ...] = Field(default=(), max_length=MAX_SETTINGS)


class SetArguments(_Arguments):
    """New values of settings by their names. They hold until the agent ends."""

    values: dict[SettingName, JsonValue] = Field(min_length=1, max_length=MAX_SETTINGS)


class LogLevelArguments(_Arguments):
    """The lowest level that goes to the journal until the agent ends."""

    level: Level


ARGUMENTS: dict[Verb, type[Part]] = {
    "acknowledge": AcknowledgeArguments,
    "silence": SilenceArguments,
    "health": NoArguments,
    "recalibrate": RecalibrateArguments,
    "restart": NoArguments,
    "get": GetArguments,
    "set": SetArguments,
    "log-level": LogLevelArguments,
}
