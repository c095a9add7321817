"""The types of values in messages: numbers are finite, texts are bounded and stand in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from edge.text import one_line

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_TEXT = 500
MAX_TEXTS = 40
MAX_BASE64 = 8192
MAX_NUMBER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"


def _as_line(value: object) -> object:
    # A control sign must not cost the message in which it stands, as that may be an alarm.
    return one_line(value, MAX_TEXT) if isinstance(value, str) else value


def _first_ones(value: object) -> object:
    return value[:MAX_TEXTS] if isinstance(value, (list, tuple)) else value


Count = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Fraction = Annotated[float, Field(ge=0, le=1)]
RateHz = Annotated[float, Field(ge=0)]
Interval = tuple[RateHz, RateHz]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""Id of a site or a box, as in topics."""
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$")]
"""Id of an event, a run, an alarm or a transaction."""
Text = Annotated[str, BeforeValidator(_as_line), Field(max_length=MAX_TEXT, json_schema_extra={"pattern": ONE_LINE})]
"""A text for people. Control signs are written as their codes, and what is too long is cut off."""
Base64 = Annotated[
    str,
    BeforeValidator(lambda value: value.decode("ascii") if isinstance(value, bytes) else value),
    Field(max_length=MAX_BASE64, pattern=r"^[A-Za-z0-9+/]*={0,2}$"),
]
"""Bytes of a small file. Messages are made of bytes, as texts in messages are redacted."""
Texts = Annotated[tuple[Text, ...], BeforeValidator(_first_ones), Field(max_length=MAX_TEXTS)]


def first_error(error: ValidationError) -> str:
    """Return what is wrong first, after the place where it stands."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place + ': ' if place else ''}{first['msg']}"


class Part(BaseModel):
    """A part of a message. A reader ignores the keys of a newer sender, as a schema version only ever gains keys."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
