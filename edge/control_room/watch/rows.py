"""The list of boxes and the details of one as lines of text with colours. Nothing is drawn here.

Every colour stands beside a word that says the same. Texts from boxes become plain text, never markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from edge.control_room.view import URGENCIES
from edge.control_room.watch.words import age_text, rate_text, sparkline, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from edge.control_room.view import Acknowledgement, Urgency, View
    from edge.telemetry.messages import AlarmDetail

STYLES: dict[Urgency, str] = {
    "alarm": "bold #ffffff on #b00020",
    "overload": "bold #ffffff on #7b1fa2",
    "fault": "bold #ffb300",
    "lost": "#ff8a65",
    "learning": "#4fc3f7",
    "calm": "#81c784",
}
ACKNOWLEDGED = "#ff8080"
AGAIN = "♪"
"""Marks an alarm that rings again, as the time without sound is over."""
OFF = "m"
"""Marks an alarm that would ring, but for its bell that is off on this screen."""
WAITS = "Not acknowledged: the box is away and cannot take it. m stops the bell here; press a when it is back."
WORD_WIDTH = 10
RATE_WIDTH = 6
AGE_WIDTH = 7
SPARK_WIDTH = 12
MIN_REASON_WIDTH = 30
MIN_WIDE = 110
MIN_SPARK = 60
"""A narrower terminal shows places in place of the last rates."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns in cells; 0 for what has no room: reasons first, then `spark` and `age`."""

    box: int
    place: int
    spark: int
    age: int
    reason: int
    several_sites: bool


def columns_for(width: int, views: Sequence[View]) -> Columns:
    """Return the widths of the columns for a terminal of a width.

    Examples
    --------
    >>> columns_for(80, ())
    Columns(box=12, place=26, spark=12, age=7, reason=0, several_sites=False)

    """
    several = len({view.site for view in views}) > 1
    longest = max((len(view.name if several else view.device) for view in views), default=0)
    spark, age = (SPARK_WIDTH, AGE_WIDTH) if width >= MIN_SPARK else (0, 0)
    fixed = 2 + WORD_WIDTH + RATE_WIDTH + 3 + (spark + age + 2 if spark else 0)
    box = min(max(longest, 12 if spark else 6), 28 if width >= 100 else 20 if spark else 8)
    left = max(width - fixed - box, 0)
    place = left if left < MIN_REASON_WIDTH + 24 else 24
    return Columns(box=box, place=place, spark=spark, age=age, reason=max(left - place - 1, 0), several_sites=several)


def heading(columns: Columns) -> Text:
    """Return the names of the columns."""
    line = f"  {'state':<{WORD_WIDTH}} {'box':<{columns.box}} {'place':<{columns.place}} {'hits/s':>{RATE_WIDTH}} "
    if columns.spark:
        line += f"{'last rates':>{columns.spark}} {'heard':>{columns.age}}"
    return Text(f"{line} why" if columns.reason else line, style="bold", no_wrap=True)


def row(view: View, columns: Columns, now: datetime, *, off: bool = False) -> Text:
    """Return the line of a box; `off` is whether its bell is off on this screen alone."""
    name = view.name if columns.several_sites else view.device
    rings = AGAIN if view.silence_over else "!" if view.is_urgent else ""
    mark = OFF if off else rings or ("✓" if view.acknowledgement is not None else " ")
    background_hz = None if view.health is None else view.health.background_hz
    least = ">" if view.alarm is not None and view.alarm.lower_limit and view.rate_hz is not None else ""
    # The rate of a box that cannot judge says nothing: it may be 0.
    rate = ">" if view.urgency == "overload" else least + rate_text(view.rate_hz)
    text = Text(no_wrap=True)
    text.append(f" {mark}")
    text.append(cells(view.word, WORD_WIDTH), style=style_of(view))
    text.append(f" {cells(name, columns.box)} {cells(view.place, columns.place)} ")
    text.append(f"{rate:>{RATE_WIDTH}}")
    if columns.spark:
        text.append(f" {sparkline(view.rates, columns.spark, background_hz)} ")
        text.append(f"{age_text(view.age_s(now)):>{columns.age}}")
    if columns.reason:
        text.append(f" {cells('; '.join(view.reasons), columns.reason)}")
    return text


def style_of(view: View) -> str:
    """Return the colours of a state; those of an acknowledged alarm are quieter."""
    return ACKNOWLEDGED if view.acknowledgement is not None and not view.silence_over else STYLES[view.urgency]


