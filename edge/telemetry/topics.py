"""The topics: gammabox/<site>/<device>/<kind> of messages, …/cmd/<verb> of commands, …/rsp/<verb> of answers.

Crops of pictures, where they are set, go to …/evidence/<event id of the hit message>.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from edge.arguments import optional, require, takes
from edge.config.faults import shown_text
from edge.errors import GammaboxError

ROOT = "gammabox"
Kind = Literal["status", "info", "health", "alarm", "hit"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Direction = Literal["cmd", "rsp"]
MINUTE = "health_minute"
"""The kind under which a box repeats one health message a minute, for a bridge to a wider network."""
OFFER = "release"
"""Below a box: the release that it is to run. A control room writes it and the box reads it."""
EVIDENCE = "evidence"
"""The part of a topic below which a box sends crops of its picture, where that is set."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class TopicError(GammaboxError, ValueError):
    """An id that cannot stand in a topic."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a box.

    Raises
    ------
    TopicError
        An id has other characters than a-z, 0-9, _ and -. No wildcard, slash or dollar sign ever enters a topic.

    """

    site: str
    device: str
    kind: Kind

    def __post_init__(self) -> None:
        _check_names(self.site, self.device)
        if self.kind not in KINDS:
            raise TopicError(f"found the kind {shown_text(self.kind)}, expected one of {', '.join(KINDS)}")

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.device}/{self.kind}"


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """The topic of a command to a box (cmd) or of its answer (rsp).

    Raises
    ------
    TopicError
        An id or the verb has other characters than a-z, 0-9, _ and -.

    """

    site: str
    device: str
    direction: Direction
    verb: str

    def __post_init__(self) -> None:
        _check_names(self.site, self.device, self.verb)
        if self.direction not in get_args(Direction):
            raise TopicError(f"found {shown_text(self.direction)}, expected cmd or rsp")

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.device}/{self.direction}/{self.verb}"


def _check_names(*names: str) -> None:
    for name in names:
        if not NAME.fullmatch(require(name, str, "an id of a topic")):
            raise TopicError(f"found the id {shown_text(name)}, expected a-z, 0-9, _ and -")


@takes(topic=str)
def parse(topic: str) -> Topic | None:
    """Return the parts of a topic; None where it is no topic of Gammabox."""
    for kind in KINDS:
        parts = topic.split("/")
        if len(parts) == 4 and parts[0] == ROOT and parts[3] == kind and all(map(NAME.fullmatch, parts[1:3])):
            return Topic(parts[1], parts[2], kind)
    return None


@takes(topic=str)
def parse_command(topic: str) -> CommandTopic | None:
    """Return the parts of the topic of a command or an answer; None where it is neither.

    Examples
    --------
    >>> parse_command("gammabox/docks/gate-1/cmd/acknowledge").verb
    'acknowledge'

    """
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != ROOT or not all(map(NAME.fullmatch, (*parts[1:3], parts[4]))):
        return None
    for direction in get_args(Direction):
        if parts[3] == direction:
            return CommandTopic(parts[1], parts[2], direction, parts[4])
    return None


def commands_of(site: str, device: str) -> str:
    """Return the filter for the commands to a box."""
    _check_names(site, device)
    return f"{ROOT}/{site}/{device}/cmd/+"


def offers_of(site: str, device: str) -> str:
    """Return the topic on which a box is offered a release."""
    _check_names(site, device)
    return f"{ROOT}/{site}/{device}/{OFFER}"


def minute_topic(site: str, device: str) -> str:
    """Return the topic on which a box repeats a health message once a minute."""
    _check_names(site, device)
    return f"{ROOT}/{site}/{device}/{MINUTE}"


def evidence_topic(site: str, device: str, hit: str) -> str:
    """Return the topic of the evidence of a hit message, which its event id names."""
    _check_names(site, device)
    return f"{ROOT}/{site}/{device}/{EVIDENCE}/{hit}"


@takes(site=optional(str))
def of_site(site: str | None = None) -> str:
    """Return the filter for all topics of a site, or of all sites."""
    if site is None:
        return f"{ROOT}/#"
    if not NAME.fullmatch(site):
        raise TopicError(f"found the site {shown_text(site)}, expected a-z, 0-9, _ and -")
    return f"{ROOT}/{site}/#"


def of_kind(kind: Kind, site: str | None = None) -> str:
    """Return the filter for one kind of message of all boxes of a site, or of all sites.

    Examples
    --------
    >>> of_kind("alarm")
    'gammabox/+/+/alarm'

    """
    return f"{of_site(site).removesuffix('#')}{'+/' if site is None else ''}+/{kind}"


def of_answers(site: str | None = None) -> str:
    """Return the filter for the answers of all boxes of a site, or of all sites.

    Examples
    --------
    >>> of_answers("docks")
    'gammabox/docks/+/rsp/+'

    """
    return f"{of_site(site).removesuffix('#')}{'+/' if site is None else ''}+/rsp/+"
