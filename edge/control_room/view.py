"""What a guard sees of a box: one urgency, the reasons for it, and the figures that still hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from edge.control_room.advice import advice_of
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.control_room.box import Box
    from edge.telemetry import acknowledgements
    from edge.telemetry.messages import AlarmDetail, Health

Urgency = Literal["alarm", "overload", "fault", "lost", "learning", "calm"]
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)
"""From the most to the least urgent."""
SILENT_S = 60.0
"""Time without any message after which a box counts as lost although the broker still holds its connection."""
MISSED = 3
"""Health messages that a box may miss, where it sends them more seldom than that time allows."""
MAX_INTERVAL_S = 3600.0
"""No box may set a longer time between health messages."""
TWO_AGENTS_S = 600.0
"""Time for which two agents with one id are named after the last sign of them."""
TWO_AGENTS_RETURNS = 2
BACKLOG = 50
"""Messages that wait for the broker, above which it is told; fewer are normal."""
MAX_REASONS = 20
MAX_LETTERS = 500


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has taken note of an alarm, when, why, and until when the box is to be quiet about it; and who had before."""

    by: str
    utc: datetime
    reason: str
    silenced_until: datetime | None
    earlier: tuple[Acknowledgement, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A box as a guard sees it. All texts are one line without control signs.

    Attributes
    ----------
    site, device : str
    urgency : {"alarm", "overload", "fault", "lost", "learning", "calm"}
    word : str
        The state in a word: ALARM, OLD ALARM, CHANGED, OVERLOAD, FAULT, LOST, STOPPED, SILENT, UNKNOWN, LEARNING, calm.
    place : str
        Where the box hangs; empty where it has not said so.
    reasons : tuple of str
        Why the box is in this state, the most urgent first.
    advice : str
        What to do; empty where the box is calm.
    acknowledgement : Acknowledgement or None
    is_away : bool
        Whether the box is away, so that it takes no command.
    silence_over : bool
        Whether the time without sound that somebody has asked for is over, so that the alarm rings again.
    heard : datetime or None
        When the box last sent anything.
    raised : datetime or None
        When the standing alarm was raised.
    rate_hz : float or None
        Hits per live second of the last 10 seconds; None where it is unknown or no longer holds.
    rates : tuple of float or None
        The last rates, the newest last.
    alarm : AlarmDetail or None
        Numbers of the standing alarm.
    health : Health or None
        The last health message while it holds.
    faulty_since : datetime or None
        Since when the box names faults; None where it names none.
    faulty_before : bool
        Whether they may have begun earlier, as nothing was heard of the box before.
    nuisances : tuple of str
        Hits and ground that are not counted now, and why.

    """

    site: str
    device: str
    urgency: Urgency
    word: str
    place: str
    reasons: tuple[str, ...]
    advice: str
    acknowledgement: Acknowledgement | None
    is_away: bool
    silence_over: bool
    heard: datetime | None
    raised: datetime | None
    rate_hz: float | None
    rates: tuple[float | None, ...]
    alarm: AlarmDetail | None
    health: Health | None
    faulty_since: datetime | None
    faulty_before: bool
    nuisances: tuple[str, ...]

    @property
    def name(self) -> str:
        """The box as its topics name it."""
        return f"{self.site}/{self.device}"

    @property
    def needs_attention(self) -> bool:
        """Whether the alarm of the box rings: nobody has acknowledged it, or the time without sound is over."""
        return self.urgency == "alarm" and (self.acknowledgement is None or self.silence_over)

    @property
    def is_urgent(self) -> bool:
        """Whether the alarm of the box rings, or it is in overload, which nobody can acknowledge."""
        return self.needs_attention or self.urgency == "overload"

    def age_s(self, now: datetime) -> float | None:
        """Return the seconds since the box last sent anything; None where it never has."""
        return None if self.heard is None else max(0.0, (now - self.heard).total_seconds())


def view_of(box: Box, now: datetime, lost_since: datetime | None = None) -> View:
    """Return what a guard sees of a box at a time.

    While the broker is away, `lost_since`, no box becomes silent by it; a time without sound ends all the same.

    Nothing is calm by default: a box is calm only when it is online, has spoken lately, has no fault, and its present
    run has said that all is clear.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> from edge.control_room.box import Box
    >>> view = view_of(Box("docks", "gate-1"), datetime(2026, 1, 2, tzinfo=timezone.utc))
    >>> view.urgency, view.word, view.reasons
    ('lost', 'UNKNOWN', ('has not said whether it is online',))

    """
    heard_until = lost_since or now
    absence = _absence(box, heard_until)
    detail = None if box.alarm is None or not _stands(box) else box.alarm.alarm
    health = _valid_health(box) if absence is None else None
    findings = list(_findings(box, heard_until, absence, health))
    urgency, word, _ = min(findings, key=lambda finding: URGENCIES.index(finding[0]), default=("calm", "calm", ""))
    reasons = [text for known in URGENCIES for found, _, text in findings if found == known and text]
    place = _place(box)
    given = acknowledgement_of(box.alarm.acknowledged) if box.alarm is not None and _stands(box) else None
    return View(
        site=box.site,
        device=box.device,
        urgency=urgency,
        word=word,
        place=place,
        reasons=tuple(_clean(reason) for reason in reasons[:MAX_REASONS]),
        advice=_clean(advice_of(word, place, "" if box.alarm is None else box.alarm.advice)),
        acknowledgement=given,
        is_away=absence is not None,
        silence_over=given is not None and silence_is_over(given, now),
        heard=box.heard,
        raised=None if detail is None else detail.raised_utc,
        rate_hz=_rate_hz(detail, health) if absence is None else None,
        rates=box.rates,
        alarm=detail,
        health=health,
        faulty_since=None if health is None else box.faulty_since,
        faulty_before=health is not None and box.faulty_before,
        nuisances=() if health is None else tuple(map(_clean, health.nuisances[:MAX_REASONS])),
    )


def order_of(view: View) -> tuple[float, float, str, str]:
    """Return the key by which boxes are listed: urgency, new alarms, then the name.

    An overload, which nobody can acknowledge, stands above alarms that somebody deals with.
    """
    raised_s = 0.0 if view.raised is None else -view.raised.timestamp()
    dealt_with = view.urgency == "alarm" and not view.needs_attention
    urgency = URGENCIES.index("overload") + 0.5 if dealt_with else URGENCIES.index(view.urgency)
    return (urgency, raised_s, view.site, view.device)


_Finding = tuple[Urgency, str, str]


def _findings(box: Box, now: datetime, absence: tuple[str, str] | None, health: Health | None) -> Iterator[_Finding]:
    """Yield what keeps a box from being calm: an urgency, its word, and a reason."""
    yield from _alarm_findings(box, absence)
    if health is not None and health.overload is not None and not _counts_too_few(box):
        yield ("overload", "OVERLOAD", f"more comes than can be judged: {health.overload}")
    for kind, reason in box.unreadable:
        yield ("fault", "FAULT", f"a message of the kind {kind} cannot be read: {reason}")
    if _two_agents(box, now):
        yield (
            "fault",
            "FAULT",
            "two agents send under this id, so that nothing it says can be relied on; give one of them another id",
        )
    if absence is not None:
        yield ("lost", *absence)
        return
    if health is not None:
        for fault in health.faults:
            yield ("fault", "FAULT", fault)
        if health.outbox.depth > BACKLOG:
            yield ("fault", "FAULT", f"{health.outbox.depth:,} messages wait for the broker")
    yield from _learning_findings(box, health)


def _alarm_findings(box: Box, absence: tuple[str, str] | None) -> Iterator[_Finding]:
    if box.alarm is None or not _stands(box):
        return
    restarted = _restarted(box)
    old = absence is not None or restarted
    word = "OLD ALARM" if old else "CHANGED" if box.alarm.state == "changed" else "ALARM"
    if restarted:
        yield ("alarm", word, "the box has restarted since; the alarm is neither confirmed nor cleared")
    elif old:
        yield ("alarm", word, "the box is away now; its alarm is neither confirmed nor cleared")
    if box.alarm.state == "changed":
        yield ("alarm", word, "the excess lasts: a source that stays, or a new background; look at the box")
    detail = box.alarm.alarm
    if detail is not None and detail.overload is not None:
        yield ("alarm", word, f"more comes than can be counted: {detail.overload}")
    for weakness in () if detail is None else detail.weakened_by:
        yield ("alarm", word, f"weakened by: {weakness}")
    yield ("alarm", word, "")


def _learning_findings(box: Box, health: Health | None) -> Iterator[_Finding]:
    word = "LEARNING"
    if box.alarm is None:
        yield ("learning", word, "no all-clear: the box has not said anything of its surroundings yet")
    elif not _stands(box):
        if _restarted(box):
            yield ("learning", word, "no all-clear: the box has restarted and not spoken since")
        elif box.alarm.state == "learning":
            reasons = box.alarm.reasons or ("the box does not say why",)
            yield from (("learning", word, f"no all-clear: {reason}") for reason in reasons)
        elif health is not None and health.condition != "clear" and health.seq > box.alarm.seq:
            reasons = health.reasons or ("the box is about to say more",)
            yield from (("learning", word, f"no all-clear: {reason}") for reason in reasons)


def _counts_too_few(box: Box) -> bool:
    """Return whether an alarm stands that names an overload itself."""
    detail = None if box.alarm is None or not _stands(box) else box.alarm.alarm
    return detail is not None and detail.overload is not None


def _stands(box: Box) -> bool:
    """Return whether an alarm stands, as far as the box has last said."""
    return box.alarm is not None and box.alarm.state not in {"cleared", "learning"}


def _restarted(box: Box) -> bool:
    """Return whether the last alarm message is from an earlier run than the last status."""
    return box.alarm is not None and box.status is not None and box.status.boot_id != box.alarm.boot_id


def _valid_health(box: Box) -> Health | None:
    """Return the last health message, unless it is from another run than the last status."""
    if box.health is None or box.status is None or box.health.boot_id != box.status.boot_id:
        return None
    return box.health


def _absence(box: Box, now: datetime) -> tuple[str, str] | None:
    """Return the word and the sentence for a box that is away; None where it is here."""
    if box.status is None:
        return ("UNKNOWN", "has not said whether it is online")
    if box.status.reason == "lost":
        return ("LOST", "the connection broke off: power, network, or the box itself")
    if box.status.state == "offline":
        return ("STOPPED", "somebody has stopped this box")
    said_s = 0.0 if box.health is None else min(box.health.interval_s or 0.0, MAX_INTERVAL_S)
    allowed_s = max(SILENT_S, MISSED * max(said_s, *box.spacings_s, 0.0))
    if box.heard is None or (now - box.heard).total_seconds() > allowed_s:
        return ("SILENT", "has an open connection, but sends nothing")
    return None


def _two_agents(box: Box, now: datetime) -> bool:
    recent = [time for time in box.returns if (now - time).total_seconds() <= TWO_AGENTS_S]
    return len(recent) >= TWO_AGENTS_RETURNS


def _rate_hz(detail: AlarmDetail | None, health: Health | None) -> float | None:
    """Return the newest rate over a few seconds; that of the whole alarm where there is none."""
    recent = detail.recent if detail is not None else () if health is None else health.recent
    newest = next((rate.rate_hz for rate in recent if rate.rate_hz is not None), None)
    return detail.rate_hz if newest is None and detail is not None else newest


def _place(box: Box) -> str:
    places = (message.place for message in (box.info, box.alarm) if message is not None)
    return _clean(next((place for place in places if place), ""))


def acknowledgement_of(given: acknowledgements.Acknowledgement | None) -> Acknowledgement | None:
    """Return an acknowledgement of a message as it is shown; None where there is none."""
    if given is None:
        return None
    earlier = tuple(
        Acknowledgement(_clean(each.by), each.utc, _clean(each.reason or ""), None) for each in given.earlier
    )
    return Acknowledgement(_clean(given.by), given.utc, _clean(given.reason or ""), given.silenced_until_utc, earlier)


def acknowledgers_of(given: Acknowledgement) -> tuple[str, ...]:
    """Return who has acknowledged an alarm, each once, the latest first."""
    return tuple(dict.fromkeys((given.by, *(each.by for each in reversed(given.earlier)))))


def silence_is_over(given: Acknowledgement, now: datetime) -> bool:
    """Return whether a time without sound has ended since. Who acknowledges later does not want it back."""
    return given.silenced_until is not None and given.utc < given.silenced_until <= now


def _clean(text: str) -> str:
    return one_line(text, MAX_LETTERS)
