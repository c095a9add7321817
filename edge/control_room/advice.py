"""What a guard does about each state of a box, in one line."""

from __future__ import annotations

NOT_WATCHED = "This place is not watched now"
ADVICE = {
    "ALARM": "Send someone with a measuring instrument to {place}, who measures from a distance first.",
    "OLD ALARM": "Treat the alarm as standing, as the box cannot say more: send someone to measure at {place}.",
    "CHANGED": "Send someone with a measuring instrument to {place}: a source may have come to stay.",
    "OVERLOAD": "Keep everybody away from {place}: more may come than the camera can count. Measure from a distance.",
    "FAULT": "Do not rely on this box. Tell the technician what stands below.",
    "LOST": f"{NOT_WATCHED}. Check power and network of the box, and tell the technician.",
    "SILENT": f"{NOT_WATCHED}. Check power and network of the box, and tell the technician.",
    "UNKNOWN": f"{NOT_WATCHED}. Tell the technician; if the box was taken down for good, it can be forgotten.",
    "STOPPED": f"{NOT_WATCHED}. Ask who has stopped it, and why.",
    "LEARNING": "No all-clear yet. If this lasts for more than an hour, tell the technician.",
}
"""By the word of the state; a calm box needs nothing."""


def advice_of(word: str, place: str, said: str = "") -> str:
    """Return what to do: what the box itself has said of its standing alarm, or else the rule of this control room.

    Examples
    --------
    >>> advice_of("STOPPED", "")
    'This place is not watched now. Ask who has stopped it, and why.'
    >>> advice_of("calm", "North gate")
    ''

    """
    if said and word in {"ALARM", "CHANGED"}:
        return said
    return ADVICE.get(word, "").format(place=place or "the place of the box")
