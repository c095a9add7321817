"""The topics: gammabox/<site>/<device>/<kind>."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from edge.arguments import optional, require, takes
from edge.config.faults import shown_text
from edge.errors import GammaboxError

ROOT = "gammabox"
Kind = Literal["status", "info", "health", "alarm", "hit"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class TopicError(GammaboxError, ValueError):
    """An id that cannot stand in a topic."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a box.

    Raises
    ------
    TopicError
        An id has other characters than a-z, 0-9, _ and -. No wildcard, slash or dollar sign ever enters a topic.

    """

    site: str
    device: str
    kind: Kind

    def __post_init__(self) -> None:
        for name in (self.site, self.device):
            if not NAME.fullmatch(require(name, str, "an id of a topic")):
                raise TopicError(f"found the id {shown_text(name)}, expected a-z, 0-9, _ and -")
        if self.kind not in KINDS:
            raise TopicError(f"found the kind {shown_text(self.kind)}, expected one of {', '.join(KINDS)}")

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.device}/{self.kind}"


@takes(topic=str)
def parse(topic: str) -> Topic | None:
    """Return the parts of a topic; None where it is no topic of Gammabox."""
    for kind in KINDS:
        parts = topic.split("/")
        if len(parts) == 4 and parts[0] == ROOT and parts[3] == kind and all(map(NAME.fullmatch, parts[1:3])):
            return Topic(parts[1], parts[2], kind)
    return None


@takes(site=optional(str))
def of_site(site: str | None = None) -> str:
    """Return the filter for all topics of a site, or of all sites."""
    if site is None:
        return f"{ROOT}/#"
    if not NAME.fullmatch(site):
        raise TopicError(f"found the site {shown_text(site)}, expected a-z, 0-9, _ and -")
    return f"{ROOT}/{site}/#"
