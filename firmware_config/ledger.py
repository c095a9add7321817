"""The ledger of a site's certificates: which were issued, and what became of each. It holds no secret."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field, ValidationError

from edge.config.faults import first_fault
from edge.config.strict import StrictModel
from edge.files import read_text, replace_file, why
from firmware_config.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "ledger.json"
WARN = timedelta(days=60)
State = Literal["current", "next", "replaced", "revoked"]


class Issued(StrictModel):
    """A certificate that was issued.

    Attributes
    ----------
    serial : str
        Serial number in hexadecimal digits.
    state : str
        current: in use. next: valid beside the current one until the box has connected with it. replaced: no longer in
        use, and on the revocation list. revoked: on the list because somebody revoked it.

    """

    name: str
    role: Literal["box", "broker", "control-room", "administrator"]
    serial: str = Field(pattern="^[0-9a-f]+$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    ends: AwareDatetime
    state: State
    since: AwareDatetime


class Ledger(StrictModel):
    """All certificates of a site, and the number of its latest revocation list."""

    schema_version: Literal[1] = 1
    site: str
    authority_ends: AwareDatetime
    list_number: int = 0
    list_ends: AwareDatetime | None = None
    issued: tuple[Issued, ...] = ()

    def of(self, name: str, *states: State) -> list[Issued]:
        """Return the certificates of a name that are in one of these states."""
        return [each for each in self.issued if each.name == name and each.state in states]

    def revoked(self) -> dict[int, datetime]:
        """Return the serial numbers for the revocation list, each with the time since when it counts."""
        return {int(each.serial, 16): each.since for each in self.issued if each.state in {"replaced", "revoked"}}

    def with_issued(self, *issued: Issued) -> Ledger:
        """Return the ledger with further certificates."""
        return self.model_copy(update={"issued": (*self.issued, *issued)})

    def with_states(self, states: dict[str, State], now: datetime) -> Ledger:
        """Return the ledger with other states, by serial number."""
        changed = tuple(
            each.model_copy(update={"state": states[each.serial], "since": now}) if each.serial in states else each
            for each in self.issued
        )
        return self.model_copy(update={"issued": changed})


def load_ledger(folder: Path) -> Ledger:
    """Read the ledger in a folder of credentials.

    Raises
    ------
    CredentialsError
        There is none, or it is damaged.

    """
    path = folder / FILE
    try:
        text = read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        raise CredentialsError(
            f"{folder}: holds no credentials; make them with: gammabox-firmware credentials create"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"{path}: {why(error)}; check its rights") from error
    try:
        return Ledger.model_validate_json(text)
    except ValidationError as error:
        raise CredentialsError(f"{path}: {first_fault(error, Ledger, text)}; restore it from a copy") from error


def save_ledger(folder: Path, ledger: Ledger) -> None:
    """Write the ledger in one step."""
    replace_file(folder / FILE, ledger.model_dump_json(indent=2) + "\n")


def ending_soon(ledger: Ledger, now: datetime | None = None) -> list[Issued]:
    """Return the certificates in use that end within 60 days."""
    limit = (now or datetime.now(timezone.utc)) + WARN
    return [each for each in ledger.issued if each.state == "current" and each.ends <= limit]


def endings(ledger: Ledger, now: datetime) -> Iterator[str]:
    """Yield a warning for each certificate, authority and revocation list that ends within 60 days.

    Examples
    --------
    >>> now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    >>> list(endings(Ledger(site="docks", authority_ends=datetime(2026, 2, 1, tzinfo=timezone.utc)), now))
    ['the authority of site docks ends on 2026-02-01, in 31 days; make a new one in a new folder']

    """
    things = [
        (f"the authority of site {ledger.site}", ledger.authority_ends, "make a new one in a new folder"),
        *(
            (f"the certificate of {each.name}", each.ends, f"renew it with: credentials rotate … {each.name}")
            for each in ledger.issued
            if each.state == "current"
        ),
    ]
    if ledger.list_ends is not None:
        things.append(
            ("the revocation list", ledger.list_ends, "renew it, as the broker refuses everyone after its end")
        )
    for thing, end, remedy in things:
        if end <= now:
            yield f"{thing} ended on {end:%Y-%m-%d}; {remedy}"
        elif end - now <= WARN:
            yield f"{thing} ends on {end:%Y-%m-%d}, in {(end - now).days} days; {remedy}"
