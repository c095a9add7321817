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


def distrusted(place: str, reason: str) -> LinkState:
    """Return the state after a handshake of TLS that failed."""
    return LinkState("refused", f"broker {place} and this box do not trust each other ({reason}); check tls")
