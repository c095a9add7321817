"""What arrives at a control room: messages, payloads that are none, and the removal of kept messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.telemetry.messages import Message
    from edge.telemetry.topics import Topic


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it arrived.

    Attributes
    ----------
    topic : Topic
        Names the box and the kind of the message.
    message : Message
        One of the models of `edge.telemetry.messages.MODELS`.
    retained : bool
        Whether the broker has kept it from before, so that it is state and no news.

    """

    topic: Topic
    message: Message
    retained: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A payload under a topic of Gammabox that is no message, with the reason."""

    topic: Topic
    reason: str


@dataclass(frozen=True, slots=True)
class Removed:
    """An empty payload: the retained message of this topic is deleted, as of a retired box."""

    topic: Topic


Arrival = Received | Unreadable | Removed
