"""A subscription: asked for at each connection, and again from time to time of what the broker refuses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import paho.mqtt.client as paho
    from paho.mqtt.reasoncodes import ReasonCode

ASK_AGAIN_S = 30.0
"""A broker whose rights were corrected keeps the connection, and does not say that it would grant now."""


class Subscription:
    """The topic filters of a client, in the thread that runs it, and which of them the broker refuses.

    Parameters
    ----------
    filters : sequence of (str, int)
        Topic filters and their quality of service.

    """

    def __init__(self, filters: Sequence[tuple[str, int]]) -> None:
        self._filters = tuple(filters)
        self._asked: tuple[tuple[str, int], ...] = ()
        self._number: int | None = None
        self._again_s: float | None = None
        self._refused: dict[str, str] = {}

    @property
    def refused(self) -> dict[str, str]:
        """The reason of the broker for each filter that it refuses on this connection."""
        return dict(self._refused)

    def begin(self, client: paho.Client) -> None:
        """Ask for all filters on a new connection."""
        self._refused = {}
        self._ask(client, self._filters)

    def answered(self, number: int, reasons: Sequence[ReasonCode]) -> bool:
        """Take an answer of the broker; the number is that of its packet. Return whether it is to the last request."""
        if number != self._number:
            return False
        asked = {name for name, _ in self._asked}
        before = {name: reason for name, reason in self._refused.items() if name not in asked}
        answers = zip(self._asked, reasons, strict=False)
        self._refused = {**before, **{name: str(reason) for (name, _), reason in answers if reason.is_failure}}
        self._again_s = time.monotonic() + ASK_AGAIN_S if self._refused else None
        return True

    def tend(self, client: paho.Client) -> None:
        """Ask again for what is refused, when it is time."""
        if self._again_s is not None and time.monotonic() >= self._again_s:
            self._ask(client, tuple(each for each in self._filters if each[0] in self._refused))

    def _ask(self, client: paho.Client, filters: tuple[tuple[str, int], ...]) -> None:
        self._again_s, self._asked = None, filters
        if filters:
            _, self._number = client.subscribe(list(filters))