def counts_line(counts: Mapping[Urgency, int], width: int = 80) -> Text:
    """Return the number of boxes in each state, and of all.

    Examples
    --------
    >>> counts_line({"alarm": 1, "overload": 0, "fault": 0, "lost": 2, "learning": 0, "calm": 1200}).plain
    ' ALARM 1  overload 0  fault 0  LOST 2  learning 0  CALM 1,200  1,203 boxes'

    """
    line = Text(no_wrap=True)
    gap = "  " if width >= MIN_WIDE else ""
    for urgency in URGENCIES:
        count = counts[urgency]
        line.append(f" {(urgency.upper() if count else urgency)} {count:,} ", style=STYLES[urgency] if count else "dim")
        line.append(gap)
    total = sum(counts.values())
    line.append(f" {total:,} box{'' if total == 1 else 'es'}", style="bold")
    return line


def details(view: View, now: datetime, zone: tzinfo | None = None, *, off: bool = False) -> list[Text]:
    """Return what is known of a box, a paragraph an entry; `off` is whether its bell is off on this screen alone."""
    head = Text.assemble((f"{view.word}  {view.name}", style_of(view)), f"  {view.place or '(place not given)'}")
    lines = [head]
    if view.advice:
        lines.append(Text(f"What to do: {view.advice}", style="bold"))
    if view.silence_over:
        again = f"{AGAIN} The time without sound is over: the bell rings again. Press a and say what you do now."
        lines.append(Text(again, style="bold"))
    if view.acknowledgement is not None:
        lines.append(Text(acknowledged_text(view.acknowledgement, zone), style=ACKNOWLEDGED))
    elif view.urgency == "alarm":
        lines.append(Text(WAITS if view.is_away else "Not acknowledged yet: press a.", style="bold"))
    elif view.urgency == "overload":
        lines.append(Text("It cannot be acknowledged; m stops the bell here.", style="bold"))
    if off:
        lines.append(Text(f"{OFF} The bell is off for it on this screen; what is new rings again.", style="bold"))
    if view.raised is not None and view.alarm is not None:
        lines.append(Text(f"Alarm since {time_text(view.raised, zone)}. {_figures(view.alarm)}"))
    if view.faulty_since is not None:
        earlier = ", or earlier" if view.faulty_before else ""
        lines.append(Text(f"Faulty since {time_text(view.faulty_since, zone)}{earlier}:"))
    lines += [Text(f"• {reason}") for reason in view.reasons]
    lines += [Text(line) for line in _health_lines(view)]
    if view.heard is not None:
        heard = f"Last heard {age_text(view.age_s(now))} ago: {time_text(view.heard, zone)}"
        lines.append(Text(heard, style="dim"))
    return lines


def acknowledged_text(given: Acknowledgement, zone: tzinfo | None) -> str:
    """Return who has taken charge of an alarm, when and why, and who had done so before."""
    silent = "" if given.silenced_until is None else f" Silent until {time_text(given.silenced_until, zone)}."
    before = "; ".join(f"by {_given_text(each, zone)}" for each in reversed(given.earlier))
    return f"Acknowledged by {_given_text(given, zone)}.{silent}{f' Before: {before}.' if before else ''}"


def _given_text(given: Acknowledgement, zone: tzinfo | None) -> str:
    reason = f": {given.reason}" if given.reason else ""
    return f"{given.by} at {time_text(given.utc, zone)}{reason}"


def _figures(alarm: AlarmDetail) -> str:
    least = "at least " if alarm.lower_limit else ""
    low, high = alarm.rate_interval_hz
    return (
        f"{least}{rate_text(alarm.rate_hz)} hits/s on average ({rate_text(low)} to {rate_text(high)}), most "
        f"{rate_text(alarm.maximum_hz)}, usual background {rate_text(alarm.background_hz)}, "
        f"{alarm.significance_sigma:.1f} sigma above chance."
    )


def _health_lines(view: View) -> Iterator[str]:
    health = view.health
    if health is None:
        return
    live = "unknown" if health.live_fraction is None else f"{health.live_fraction:.0%} of the picture"
    heat = "" if health.temperature_c is None else f", processor {health.temperature_c:.0f} °C"
    yield f"Camera: {health.fps:.1f} frames/s, live: {live}{heat}"
    for nuisance in view.nuisances:
        yield f"Not counted: {nuisance}"


def matches(view: View, wanted: str) -> bool:
    """Return whether a text stands in the name, the place, the state or a reason of a box, in any case.

    Words that are separated by blanks must all be there.
    """
    text = " ".join((view.name, view.place, view.word, view.urgency, *view.reasons)).lower()
    return all(word in text for word in wanted.lower().split())


def cells(text: str, width: int) -> str:
    """Return a text in exactly so many cells of a terminal, with … where it is cut off."""
    return set_cell_size(text, width) if cell_len(text) <= width else cut(text, width)


def cut(text: str, width: int) -> str:
    """Return a text in at most so many cells of a terminal, with … where it is cut off."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + "…"[:width]
