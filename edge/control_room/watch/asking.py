"""What a guard is told while the dialog of an acknowledgement is open, and why one cannot be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.control_room.watch.bell import box_names
from edge.control_room.watch.rows import acknowledged_text
from edge.control_room.watch.words import clock_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from edge.control_room.view import Acknowledgement, View

AWAY = "The box is away: it cannot take an acknowledgement."
WAIT = """Act all the same: nobody knows whether the alarm still stands.

Esc, then m stops the bell here. Press a again when the box is back."""
OVERLOAD = """\
More comes than the box can judge, so that it raises no alarm that somebody could take charge of.

Act as on an alarm, and keep people away.

Esc, then m stops the bell here, until something new comes."""
ADDED = "What you write is added to it; Esc leaves it."


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds now of the alarm that a dialog is about.

    Attributes
    ----------
    given : str
        Who has acknowledged it already; empty where nobody has.
    is_new : bool
        Whether somebody has done so since the dialog was opened, so that the guard has to be asked.
    blocked : str
        Why no acknowledgement can be sent; empty where it can.

    """

    given: str = ""
    is_new: bool = False
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The alarm that a dialog is about, as it was when the dialog was opened."""

    view: View
    alarm_id: str

    def standing(self, view: View | None, now: datetime, zone: tzinfo | None) -> Standing:
        """Return what holds now, from the box as it is seen now; None where it is gone."""
        if view is None or view.alarm is None or view.alarm.id != self.alarm_id:
            other = "" if view is None or view.alarm is None else " The box has another one by now."
            return Standing(blocked=f"This alarm is over: there is nothing to acknowledge (see h).{other}")
        blocked = f"{AWAY} Esc, then m stops the bell here." if view.is_away else ""
        given = view.acknowledgement
        if given is None:
            return Standing(blocked=blocked)
        if given == self.view.acknowledgement:
            return Standing(f"{acknowledged_text(given, zone)} {ADDED}", blocked=blocked)
        return Standing(f"{_meanwhile(given, now, zone)} {ADDED}", is_new=True, blocked=blocked)


def refusal(view: View) -> tuple[str, str] | None:
    """Return the title and the text of a box without an alarm that could be acknowledged now; None where it can."""
    where = f"{view.place} ({view.device})" if view.place else view.device
    if view.urgency == "overload":
        return f"OVERLOAD of {where}: it cannot be acknowledged", OVERLOAD
    if view.alarm is None:
        return f"Nothing to acknowledge at {where}", f"Its state is {view.word}: no alarm stands at this box."
    if view.is_away:
        return f"Alarm of {where}: it cannot be acknowledged now", f"{AWAY} {WAIT}"
    return None


def others_ring(views: Sequence[View], asked: View) -> str:
    """Return which boxes ring beside the one that was `asked` for as it was then; an empty text where none does."""
    known = {(asked.site, asked.device)} if asked.urgency in {"alarm", "overload"} else set()
    ringing = [view for view in views if view.is_urgent and (view.site, view.device) not in known]
    if not ringing:
        return ""
    names = box_names(ringing, several_sites=len({view.site for view in views}) > 1)
    return f"{names} {'rings' if len(ringing) == 1 else 'ring'}: Esc, then Home"


def _meanwhile(given: Acknowledgement, now: datetime, zone: tzinfo | None) -> str:
    reason = f": {given.reason}" if given.reason else ""
    return f"{given.by} has acknowledged it meanwhile, at {clock_text(given.utc, now, zone)}{reason}."
