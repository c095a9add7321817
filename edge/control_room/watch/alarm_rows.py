"""The list of the alarms of this session as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from edge.control_room.view import acknowledgers_of, silence_is_over
from edge.control_room.watch.overloads import is_overload
from edge.control_room.watch.rows import ACKNOWLEDGED, AGAIN, OFF, STYLES, acknowledged_text, cells
from edge.control_room.watch.words import local_time, rate_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from edge.control_room.board import SeenAlarm
    from edge.control_room.view import View

NOT_KNOWN = "not known"
"""The state of an alarm that stood when its box was last heard."""
STATES = {"stands": "STILL ON", "cleared": "over", "missed": "end unknown", "removed": "box removed"}
OVERLOAD_STATES = {**STATES, "stands": "OVERLOAD", "cleared": "was overload"}
UNHEARD = "Nobody heard when it ended; the box said something else at {ended}."
REMOVED = "The box was taken down for good, and forgotten at {ended}."
SENTENCES = {
    "cleared": "The box cleared it at {ended}, as the rate was back at the background.",
    "missed": UNHEARD,
    "removed": REMOVED,
}
OVERLOAD_SENTENCES = {
    "stands": "It is still on. It cannot be acknowledged; m stops the bell on this screen.",
    "cleared": "It ended at {ended}: the box can judge again.",
    "missed": UNHEARD,
    "removed": REMOVED,
}
STATE_WIDTH = 12
TIME_WIDTH = 15
RATE_WIDTH = 7
BY_WIDTH = 12
MIN_BOX_WIDTH = 6
MIN_WIDE = 110


def alarm_heading(width: int, longest: int) -> Text:
    """Return the names of the columns; `longest` is the length of the longest name of a box."""
    box, place = _widths(width, longest)
    line = f"  {'alarm':<{STATE_WIDTH}} {'began':<{TIME_WIDTH}} {'box':<{box}} {'place':<{place}} "
    return Text(cells(f"{line}{'highest':>{RATE_WIDTH}} acknowledged", width), style="bold", no_wrap=True)


def alarm_row(
    alarm: SeenAlarm,
    width: int,
    longest: int,
    now: datetime,
    zone: tzinfo | None = None,
    *,
    new: bool = False,
    view: View | None = None,
    off: bool = False,
) -> Text:
    """Return the line of an alarm; times are local.

    One that was missed and is `new` to the guard stands out. `view` is its box, and `off` whether its bell is off here.
    """
    box, place = _widths(width, longest)
    stands, given = alarm.state == "stands", alarm.acknowledgement
    again = stands and given is not None and silence_is_over(given, now)
    quiet = given is not None and not again
    mark = OFF if off and stands else AGAIN if again else "✓" if quiet else "!" if stands else " "
    style = "reverse" if new else "" if not stands else ACKNOWLEDGED if quiet else STYLES["alarm"]
    text = Text(no_wrap=True)
    text.append(f" {mark}")
    if is_overload(alarm) and stands:
        style = STYLES["overload"]
    word = NOT_KNOWN if is_old(alarm, view) else (OVERLOAD_STATES if is_overload(alarm) else STATES)[alarm.state]
    text.append(cells(word, STATE_WIDTH), style=style)
    text.append(f" {local_time(alarm.raised, zone):%d %b %H:%M:%S} {cells(alarm.device, box)}")
    rate = ">" if is_overload(alarm) else f"{'>' if alarm.lower_limit else ''}{rate_text(alarm.maximum_hz)}"
    by = "nobody" if given is None else ", ".join(acknowledgers_of(given))
    text.append(f" {cells(alarm.place, place)} {rate:>{RATE_WIDTH}} {cells(by, BY_WIDTH)}")
    return text


def is_old(alarm: SeenAlarm, view: View | None) -> bool:
    """Return whether nobody knows if an alarm still stands, as its box cannot say."""
    return alarm.state == "stands" and view is not None and view.word == "OLD ALARM"


def longest_name(alarms: Iterable[SeenAlarm]) -> int:
    """Return the length of the longest name of a box, in cells."""
    return max((cell_len(alarm.device) for alarm in alarms), default=0)


def _widths(width: int, longest: int) -> tuple[int, int]:
    """Return the widths of the names of boxes and of places."""
    box = min(max(longest, MIN_BOX_WIDTH), 28 if width >= MIN_WIDE else 12)
    return box, max(width - STATE_WIDTH - TIME_WIDTH - RATE_WIDTH - BY_WIDTH - box - 8, 0)


def alarm_details(alarm: SeenAlarm, zone: tzinfo | None = None, view: View | None = None) -> list[Text]:
    """Return what is known of an alarm, a paragraph an entry; `view` is its box."""
    ended = "" if alarm.ended is None else time_text(alarm.ended, zone)
    if is_overload(alarm):
        return [
            Text(f"OVERLOAD, {STATES[alarm.state]}  {alarm.site}/{alarm.device}  {alarm.place}".rstrip(), style="bold"),
            Text(f"Since {time_text(alarm.raised, zone)} more came than the box could judge."),
            Text(OVERLOAD_SENTENCES[alarm.state].format(ended=ended)),
        ]
    least = "more than " if alarm.lower_limit else ""
    word = f"{NOT_KNOWN} whether it is still on" if is_old(alarm, view) else STATES[alarm.state]
    lines = [
        Text(f"ALARM, {word}  {alarm.site}/{alarm.device}  {alarm.place}".rstrip(), style="bold"),
        Text(f"It began {time_text(alarm.raised, zone)}; highest rate {least}{rate_text(alarm.maximum_hz)} hits/s."),
    ]
    if alarm.state == "stands":
        return lines  # the details of its box, which follow, say the rest
    lines.append(Text(SENTENCES[alarm.state].format(ended=ended)))
    if alarm.acknowledgement is None:
        lines.append(Text("Nobody has acknowledged it."))
    else:
        lines.append(Text(acknowledged_text(alarm.acknowledgement, zone), style=ACKNOWLEDGED))
    return lines
