"""Who has taken charge of an alarm, and who had done so before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from edge.telemetry.fields import Part, Text

if TYPE_CHECKING:
    from datetime import datetime

MAX_EARLIER = 4


class EarlierAcknowledgement(Part):
    """Who had taken charge of an alarm before somebody else did, or before they said more."""

    by: Text
    utc: AwareDatetime
    reason: Text | None = None


class Acknowledgement(Part):
    """Who has taken charge of an alarm, and for how long its sound is off."""

    by: Text
    utc: AwareDatetime
    reason: Text | None = None
    silenced_until_utc: AwareDatetime | None = None
    earlier: tuple[EarlierAcknowledgement, ...] = Field(
        default=(),
        max_length=MAX_EARLIER,
        description="who did so before, by time: the first, and the last ones",
    )


def taken(
    before: Acknowledgement | None, by: str, utc: datetime, reason: str | None, silenced_until_utc: datetime | None
) -> Acknowledgement:
    """Return an acknowledgement that keeps those before it; where they are too many, the first and the last ones.

    A time without sound that is not over stays, unless another one is given.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> [each.by for each in taken(taken(None, "Bo", at, None, None), "Ann", at, None, None).earlier]
    ['Bo']

    """
    earlier: tuple[EarlierAcknowledgement, ...] = ()
    if before is not None:
        replaced = EarlierAcknowledgement(by=before.by, utc=before.utc, reason=before.reason)
        earlier = (*before.earlier, replaced)
        if silenced_until_utc is None and before.silenced_until_utc is not None and before.silenced_until_utc > utc:
            silenced_until_utc = before.silenced_until_utc
    if len(earlier) > MAX_EARLIER:
        earlier = (earlier[0], *earlier[1 - MAX_EARLIER :])
    return Acknowledgement(by=by, utc=utc, reason=reason, silenced_until_utc=silenced_until_utc, earlier=earlier)
