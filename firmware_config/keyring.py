"""The keyring of a site: its authority and its ledger, held by one command at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_config.certificates import (
    Authority,
    fingerprint_of,
    issued,
    new_key,
    now_utc,
    pem_of,
    pem_of_key,
    revocation_list,
)
from firmware_config.errors import CredentialsError
from firmware_config.folder import LIST, locked, place_of, read_authority, write_private
from firmware_config.ledger import Issued, Ledger, load_ledger, save_ledger
from firmware_config.site import ADMINISTRATOR_USER, BROKER_NAME, CONTROL_ROOM_USER, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from firmware_config.certificates import Role
    from firmware_config.ledger import State

BROKER = BROKER_NAME
CONTROL_ROOM = CONTROL_ROOM_USER
ADMINISTRATOR = ADMINISTRATOR_USER


@dataclass
class Keyring:
    """The authority and the ledger of a site. Changes reach the disk with `save`."""

    folder: Path
    site: Site
    authority: Authority
    ledger: Ledger
    now: datetime

    def role_of(self, name: str) -> Role:
        """Return the role of a name. Raise CredentialsError where it is none of the site."""
        if name == BROKER:
            return "broker"
        if name == CONTROL_ROOM:
            return "control-room"
        if name == ADMINISTRATOR:
            return "administrator"
        if name not in {box.device for box in self.site.boxes}:
            raise CredentialsError(
                f"{name}: no box of site {self.site.site}; name one, or {BROKER}, {CONTROL_ROOM} or {ADMINISTRATOR}"
            )
        return "box"

    def subject_of(self, role: Role, name: str) -> str:
        """Return for whom a certificate is: boxes know the broker by its host."""
        return self.site.broker.host if role == "broker" else name

    def make(self, role: Role, name: str, state: State) -> None:
        """Make a key and a certificate."""
        key = new_key()
        certificate = issued(self.authority, role, self.subject_of(role, name), key.public_key(), self.now)
        place = place_of(self.folder, role, name)
        write_private(place.next_key if state == "next" else place.key, pem_of_key(key))
        self.add(certificate, role, name, state)

    def add(self, certificate: x509.Certificate, role: Role, name: str, state: State) -> Path:
        """Keep a certificate in place of that which was in this state, and return its file."""
        place = place_of(self.folder, role, name)
        path = place.next_certificate if state == "next" else place.certificate
        write_private(path, pem_of(certificate))
        self.set_states({each.serial: "replaced" for each in self.ledger.of(name, state)})
        entry = Issued(
            name=name,
            role=role,
            serial=f"{certificate.serial_number:x}",
            sha256=fingerprint_of(certificate),
            ends=certificate.not_valid_after_utc,
            state=state,
            since=self.now,
        )
        self.ledger = self.ledger.with_issued(entry)
        return path

    def set_states(self, states: dict[str, State]) -> None:
        """Set states of certificates by serial number."""
        self.ledger = self.ledger.with_states(states, self.now)

    def save(self) -> None:
        """Write the revocation list, where its key is here, and then the ledger.

        A command that is interrupted between both can be given again.
        """
        if self.authority.key is not None:
            number = self.ledger.list_number + 1
            write_private(self.folder / LIST, revocation_list(self.authority, self.ledger.revoked(), number, self.now))
            ends = self.authority.certificate.not_valid_after_utc
            self.ledger = self.ledger.model_copy(update={"list_number": number, "list_ends": ends})
        save_ledger(self.folder, self.ledger)


@contextmanager
def opened(folder: Path, site: Site, now: datetime | None = None) -> Iterator[Keyring]:
    """Open the keyring of a site; other commands wait meanwhile.

    Raises
    ------
    CredentialsError
        There is none, it is damaged, or it is of another site.

    """
    if not folder.is_dir():
        load_ledger(folder)
    with locked(folder):
        yield Keyring(folder, site, read_authority(folder), ledger_of(folder, site), now or now_utc())


def ledger_of(folder: Path, site: Site) -> Ledger:
    """Read the ledger of a site. Raise CredentialsError where the folder is of another site."""
    ledger = load_ledger(folder)
    if ledger.site != site.site:
        raise CredentialsError(
            f"{folder}: holds the credentials of site {ledger.site}, and not of {site.site}; name another folder"
        )
    return ledger


def require_current(ledger: Ledger, name: str) -> None:
    """Raise CredentialsError where a name has no certificate in use, so that no revoked one is handed out."""
    if not ledger.of(name, "current"):
        what = f"the certificate of {name} is revoked" if ledger.of(name, "revoked") else f"{name} has no certificate"
        raise CredentialsError(f"{what}; make a new one with: gammabox-firmware credentials create")
