"""What a source reports of its frames: how many were delivered, lost and damaged, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.capture.camera_fault import MAX_SENTENCE
from edge.errors import SourceError
from edge.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTED_DAMAGES = 20  # the report names the first ones only
LISTED_REASONS = 20
LEFT_OUT = "left out by the recorder"
"""Reason of damage of a frame that is missing from a recording."""
OTHER_REASONS = "other reasons"


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame that was not delivered because its picture is damaged."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of the frames that a source has delivered and lost so far.

    Attributes
    ----------
    delivered : int
        Frames delivered.
    dropped : int
        Frames of a live source that were not read in time.
    repeated : int
        Delivered pictures that repeat the one before. They are left out of the frames.
    damaged : int
        Frames with a damaged picture. Each leaves a gap in the sequence numbers.
    damages : tuple of Damage
        The first damaged frames, with their reasons.
    reasons : mapping of str to int
        Number of damaged frames by reason. Beyond 20 reasons the rest counts as other ones.
    reconnects : int
        Number of times that a stream or camera was opened again after a loss.
    losses : mapping of str to int
        Number of losses by reason, as `reasons`.
    warnings : tuple of str
        Facts about the source in its present state that the user should know, one sentence for each kind.

    """

    delivered: int = 0
    dropped: int = 0
    repeated: int = 0
    damaged: int = 0
    damages: tuple[Damage, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    reconnects: int = 0
    losses: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def then(self, later: Report) -> Report:
        """Return the report of this and of a later opening of the source. Warnings are those of the later one."""
        return Report(
            delivered=self.delivered + later.delivered,
            repeated=self.repeated + later.repeated,
            dropped=self.dropped + later.dropped,
            damaged=self.damaged + later.damaged,
            damages=(*self.damages, *later.damages)[:LISTED_DAMAGES],
            reasons=_summed(self.reasons, later.reasons),
            reconnects=self.reconnects + later.reconnects,
            losses=_summed(self.losses, later.losses),
            warnings=later.warnings,
        )


def _summed(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}


def count_reason(counts: dict[str, int], reason: str) -> None:
    """Count a reason. What grows with the time that a box runs has a bound."""
    reason = one_line(reason, MAX_SENTENCE)
    known = reason in counts or len(counts) < LISTED_REASONS
    reason = reason if known else OTHER_REASONS
    counts[reason] = counts.get(reason, 0) + 1


WEAVE = "join the fields of each picture (ffmpeg -i IN -vf weave OUT), or record progressive pictures"
_REMEDIES = {
    "does not begin as a JPEG": "its pictures are no JPEG, whatever its header says: convert it to Motion JPEG",
    "a single field": WEAVE,
    "lossless JPEG": "convert it to lossy JPEG of high quality, or to PNG",
    "JPEG of ": "convert it to 8 bits, or to PNG",
    "JPEG in colours for print": "convert it to RGB",
    "is empty": "record it again: the recorder wrote no pictures",
    LEFT_OUT: "record it again: the recorder wrote no pictures",
}


def no_whole_frame(spec: str, reasons: Mapping[str, int], *, recording: bool = True) -> SourceError:
    """Return the error of a recording or a folder of which no picture can be used, with the commonest reason."""
    if not reasons:
        return SourceError(spec, "holds no frame", "record it again: it was cut off at its beginning")
    count = sum(reasons.values())
    reason = max(reasons, key=lambda known: reasons[known])
    remedy = next((remedy for begin, remedy in _REMEDIES.items() if reason.startswith(begin)), None)
    if recording:
        remedy = remedy or "record it again: it was cut off at its beginning or is damaged"
        return SourceError(spec, f"holds no whole frame ({count} damaged: {reason})", remedy)
    remedy = remedy or "name a folder with whole pictures"
    return SourceError(spec, f"none of its {count} pictures can be decoded ({reason})", remedy)


def too_short(spec: str, report: Report) -> SourceError:
    """Return the error of a recording without three frames in a row, in which nothing can be analysed."""
    frames = report.delivered + report.damaged
    counts = {"damaged": report.damaged, "repeated": report.repeated}
    notes = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if report.reasons:
        notes += f": {max(report.reasons, key=lambda reason: report.reasons[reason])}"
    noted = f" ({notes})" if notes else ""
    return SourceError(
        spec,
        f"{counted(frames, 'frame')}{noted}, no three of one size in a row",
        "a hit is found by comparison with the frames before and after it, so at least three are needed",
    )
