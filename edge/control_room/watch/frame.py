"""The lines around the list: banner, key hints, and what stands there when the list is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.text import Text

from edge.control_room.watch.rows import STYLES
from edge.control_room.watch.words import age_text, time_text
from edge.text import counted, one_line

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from edge.control_room.view import View

FORGETTABLE = frozenset({"LOST", "STOPPED", "UNKNOWN", "OLD ALARM"})


def banner(
    now: datetime, site: str | None, broker: str, lost: datetime | None, zone: tzinfo | None, *, away: int = 0
) -> Text:
    """Return the first line: the site, the time, and whether what stands below it still holds.

    `away` is the number of boxes where many have fallen away.
    """
    if lost is not None:
        since = age_text((now - lost).total_seconds())
        text = f" CONNECTION LOST for {since}: all below is old, alarms cannot be seen. Trying {broker} again"
        return Text(text, no_wrap=True, overflow="ellipsis")
    if away:
        text = f" {away:,} boxes have fallen away: places not watched. Call the technician"
        return Text(text, no_wrap=True, overflow="ellipsis")
    place = "all sites" if site is None else site
    return Text(f" {place} · connected · {time_text(now, zone)}", no_wrap=True, overflow="ellipsis")


def hints(wanted: str, missed: int, *, hides: bool, hidden: int = 0) -> Text:
    """Return the keys, what hides boxes at the moment, and how many missed alarms the guard has not looked up yet.

    `hidden` is the number of alarms and overloads that the filter hides; they stand first.
    """
    line = Text(no_wrap=True, overflow="ellipsis")
    if hidden:
        line.append(f" {counted(hidden, 'alarm')} hidden by the filter: Esc ", style=STYLES["alarm"])
    if wanted:
        line.append(f" only “{wanted}” (Esc: all) ", style="reverse")
    if hides:
        line.append(" calm boxes hidden (f) ", style="reverse")
    keys = [("a", "acknowledge"), ("m", "mute"), ("/", "filter"), ("f", "calm"), ("h", "alarms")]
    for key, word in [*keys, ("?", "help"), ("q", "quit")]:
        line.append(f" {key}", style="bold")
        line.append(f" {word} ")
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
