"""The updater's report to the agent, which tells the control room: how it stands with the release announced last."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from pathlib import Path

    from edge.updater.disk import Disk

log = logging.getLogger(__name__)

FILE = "report.json"
MAX_BYTES = 65536
MAX_LETTERS = 400
Step = Literal["fetching", "installing", "waiting", "trial", "committed", "rolled_back", "refused"]
"""fetching: what is missing is being downloaded. installing: the other slot is filled. waiting: it is tried again
later, for the reason given. trial: it runs and is judged. The last three are final."""
FINAL: frozenset[Step] = frozenset({"committed", "rolled_back", "refused"})


@dataclass(frozen=True, slots=True)
class Report:
    """How it stands with a release.

    Attributes
    ----------
    offer : str
        Id of the announcement.
    release : str
        Name of the release, or its number while the name is not known.
    step : Step
    reason : str
        Why it is refused, has been rolled back, or waits.
    utc : str
        When it became so.

    """

    offer: str
    release: str
    step: Step
    reason: str = ""
    utc: str = ""


def write_report(disk: Disk, folder: Path, report: Report) -> None:
    """Write a report, which anybody may read. A report that fails changes nothing else."""
    dated = {"schema_version": 1, **asdict(report), "reason": report.reason[:MAX_LETTERS], "utc": _now()}
    try:
        disk.write(folder / FILE, (json.dumps(dated) + "\n").encode(), 0o644)
    except OSError as error:
        log.warning("the report cannot be written (%s)", error.strerror)


def read_report(folder: Path) -> Report | None:
    """Return the report in the updater's folder; None where there is none that can be read."""
    try:
        with (folder / FILE).open("rb") as file:
            given = json.loads(file.read(MAX_BYTES))
        words = {key: str(given.get(key, ""))[:MAX_LETTERS] for key in ("offer", "release", "reason", "utc")}
        step = next(step for step in get_args(Step) if step == given["step"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration):
        return None
    return Report(step=step, **words)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
