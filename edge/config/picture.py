"""The settings of parts of the picture."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from edge.config.strict import StrictModel

Pixels = Annotated[int, Field(ge=0, le=16384)]


class Mask(StrictModel):
    """A part of the picture in which no hits are looked for: a rectangle or a polygon, in pixels of the frame."""

    rectangle: tuple[Pixels, Pixels, Pixels, Pixels] | None = Field(
        default=None, title="Rectangle", description="x and y of the upper left corner, width, height"
    )
    polygon: tuple[tuple[Pixels, Pixels], ...] | None = Field(
        default=None, min_length=3, max_length=64, title="Polygon", description="corners in order, each as x, y"
    )

    @model_validator(mode="after")
    def _one_shape(self) -> Mask:
        if (self.rectangle is None) == (self.polygon is None):
            raise ValueError("expected either a rectangle [x, y, width, height] or a polygon [[x, y], …]")
        return self
