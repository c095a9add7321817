"""The offer of a release to a box: the one retained message that a box reads. Its signature is checked elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge.telemetry.fields import Identifier, Part, Text

MAX_URLS = 8
Url = Annotated[str, Field(pattern=r"^https://[\x21-\x7e]+$", max_length=500)]


class Offer(Part):
    """The release that a box is to run. The box checks its signature and whether it is for this box."""

    schema_version: Literal[1] = 1
    offer: Identifier = Field(description="unique; a box deals with each one once, and names it in its report")
    release: Text = Field(description="name of the release, for people")
    urls: tuple[Url, ...] = Field(
        min_length=1, max_length=MAX_URLS, description="addresses of manifests; the box takes the first that is for it"
    )
    again: bool = Field(default=False, description="whether a release that was found bad is tried once more")
