"""The boxes of a site as a control room sees them, and the alarms of this session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from edge.control_room.arrivals import Received, Removed
from edge.control_room.box import Box, updated
from edge.control_room.view import URGENCIES, Acknowledgement, acknowledgement_of, order_of, view_of
from edge.telemetry.messages import AlarmMessage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from edge.control_room.arrivals import Arrival
    from edge.control_room.view import Urgency, View
    from edge.telemetry.messages import PastAlarm

MAX_BOXES = 20_000
"""Boxes beyond these are counted, but not kept, so that no flood of invented ids fills the memory."""
MAX_ALARMS = 1_000


@dataclass(frozen=True, slots=True)
class SeenAlarm:
    """An alarm of this session.

    Attributes
    ----------
    site, device, id : str
    place : str
    raised : datetime
    state : {"stands", "cleared", "missed", "removed"}
        missed: the box says something else by now, and its end was not heard. removed: its topic was cleared.
    ended : datetime or None
    maximum_hz : float
    hits : int
    lower_limit : bool
        Whether more came than could be counted.
    acknowledgement : Acknowledgement or None

    """

    site: str
    device: str
    id: str
    place: str
    raised: datetime
    state: Literal["stands", "cleared", "missed", "removed"]
    ended: datetime | None
    maximum_hz: float
    hits: int
    lower_limit: bool
    acknowledgement: Acknowledgement | None


class Board:
    """All boxes that were heard of, and the alarms of this session. Memory is bounded; nothing is read or written.

    Attributes
    ----------
    boxes : dict of (site, device) to Box
    ignored : int
        Arrivals from boxes beyond those that are kept.

    Examples
    --------
    >>> board = Board()
    >>> board.counts(())
    {'alarm': 0, 'overload': 0, 'fault': 0, 'lost': 0, 'learning': 0, 'calm': 0}

    """

    def __init__(self) -> None:
        self.boxes: dict[tuple[str, str], Box] = {}
        self.ignored = 0
        self._alarms: dict[tuple[str, str, str], SeenAlarm] = {}
        self._standing: dict[tuple[str, str], set[str]] = {}

    def update(self, arrival: Arrival, now: datetime) -> None:
        """Update the board with what arrived at a time of the control room's clock."""
        key = (arrival.topic.site, arrival.topic.device)
        box = self.boxes.get(key)
        if box is None:
            if isinstance(arrival, Removed):
                return
            if len(self.boxes) >= MAX_BOXES:
                self.ignored += 1
                return
            box = Box(*key)
        box = updated(box, arrival, now)
        if box.is_empty:
            self.boxes.pop(key, None)
        else:
            self.boxes[key] = box
        if isinstance(arrival, Removed) and arrival.topic.kind == "alarm":
            self._end_others(key, None, "removed", now)
        elif isinstance(arrival, Received) and isinstance(arrival.message, AlarmMessage):
            self._note(box, arrival.message, now)

    def views(self, now: datetime, lost_since: datetime | None = None) -> list[View]:
        """Return the boxes at a time, the most urgent first; `lost_since` as in `view_of`."""
        return sorted((view_of(box, now, lost_since) for box in self.boxes.values()), key=order_of)

    @staticmethod
    def counts(views: Iterable[View]) -> dict[Urgency, int]:
        """Return the number of boxes by urgency, zeros included."""
        counts = dict.fromkeys(URGENCIES, 0)
        for view in views:
            counts[view.urgency] += 1
        return counts

    @property
    def alarms(self) -> list[SeenAlarm]:
        """The alarms of this session, the newest first."""
        return sorted(self._alarms.values(), key=lambda alarm: (alarm.raised, alarm.site, alarm.device), reverse=True)

    def _note(self, box: Box, message: AlarmMessage, now: datetime) -> None:
        detail = message.alarm
        late = box.alarm is not message
        if not message.historical and not late:
            self._end_others((box.site, box.device), None if detail is None else detail.id, "missed", now)
        place = view_of(box, now).place
        newest = None if box.alarm is None or not late or box.alarm.alarm is None else box.alarm.alarm.id
        for past in message.past:
            if past.id != newest:
                self._note_past(box, past, place, late=late)
        if detail is None or detail.id == newest:
            return  # The box has said something newer of this alarm.
        key = (box.site, box.device, detail.id)
        known = self._alarms.get(key)
        cleared = message.state == "cleared"
        if known is not None and late and _is_over_since(known, message.utc):
            return
        if known is not None and known.state != "stands" and late and not cleared:
            return
        if not cleared and (known is not None or not late):
            self._standing.setdefault(key[:2], set()).add(detail.id)
        given = acknowledgement_of(message.acknowledged)
        self._alarms[key] = SeenAlarm(
            *key,
            place=place,
            raised=detail.raised_utc,
            state="cleared" if cleared else "stands" if known is not None or not late else "missed",
            ended=message.utc if cleared else None,
            maximum_hz=detail.maximum_hz,
            hits=detail.hits,
            lower_limit=detail.lower_limit,
            acknowledgement=_taken_over(given, known, late=late),
        )
        self._drop_oldest()

    def _note_past(self, box: Box, past: PastAlarm, place: str, *, late: bool) -> None:
        """Note an alarm that is over, as the box remembers it: this session may not have heard its end."""
        key = (box.site, box.device, past.id)
        known = self._alarms.get(key)
        if known is not None and late and _is_over_since(known, past.ended_utc):
            return
        given = acknowledgement_of(past.acknowledged)
        self._alarms[key] = SeenAlarm(
            *key,
            place=place,
            raised=past.raised_utc,
            state="cleared",
            ended=past.ended_utc,
            maximum_hz=past.maximum_hz,
            hits=past.hits,
            lower_limit=past.lower_limit,
            acknowledgement=_taken_over(given, known, late=late),
        )
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        if len(self._alarms) > MAX_ALARMS:
            ended = [key for key, alarm in self._alarms.items() if alarm.state != "stands"]
            oldest = min(ended or self._alarms, key=lambda key: self._alarms[key].raised)
            del self._alarms[oldest]

    def _end_others(
        self, box: tuple[str, str], alarm_id: str | None, state: Literal["missed", "removed"], now: datetime
    ) -> None:
        standing = self._standing.pop(box, set())
        if alarm_id in standing:
            self._standing[box] = {alarm_id}
        for other in standing - {alarm_id}:
            key = (*box, other)
            alarm = self._alarms.get(key)
            if alarm is not None and alarm.state == "stands":
                self._alarms[key] = replace(alarm, state=state, ended=now)


def _is_over_since(alarm: SeenAlarm, utc: datetime) -> bool:
    """Return whether the box has told of an end of the alarm at this time or later."""
    return alarm.state == "cleared" and alarm.ended is not None and alarm.ended >= utc


def _taken_over(given: Acknowledgement | None, known: SeenAlarm | None, *, late: bool) -> Acknowledgement | None:
    """Return who has acknowledged an alarm: what a box says last holds, also that nobody has since it came again."""
    return given or (known.acknowledgement if late and known is not None else None)
