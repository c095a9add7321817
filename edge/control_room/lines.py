"""Messages as lines of text for people."""

from __future__ import annotations

import contextlib
from datetime import timezone
from typing import TYPE_CHECKING

from edge.control_room.arrivals import Arrival, Received, Removed, Unreadable
from edge.telemetry.messages import AlarmMessage, Health, HitMessage, Info, Status
from edge.text import counted, one_line

if TYPE_CHECKING:
    from datetime import datetime


def as_line(arrived: Arrival) -> str:
    """Return a message as one line for people; control signs of texts in it are written as their codes."""
    return one_line(_as_text(arrived))


def _as_text(arrived: Arrival) -> str:
    topic = arrived.topic
    place = f"{topic.site}/{topic.device}"
    if isinstance(arrived, Unreadable):
        return f"{place} unreadable {topic.kind}: {arrived.reason}"
    if isinstance(arrived, Removed):
        return f"{place} {topic.kind}: the kept message is removed"
    message = arrived.message
    marks = " (retained)" * arrived.retained + " (historical)" * message.historical
    return f"{_time(message.utc)} {place} {_content(arrived)}{marks}"


def _time(utc: datetime) -> str:
    with contextlib.suppress(OverflowError):  # at the ends of the calendar
        utc = utc.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


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
