"""The state of the link to the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "online", "away", "refused", "stopped"]


@dataclass(frozen=True, slots=True)
class LinkState:
    """The state of the link in a word and in a sentence."""

    state: State
    text: str
