"""The settings of where a box hangs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from edge.config.strict import StrictModel


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("found a line end or a control sign, expected one line of printable text")
    return value


OneLine = Annotated[str, AfterValidator(_one_line)]


class PositionSettings(StrictModel):
    """Where the box hangs, on a map."""

    latitude: float = Field(ge=-90, le=90, title="Latitude", description="degrees of WGS 84, north is positive")
    longitude: float = Field(ge=-180, le=180, title="Longitude", description="degrees of WGS 84, east is positive")
