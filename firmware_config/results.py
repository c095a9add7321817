"""The results of verify, kept beside the site file: a file for each box, which goes onto its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, ValidationError

from edge.config.strict import StrictModel
from edge.doctor.finding import Finding
from edge.files import read_text, replace_file
from firmware_config.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "verified"


class Result(StrictModel):
    """What verify found of a box, in the order of the links."""

    schema_version: Literal[1] = 1
    site: str
    device: str
    utc: AwareDatetime
    findings: tuple[Finding, ...]

    @property
    def works(self) -> bool:
        """Whether no finding is a fault."""
        return self.first_fault is None

    @property
    def first_fault(self) -> Finding | None:
        """The first broken link."""
        return next((finding for finding in self.findings if finding.state == "fault"), None)


def save_result(folder: Path, result: Result) -> None:
    """Keep the result of a box; the one before is replaced."""
    path = folder / f"{result.device}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, result.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror})", "check rights and free space") from error


def load_result(folder: Path, site: str, device: str) -> Result | None:
    """Return the last result of a box; None where there is none, or none that is of this site and can be read."""
    try:
        result = Result.model_validate_json(read_text(folder / f"{device}.json"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
    return result if (result.site, result.device) == (site, device) else None
