"""The board of a control room: the latest message of each kind from each box, and messages as lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.control_room.subscriber import Received, Unreadable
from edge.telemetry.messages import AlarmMessage, Health, HitMessage, Info, Status
from edge.text import counted, one_line

if TYPE_CHECKING:
    from edge.telemetry.topics import Topic


@dataclass
class Box:
    """The latest messages of a box, None where none has arrived. `hits` counts from its start, as far as known."""

    site: str
    device: str
    status: Status | None = None
    info: Info | None = None
    health: Health | None = None
    alarm: AlarmMessage | None = None
    hits: int = 0
    fault: str | None = None

    @property
    def state(self) -> str:
        """One of: online, offline with its reason, unknown."""
        if self.status is None:
            return "unknown"
        return "online" if self.is_online else f"offline ({self.status.reason})"

    @property
    def is_online(self) -> bool:
        """Whether the last status of the box is online."""
        return self.status is not None and self.status.state == "online"

    @property
    def alarms(self) -> bool:
        """Whether an alarm stands. It may be left behind by an earlier run of the agent."""
        return self.alarm is not None and self.alarm.alarm is not None and self.alarm.state != "cleared"

    @property
    def alarm_state(self) -> str:
        """One of: ALARM, CHANGED, OLD ALARM (from before a restart of the box), learning, none.

        It is an empty text where it is unknown: an all-clear holds for a box that is online and has not restarted.
        """
        if self.alarm is None:
            return ""
        restarted = self.status is not None and self.status.boot_id != self.alarm.boot_id
        if self.alarms:
            return "OLD ALARM" if restarted else "CHANGED" if self.alarm.state == "changed" else "ALARM"
        if restarted or (self.status is not None and not self.is_online):
            return ""
        return "learning" if self.alarm.state == "learning" else "none"


class Board:
    """The latest messages of all boxes. Repeated and historical messages do no harm."""

    def __init__(self) -> None:
        self.boxes: dict[tuple[str, str], Box] = {}
        self._known_hits: dict[tuple[str, str], set[str]] = {}

    def update(self, arrived: Received | Unreadable) -> Box:
        """Update the board with a message and return its box."""
        topic = arrived.topic
        box = self.boxes.setdefault((topic.site, topic.device), Box(topic.site, topic.device))
        if isinstance(arrived, Unreadable):
            box.fault = arrived.reason
            return box
        message = arrived.message
        if isinstance(message, Status):
            box.status = message
        elif isinstance(message, Info):
            box.info = message
        elif isinstance(message, Health):
            box.health = message
            box.hits = message.hits
        elif isinstance(message, AlarmMessage):
            box.alarm = message
        elif isinstance(message, HitMessage) and not message.historical and self._is_new(topic, message):
            box.hits += len(message.hits)
        return box

    def _is_new(self, topic: Topic, message: HitMessage) -> bool:
        known = self._known_hits.setdefault((topic.site, topic.device), set())
        if len(known) > 10_000:
            known.clear()
        if message.event_id in known:
            return False
        known.add(message.event_id)
        return True


def as_line(arrived: Received | Unreadable) -> str:
    """Return a message as one line for people; control signs of texts in it are written as their codes."""
    return one_line(_as_text(arrived))


def _as_text(arrived: Received | Unreadable) -> str:
    topic = arrived.topic
    place = f"{topic.site}/{topic.device}"
    if isinstance(arrived, Unreadable):
        return f"{place} unreadable {topic.kind}: {arrived.reason}"
    message = arrived.message
    marks = " (retained)" * arrived.retained + " (historical)" * message.historical
    return f"{message.utc:%Y-%m-%dT%H:%M:%S}.{message.utc.microsecond // 1000:03d}Z {place} {_content(arrived)}{marks}"


def _content(arrived: Received) -> str:
    message = arrived.message
    if isinstance(message, Status):
        # A last will is written when a box connects, so its time is not the time of the loss.
        since = "; it had connected at this time" if message.reason == "lost" else ""
        return f"{message.state} ({message.reason}{since})"
    if isinstance(message, Info):
        camera = message.camera
        size = f" {camera.width}x{camera.height}" if camera.width and camera.height else ""
        return f"info: gammabox {message.software}, model {message.model.name}, camera {camera.kind}{size}"
    if isinstance(message, Health):
        live = "-" if message.live_fraction is None else f"{message.live_fraction:.0%}"
        faults = f"; {'; '.join(message.faults)}" if message.faults else ""
        condition = f"condition {message.condition}"
        hits = counted(message.hits, "hit")
        return f"health: {message.fps:.1f} frames/s, {live} live, {hits} so far, {condition}{faults}"
    if isinstance(message, HitMessage):
        best = max((hit.score for hit in message.hits), default=0.0)
        return f"hit: {len(message.hits)} in frame {message.frame}, best score {best:.2f}"
    if isinstance(message, AlarmMessage):
        return _alarm(message)
    return message.event_id


def _alarm(message: AlarmMessage) -> str:
    if message.state == "learning":
        return f"alarm: learning ({'; '.join(message.reasons)})"
    if message.state == "cleared":
        return "alarm: none" if message.alarm is None else f"alarm cleared{_numbers(message)}"
    if message.state == "changed":
        return f"BACKGROUND CHANGED, look at the box{_numbers(message)}"
    return f"ALARM {message.state}{_numbers(message)}"


def _numbers(message: AlarmMessage) -> str:
    alarm = message.alarm
    if alarm is None:
        return ""
    low, high = alarm.rate_interval_hz
    least = "at least " * alarm.lower_limit
    recent = "".join(
        f", last {rate.window_s} s {rate.rate_hz:.2f}" for rate in alarm.recent if rate.rate_hz is not None
    )
    weak = f"; weakened: {'; '.join(alarm.weakened_by)}" if alarm.weakened_by else ""
    return (
        f" {alarm.id}: {least}{alarm.rate_hz:.2f} hits/s ({low:.2f} to {high:.2f}) against {alarm.background_hz:.2f}, "
        f"{alarm.significance_sigma:.1f} sigma{recent}, maximum {alarm.maximum_hz:.2f}{weak}"
    )
