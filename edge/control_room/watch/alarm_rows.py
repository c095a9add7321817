"""The list of the alarms of this session as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from edge.control_room.watch.rows import ACKNOWLEDGED, STYLES, acknowledged_text, cells
from edge.control_room.watch.words import rate_text, time_text

if TYPE_CHECKING:
    from datetime import tzinfo

    from edge.control_room.board import SeenAlarm

STATES = {"stands": "STANDS", "cleared": "cleared", "missed": "no end", "removed": "removed"}
SENTENCES = {
    "stands": "It stands.",
    "cleared": "The box cleared it, as the rate was back at the background.",
    "missed": "Its end was not heard: the box has said something else since.",
    "removed": "Somebody has cleared the topics of the box.",
}
STATE_WIDTH = 8
TIME_WIDTH = 19
BOX_WIDTH = 20
RATE_WIDTH = 7


def alarm_heading(width: int) -> Text:
    """Return the names of the columns."""
    line = f"  {'alarm':<{STATE_WIDTH}} {'raised':<{TIME_WIDTH}} {'box':<{BOX_WIDTH}} {'most/s':>{RATE_WIDTH}} "
    return Text(cells(f"{line}acknowledged by, place", width), style="bold", no_wrap=True)


def alarm_row(alarm: SeenAlarm, width: int, zone: tzinfo | None = None) -> Text:
    """Return the line of an alarm; times are local."""
    quiet = alarm.acknowledgement is not None
    mark = "✓" if quiet else "!" if alarm.state == "stands" else " "
    style = "" if alarm.state != "stands" else ACKNOWLEDGED if quiet else STYLES["alarm"]
    text = Text(no_wrap=True)
    text.append(f" {mark}")
    text.append(cells(STATES[alarm.state], STATE_WIDTH), style=style)
    rate = f"{'>' if alarm.lower_limit else ''}{rate_text(alarm.maximum_hz)}"
    text.append(f" {alarm.raised.astimezone(zone):%Y-%m-%d %H:%M:%S} {cells(alarm.device, BOX_WIDTH)}")
    by = "nobody" if alarm.acknowledgement is None else alarm.acknowledgement.by
    left = max(width - STATE_WIDTH - TIME_WIDTH - BOX_WIDTH - RATE_WIDTH - 6, 0)
    text.append(f" {rate:>{RATE_WIDTH}} {cells(f'{by}, {alarm.place}' if alarm.place else by, left)}")
    return text


def alarm_details(alarm: SeenAlarm, zone: tzinfo | None = None) -> list[Text]:
    """Return what is known of an alarm, a paragraph an entry."""
    least = "at least " if alarm.lower_limit else ""
    lines = [
        Text(f"{STATES[alarm.state]}  {alarm.site}/{alarm.device}  {alarm.place}".rstrip(), style="bold"),
        Text(f"Raised {time_text(alarm.raised, zone)}; {least}{rate_text(alarm.maximum_hz)} hits/s at most."),
        Text(SENTENCES[alarm.state] + ("" if alarm.ended is None else f" {time_text(alarm.ended, zone)}.")),
    ]
    if alarm.acknowledgement is None:
        lines.append(Text("Nobody has acknowledged it."))
    else:
        lines.append(Text(acknowledged_text(alarm.acknowledgement, zone), style=ACKNOWLEDGED))
    return lines
