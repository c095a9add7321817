"""What a guard does about the state of a box, in one line that goes with each message of an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.telemetry.messages import AlarmDetail

NEIGHBOURS = "Look at the neighbouring boxes: a source that passes is seen by several, one after the other"
DOUBT = "A lamp or rain in it explains the doubt, but does not rule a source out"
NOTE = "Nothing has to be done now; note what passed and whether somebody measured it"


def advice(state: str, alarm: AlarmDetail | None, place: str | None) -> str:
    """Return what to do about what a box says of its surroundings.

    Examples
    --------
    >>> advice("learning", None, "North gate")
    'Do not take this for an all-clear: the box cannot say. Ask the technician to look at the reasons'

    """
    where = place or "the place of the box"
    if state == "learning":
        return "Do not take this for an all-clear: the box cannot say. Ask the technician to look at the reasons"
    if state == "cleared":
        return NOTE if alarm is not None else "Nothing has to be done"
    if state == "changed":
        return f"Send someone with a measuring instrument to {where}: a source may have come to stay"
    if alarm is not None and (alarm.overload is not None or alarm.lower_limit):
        return f"Keep everybody away from {where}, the rate is very high; measure from a distance"
    if alarm is not None and alarm.doubts:
        return f"Send someone with a measuring instrument to {where} all the same; look at the picture as well. {DOUBT}"
    return f"Send someone with a measuring instrument to {where}, who measures from a distance first. {NEIGHBOURS}"
