"""A roll-out at work: offers a release to the boxes of a site, wave by wave, and hears what comes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.control_room.arrivals import Received
from edge.control_room.conversation import Conversation
from edge.control_room.subscriber import Subscriber
from edge.errors import BrokerError
from edge.telemetry.messages import Info, Status
from edge.telemetry.offer import Offer
from edge.telemetry.topics import offers_of
from edge.text import counted
from firmware_config.commands.options import say
from firmware_config.connection import QUIET_S
from firmware_config.roll_out import RollOut, heard, next_wave, offered, overdue, save_roll_out

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge.config.device import MqttSettings

POLL_S = 0.5
PROGRESS_S = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a roll-out is asked for.

    Attributes
    ----------
    urls : dict of str to list of str
        Addresses of releases by box.
    few : int
        Number of boxes in the second wave.
    max_failures : int
        More failures than these end it.
    patience : timedelta
        A box that has not ended after so long has failed.

    """

    urls: dict[str, list[str]]
    few: int
    max_failures: int
    patience: timedelta


@dataclass
class _Site:
    """What is known of the boxes: which are online, and the last facts of each."""

    online: set[str] = field(default_factory=set)
    infos: dict[str, Info] = field(default_factory=dict)
    born: set[str] = field(default_factory=set)

    def take(self, subscriber: Subscriber, patience_s: float) -> None:
        """Take in what arrives."""
        for each in subscriber.poll(patience_s):
            if not isinstance(each, Received):
                continue
            device, message = each.topic.device, each.message
            if isinstance(message, Status) and message.state == "online":
                self.online.add(device)
                if not each.retained:
                    self.born.add(device)
            elif isinstance(message, Status):
                self.online.discard(device)
            elif isinstance(message, Info):
                self.infos[device] = message


class Rolling:
    """A roll-out at work.

    Parameters
    ----------
    settings : MqttSettings
        Those of the site's control room.
    roll_out : RollOut
    path : Path
        Where it is kept.
    wanted : Wanted

    """

    def __init__(self, settings: MqttSettings, roll_out: RollOut, path: Path, wanted: Wanted) -> None:
        self._settings, self._path, self._wanted = settings, path, wanted
        self._roll_out = roll_out
        self._told: dict[str, str | None] = {}
        self._last_s = time.monotonic()

    def run(self) -> RollOut:
        """Roll the release out. Return what became of it: some boxes wait where it has ended early.

        Raises
        ------
        BrokerError
            The broker cannot be reached, or does not let offers be made. Another call goes on.

        """
        site = _Site()
        with Subscriber(self._settings, self._roll_out.site, kinds=("status", "info")) as subscriber:
            began_s = time.monotonic()
            while time.monotonic() - began_s < QUIET_S:  # what is retained comes at once
                site.take(subscriber, QUIET_S / 4)
            self._keep(self._without_installed(site))
            if self._roll_out.of("offered"):
                self._offer(self._roll_out.of("offered"), "again")
            try:
                while not self._is_over():
                    self._step(site, subscriber)
            finally:
                self._keep(self._roll_out)
            self._take_back(self._roll_out.boxes)
        return self._roll_out

    def _is_over(self) -> bool:
        failed = len(self._roll_out.of("failed"))
        return failed > self._wanted.max_failures or not self._roll_out.of("waiting", "offered")

    def _step(self, site: _Site, subscriber: Subscriber) -> None:
        wave = next_wave(self._roll_out, site.online, self._wanted.few)
        if wave:
            self._offer(wave, f"{counted(len(wave), 'box', 'boxes')} next")
        site.take(subscriber, POLL_S)
        born = [device for device in self._roll_out.of("offered") if device in site.born]
        site.born.clear()
        if born:  # a broker that was new has forgotten the offer, or it came while the box was away
            self._publish(born)
        now = datetime.now(timezone.utc)
        known = self._roll_out
        for device, info in site.infos.items():
            known = heard(known, device, info.update, now)
        self._keep(overdue(known, self._wanted.patience, now))
        self._tell()

    def _without_installed(self, site: _Site) -> RollOut:
        """Return the roll-out in which boxes that run the release already are done."""
        known = self._roll_out
        for device in known.of("waiting"):
            info = site.infos.get(device)
            trying = info is not None and info.update is not None and info.update.step == "trial"
            if info is not None and info.release == known.release and not trying:
                known = known.with_box(device, state="done", reason="ran it already")
        return known

    def _offer(self, devices: list[str], why: str) -> None:
        now = datetime.now(timezone.utc)
        known = self._roll_out
        for device in devices:
            known = offered(known, device, now)
        self._keep(known)  # noted first, so that a roll-out that is interrupted here goes on with the same offers
        say(f"{why}: {', '.join(devices[:8])}{', …' if len(devices) > 8 else ''}")
        self._publish(devices)

    def _publish(self, devices: Iterable[str]) -> None:
        with Conversation(self._settings) as conversation:
            for device in devices:
                box = self._roll_out.boxes[device]
                offer = Offer(
                    offer=str(box.offer),
                    release=self._roll_out.release,
                    urls=tuple(self._wanted.urls[device]),
                    again=box.again,
                )
                self._send(conversation, device, offer.model_dump_json().encode())

    def _take_back(self, devices: Iterable[str]) -> None:
        """Take the retained offers back: what comes online later is not updated unasked."""
        with Conversation(self._settings) as conversation:
            for device in devices:
                if self._roll_out.boxes[device].offer is not None:
                    self._send(conversation, device, b"")

    def _send(self, conversation: Conversation, device: str, payload: bytes) -> None:
        topic = offers_of(self._roll_out.site, device)
        problem = conversation.publish(topic, payload, retain=True)
        if problem is not None:
            raise BrokerError(
                f"the broker refuses {topic} ({problem}); write its access rights anew: gammabox-firmware broker"
            )

    def _keep(self, roll_out: RollOut) -> None:
        if roll_out != self._roll_out or not self._path.exists():
            save_roll_out(self._path, roll_out)
        self._roll_out = roll_out

    def _tell(self) -> None:
        """Say what has changed, and now and then how far it is."""
        boxes = self._roll_out.boxes
        for device, box in boxes.items():
            word = {"done": "done", "failed": f"failed: {box.reason}"}.get(box.state, box.reason)
            if box.state != "waiting" and word != self._told.get(device, "done" if box.offer is None else None):
                self._told[device] = word
                ended = len(self._roll_out.of("done", "failed"))
                say(f"{device}: {word} ({ended} of {len(boxes)})" if box.state != "offered" else f"{device}: {word}")
        if time.monotonic() - self._last_s >= PROGRESS_S:
            self._last_s = time.monotonic()
            at_it = self._roll_out.of("offered")
            say(f"{summary(self._roll_out)}; at it: {', '.join(at_it[:5])}{', …' if len(at_it) > 5 else ''}")


def summary(roll_out: RollOut) -> str:
    """Return how far a roll-out is, in a line."""
    counts = {state: len(roll_out.of(state)) for state in ("done", "failed", "offered", "waiting")}
    words = {"done": "done", "failed": "failed", "offered": "at it", "waiting": "not begun"}
    told = [f"{count} {words[state]}" for state, count in counts.items() if count or state == "done"]
    return f"release {roll_out.release}: {', '.join(told)} of {counted(len(roll_out.boxes), 'box', 'boxes')}"
