"""Announces a box to Home Assistant: at the start, after the broker was away, and whenever Home Assistant starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge import __version__
from edge.telemetry.home_assistant import Device, birth_topic, discovery, discovery_topic
from edge.telemetry.outgoing import Outgoing

if TYPE_CHECKING:
    from edge.config.device import DeviceSettings
    from edge.telemetry.inbox import Arrived
    from edge.telemetry.messages import Stamp
    from edge.telemetry.outbox import Outbox

SELDOM_S = 10.0
"""Births that follow each other faster are answered once, so that nobody makes a box flood the broker."""


class Announcer:
    """Puts the discovery message into the outbox; does nothing where the settings name no prefix.

    Parameters
    ----------
    settings : DeviceSettings
    model : str
        Name of the model bundle.
    stamp : Stamp
    outbox : Outbox

    """

    def __init__(self, settings: DeviceSettings, model: str, stamp: Stamp, outbox: Outbox) -> None:
        self._prefix = settings.telemetry.home_assistant
        self._device = Device(
            settings.site, settings.device, settings.place, __version__, model, settings.telemetry.health_interval_s
        )
        self._stamp = stamp
        self._outbox = outbox
        self._announced_s = -SELDOM_S
        self._due = True

    @property
    def filters(self) -> tuple[str, ...]:
        """What the box has to subscribe to."""
        return () if self._prefix is None else (birth_topic(self._prefix),)

    def forget(self) -> None:
        """Announce the box again, as the broker may have forgotten it."""
        self._due = True

    def hear(self, arrived: list[Arrived], now_s: float) -> list[Arrived]:
        """Announce the box where that is due, and return what has arrived without the births of Home Assistant."""
        births = [each for each in arrived if each.topic in self.filters]
        self._due |= any(birth.payload == b"online" for birth in births)
        if self._prefix is not None and self._due and now_s - self._announced_s >= SELDOM_S:
            self._due, self._announced_s = False, now_s
            topic = discovery_topic(self._prefix, self._device.site, self._device.device)
            boot_id = self._stamp.boot_id
            self._outbox.put(Outgoing(topic, discovery(self._device), retain=True, keep="latest", boot_id=boot_id))
        return [each for each in arrived if each not in births]
