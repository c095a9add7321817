"""What the control room knows of its boxes: the latest of each kind, and each message in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.control_room.subscriber import Received, Unreadable
from edge.telemetry.messages import AlarmMessage, Health, HitMessage, Info, Status
from edge.words import counted

if TYPE_CHECKING:
    from edge.telemetry.topics import Topic


@dataclass
class Box:
    """The latest of one box; None where nothing has arrived. `hits` are those since its start, as far as is known."""

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
        """online, offline with its reason, or unknown."""
        if self.status is None:
            return "unknown"
        return "online" if self.is_online else f"offline ({self.status.reason})"

    @property
    def is_online(self) -> bool:
        """Whether the box has said so, and the broker not otherwise since."""
        return self.status is not None and self.status.state == "online"

    @property
    def alarms(self) -> bool:
        """Whether an alarm stands, be it one that an earlier run of the agent left behind."""
        return self.alarm is not None and self.alarm.alarm is not None and self.alarm.state != "cleared"

    @property
    def alarm_state(self) -> str:
        """What stands: an alarm, one from before the box was restarted, none, or nothing where none is known."""
        if not self.alarms:
            return "" if self.alarm is None else "none"
        if self.status is not None and self.alarm is not None and self.status.boot_id != self.alarm.boot_id:
            return "OLD ALARM"
        return "ALARM"


class Board:
    """The latest of every box, by messages as they come; repeated and historical ones do no harm."""

    def __init__(self) -> None:
        self.boxes: dict[tuple[str, str], Box] = {}
        self._seen_hits: dict[tuple[str, str], set[str]] = {}

    def take(self, arrived: Received | Unreadable) -> Box:
        """Take in a message and give its box."""
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
        seen = self._seen_hits.setdefault((topic.site, topic.device), set())
        if len(seen) > 10_000:
            seen.clear()
        if message.event_id in seen:
            return False
        seen.add(message.event_id)
        return True


def in_words(arrived: Received | Unreadable) -> str:
    """Put a message into one line for a reader."""
    topic = arrived.topic
    place = f"{topic.site}/{topic.device}"
    if isinstance(arrived, Unreadable):
        return f"{place} unreadable {topic.kind}: {arrived.reason}"
    message = arrived.message
    marks = " (retained)" * arrived.retained + " (historical)" * message.historical
    return f"{message.utc:%Y-%m-%dT%H:%M:%S}.{message.utc.microsecond // 1000:03d}Z {place} {_said(arrived)}{marks}"


def _said(arrived: Received) -> str:
    message = arrived.message
    if isinstance(message, Status):
        # A last will is written when a box connects, so its time is not when the box was lost.
        since = "; it had connected at this time" if message.reason == "lost" else ""
        return f"{message.state} ({message.reason}{since})"
    if isinstance(message, Info):
        camera = message.camera
        size = f" {camera.width}x{camera.height}" if camera.width and camera.height else ""
        return f"info: gammabox {message.software}, model {message.model.name}, camera {camera.kind}{size}"
    if isinstance(message, Health):
        live = "-" if message.live_fraction is None else f"{message.live_fraction:.0%}"
        faults = f"; {'; '.join(message.faults)}" if message.faults else ""
        return f"health: {message.fps:.1f} frames/s, {live} live, {counted(message.hits, 'hit')} so far{faults}"
    if isinstance(message, HitMessage):
        best = max((hit.score for hit in message.hits), default=0.0)
        return f"hit: {len(message.hits)} in frame {message.frame}, best score {best:.2f}"
    if isinstance(message, AlarmMessage):
        return f"ALARM {message.state}{_numbers(message)}" if message.state != "cleared" else _calm(message)
    return message.event_id


def _calm(message: AlarmMessage) -> str:
    return "alarm: none, background learnt" if message.alarm is None else f"alarm cleared{_numbers(message)}"


def _numbers(message: AlarmMessage) -> str:
    alarm = message.alarm
    if alarm is None:
        return ""
    low, high = alarm.rate_interval_hz
    weak = f"; weakened: {'; '.join(alarm.weakened_by)}" if alarm.weakened_by else ""
    return (
        f" {alarm.id}: {alarm.rate_hz:.2f} hits/s ({low:.2f} to {high:.2f}) against {alarm.background_hz:.2f}, "
        f"{alarm.significance_sigma:.1f} sigma{weak}"
    )
