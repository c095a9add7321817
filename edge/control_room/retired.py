"""Removes what a retired box has left behind at the broker: its retained messages."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BrokerError
from edge.telemetry.home_assistant import discovery_topic
from edge.telemetry.topics import NAME, ROOT, Topic

if TYPE_CHECKING:
    from edge.control_room.conversation import Conversation, Heard

QUIET_S = 1.0
"""Retained messages come at once after a subscription; after so long without one there are no more."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What a box has left behind.

    Attributes
    ----------
    site, device : str
    topics : tuple of str
        Topics with a retained message.
    online : bool
        Whether the last status is online: the box is there, and would send all again.

    """

    site: str
    device: str
    topics: tuple[str, ...]
    online: bool


def remains_of(
    conversation: Conversation, device: str, site: str | None, prefix: str = "homeassistant"
) -> list[Remains]:
    """Return what boxes with an id have left behind, one entry a site.

    Raises
    ------
    BrokerError
        The id cannot be that of a box, or the broker does not let these topics be read.

    """
    for name in (device, site or "any"):
        if not NAME.fullmatch(name):
            raise BrokerError(f"{name!r} is no id of a site or box; ids are made of a-z, 0-9, _ and -")
    filters = [f"{ROOT}/{site or '+'}/{device}/#"]
    found: dict[str, list[str]] = {}
    online: set[str] = set()
    for heard in _retained(conversation, filters):
        place = heard.topic.split("/")[1]
        found.setdefault(place, []).append(heard.topic)
        if heard.topic == str(Topic(place, device, "status")) and _is_online(heard.payload):
            online.add(place)
    for place in [site] if site is not None else list(found):
        topic = discovery_topic(prefix, place, device)
        found.setdefault(place, []).extend(heard.topic for heard in _retained(conversation, [topic]))
    return [
        Remains(place, device, tuple(sorted(found[place])), place in online) for place in sorted(found) if found[place]
    ]


def _retained(conversation: Conversation, filters: list[str]) -> list[Heard]:
    """Return all retained messages under some filters; none where there is no right to read them."""
    conversation.subscribe(filters)
    found: dict[str, Heard] = {}
    last_s = time.monotonic()
    while time.monotonic() - last_s < QUIET_S:
        for heard in conversation.hear(QUIET_S / 4):
            if heard.retained and heard.payload and NAME.fullmatch(heard.topic.split("/")[1]):
                found[heard.topic] = heard
                last_s = time.monotonic()
    return list(found.values())


def remove(conversation: Conversation, remains: Remains) -> None:
    """Remove all of it from the broker, and check that it is gone.

    Raises
    ------
    BrokerError
        The broker does not allow it, or something is still there.

    """
    for topic in remains.topics:
        problem = conversation.publish(topic, b"", retain=True)
        if problem is not None:
            raise BrokerError(f"the broker refuses to remove {topic} ({problem}); log in as its administrator")
    left = [each for each in remains_of(conversation, remains.device, remains.site) if each.topics]
    if left:
        raise BrokerError(
            f"{', '.join(left[0].topics)} still stand at the broker; log in as its administrator, and check that the "
            "box is off"
        )


def _is_online(payload: bytes) -> bool:
    try:
        status = json.loads(payload)
    except ValueError:
        return False
    return isinstance(status, dict) and status.get("state") == "online"
