"""The roll-out of a release: one box, then a few, then all. Decides which boxes come next, and when it ends.

Nothing here speaks to a box. What has become of each is kept in a file, so that a roll-out goes on where it ended.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, ValidationError

from edge.config.faults import first_fault
from edge.config.strict import StrictModel
from edge.files import read_text, replace_file, why
from firmware_config.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from edge.telemetry.messages import UpdateReport

FOLDER = "updates"
BoxState = Literal["waiting", "offered", "done", "failed"]


class BoxProgress(StrictModel):
    """What has become of one box. `offer` is the id of its last offer, and `since` when that became so."""

    state: BoxState = "waiting"
    offer: str | None = None
    again: bool = False
    reason: str | None = None
    since: AwareDatetime | None = None


class RollOut(StrictModel):
    """What has become of the boxes of a site."""

    schema_version: Literal[1] = 1
    site: str
    release: str
    boxes: dict[str, BoxProgress]

    def of(self, *states: BoxState) -> list[str]:
        """Return the boxes in some states, in the order of the site file."""
        return [device for device, box in self.boxes.items() if box.state in states]

    def with_box(self, device: str, **changes: object) -> RollOut:
        """Return the roll-out with another progress of one box."""
        changed = BoxProgress.model_validate({**self.boxes[device].model_dump(), **changes})
        return self.model_copy(update={"boxes": {**self.boxes, device: changed}})


def resumed(before: RollOut | None, site: str, release: str, devices: Sequence[str], *, again: bool) -> RollOut:
    """Return the roll-out to go on with.

    Parameters
    ----------
    before : RollOut or None
        As it was when the last call ended.
    site, release : str
    devices : sequence of str
        The boxes that it is for.
    again : bool
        Whether boxes that have failed are tried once more.

    """
    known = before.boxes if before is not None else {}
    boxes = {}
    for device in devices:
        box = known.get(device, BoxProgress())
        if box.state == "failed" and again:
            box = BoxProgress(again=True)
        boxes[device] = box
    return RollOut(site=site, release=release, boxes=boxes)


def next_wave(roll_out: RollOut, online: Collection[str], few: int) -> list[str]:
    """Return the boxes that are offered the release next: one, then a few, then all. None while some are at it.

    Boxes that are online come first, so that one that is switched off keeps none of the others waiting.

    Examples
    --------
    >>> begun = resumed(None, "docks", "0.1.0-7", ["a", "b", "c", "d"], again=False)
    >>> next_wave(begun, {"b"}, few=2)
    ['b']
    >>> next_wave(begun.with_box("b", state="done"), {"b", "c"}, few=2)
    ['c', 'a']

    """
    if roll_out.of("offered"):
        return []
    waiting = sorted(roll_out.of("waiting"), key=lambda device: device not in online)
    ended = len(roll_out.of("done", "failed"))
    size = 1 if not ended else few if ended < 1 + few else len(waiting)
    return waiting[:size]


def offered(roll_out: RollOut, device: str, now: datetime) -> RollOut:
    """Return the roll-out after an offer to a box; one that was offered before keeps the id of its offer."""
    offer = roll_out.boxes[device].offer or secrets.token_hex(8)
    return roll_out.with_box(device, state="offered", offer=offer, since=now, reason=None)


def heard(roll_out: RollOut, device: str, report: UpdateReport | None, now: datetime) -> RollOut:
    """Return the roll-out after a report of a box. A report about another offer says nothing."""
    box = roll_out.boxes.get(device)
    if box is None or box.state != "offered" or report is None or report.offer != box.offer:
        return roll_out
    if report.step == "committed":
        return roll_out.with_box(device, state="done", since=now, reason=None)
    if report.step in {"rolled_back", "refused"}:
        reason = f"{report.step.replace('_', ' ')}: {report.reason or 'no reason given'}"
        return roll_out.with_box(device, state="failed", since=now, reason=reason)
    return roll_out.with_box(device, reason=f"{report.step}{f': {report.reason}' if report.reason else ''}")


def overdue(roll_out: RollOut, patience: timedelta, now: datetime) -> RollOut:
    """Return the roll-out in which boxes that have not ended in time have failed: silence is a failure."""
    for device in roll_out.of("offered"):
        box = roll_out.boxes[device]
        if box.since is not None and now - box.since > patience:
            last = f"last heard: {box.reason}" if box.reason else "it has said nothing"
            reason = f"not done within {patience.total_seconds() / 60:g} min; {last}"
            roll_out = roll_out.with_box(device, state="failed", since=now, reason=reason)
    return roll_out


def load_roll_out(path: Path, site: str, release: str) -> RollOut | None:
    """Return the roll-out in a file; None where there is none.

    Raises
    ------
    FirmwareError
        It is damaged, or of another site or release.

    """
    text = ""
    try:
        text = read_text(path)
        known = RollOut.model_validate_json(text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FirmwareError(f"{path}: {why(error)}; check its rights") from error
    except ValidationError as error:
        raise FirmwareError(
            f"{path}: {first_fault(error, RollOut, text)}; remove it to begin the roll-out anew"
        ) from error
    if (known.site, known.release) != (site, release):
        raise FirmwareError(f"{path}: is of site {known.site}, release {known.release}; move it away")
    return known


def save_roll_out(path: Path, roll_out: RollOut) -> None:
    """Keep a roll-out."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, roll_out.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise FirmwareError(f"{path}: cannot be written ({why(error)}); check rights and free space") from error
