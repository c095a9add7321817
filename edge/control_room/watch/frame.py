"""The lines around the list: banner, key hints, and what stands there when the list is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.text import Text

from edge.control_room.watch.rows import STYLES, cut
from edge.control_room.watch.words import age_text, local_time, time_text
from edge.text import counted, one_line

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from edge.control_room.view import View

CALL = "call the technician, send patrols"
CALL_AFTER_S = 60.0
"""A connection that is lost for so long does not come back by itself soon."""
KEYS = (
    ("a", "acknowledge"),
    ("m", "mute"),
    ("/", "filter"),
    ("f", "calm"),
    ("h", "alarms"),
    ("?", "help"),
    ("q", "quit"),
)
SHORT_FILTER = 12
FORGETTABLE = frozenset({"LOST", "STOPPED", "UNKNOWN", "OLD ALARM"})


def banner(
    now: datetime,
    site: str | None,
    broker: str,
    lost: datetime | None,
    zone: tzinfo | None,
    *,
    away: int = 0,
    refusal: str | None = None,
) -> Text:
    """Return the first line: the site, the time, and whether what stands below it still holds.

    In an outage it says first what to do, as a narrow terminal cuts it off. `away` is the number of boxes where many
    have fallen away; `refusal` goes on after “the broker”.
    """
    clock = f"{local_time(now, zone):%H:%M:%S}"
    if lost is not None:
        passed_s = (now - lost).total_seconds()
        what = CALL if passed_s >= CALL_AFTER_S else "all below is old, alarms cannot reach you"
        if refusal is not None:
            what = f"the broker {one_line(refusal, 200)}; start watch again. {what[0].upper()}{what[1:]}"
        text = f" CONNECTION LOST {age_text(passed_s)}: {what}. It is {clock}. Trying {broker}"
    elif away:
        text = f" {away:,} boxes fell away: {CALL}. It is {clock}"
    else:
        text = f" {'all sites' if site is None else site} · connected · {time_text(now, zone)}"
    return Text(text, no_wrap=True, overflow="ellipsis")


def hints(width: int, wanted: str, missed: int, *, hides: bool, hidden: int = 0, off: str = "") -> Text:
    """Return the keys, what hides boxes at the moment, and how many missed alarms the guard has not looked up yet.

    Where the line is too narrow, the words of the keys go first, then those of the marks before them; the marks stay.

    Parameters
    ----------
    width : int
    wanted : str
        The words of the filter.
    missed : int
    hides : bool
        Whether calm boxes are hidden.
    hidden : int
        Alarms and overloads that the filter hides; they stand first.
    off : str
        For what the bell is off on this screen.

    """
    marks = []
    if hidden:
        marks.append(
            (f"{counted(hidden, 'alarm')} hidden by the filter: Esc", f"{hidden:,} hidden: Esc", STYLES["alarm"])
        )
    if off:
        marks.append((f"bell off here for {off}", "bell off", STYLES["overload"]))
    if wanted:
        marks.append((f"only “{wanted}” (Esc: all)", f"“{cut(wanted, SHORT_FILTER)}”", "reverse"))
    if hides:
        marks.append(("calm boxes hidden (f)", "no calm", "reverse"))
    for short, words in ((False, True), (False, False), (True, True), (True, False)):
        line = _hints([(brief if short else full, style) for full, brief, style in marks], missed, words=words)
        if line.cell_len <= width:
            break
    return line


def _hints(marks: list[tuple[str, str]], missed: int, *, words: bool) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for text, style in marks:
        line.append(f" {text} ", style=style)
    for key, word in KEYS:
        line.append(f" {key}", style="bold")
        line.append(f" {word} " if words else " " * (key == "h" and missed > 0))
        if key == "h" and missed:
            line.append(f"{missed:,} missed", style="bold reverse")
    return line


def empty_text(kind: Literal["all", "filtered", "alarms"], broker: str, site: str | None, ignored: int) -> Text:
    """Return what stands in place of an empty list."""
    if kind == "alarms":
        return Text("No alarm so far.")
    if kind == "filtered":
        return Text("No box fits. Esc takes the filter away, f shows calm boxes again.")
    where = f"site {site} at {broker}" if site is not None else broker
    text = (
        f"No box has reported to {where} yet.\n\nBoxes appear here as soon as they connect. If they should be there "
        "already, check the name of the site and the rights of this login, and ask the technician."
    )
    return Text(text + (f"\n{ignored:,} messages of further boxes were left out." if ignored else ""))


def forget_text(view: View, broker: str) -> str:
    """Return how a box that is gone for good is forgotten, or why it cannot be."""
    if view.word not in FORGETTABLE:
        why = f": {one_line(view.reasons[0], 200)}" if view.reasons else ""
        what = f"\n\nWhat to do: {view.advice}" if view.advice else ""
        return (
            f"Leave this box as it is: it is in use. Its state is {view.word}{why}.{what}\n\n"
            "Only a box that was taken down for good is forgotten, by the technician."
        )
    return (
        "Only for the technician. If this box was taken down for good, somebody with the right to write for it runs\n\n"
        f"    gammabox-edge forget {view.device} --site {view.site} --broker {broker}\n\n"
        "with the administrator's login. It deletes what the broker keeps of the box, and the box leaves "
        "every list. An alarm of it stays in the list of alarms (h)."
    )
