"""Makes, changes and revokes the certificates of a site, in a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.arguments import as_path, takes
from firmware_config.certificates import new_authority, now_utc, pem_of, pem_of_key
from firmware_config.errors import CredentialsError
from firmware_config.folder import AUTHORITY, AUTHORITY_KEY, locked, place_of, write_private
from firmware_config.keyring import ADMINISTRATOR, BROKER, CONTROL_ROOM, Keyring, opened
from firmware_config.ledger import FILE, Ledger
from firmware_config.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from firmware_config.certificates import Authority, Role
    from firmware_config.ledger import State


@takes(folder=as_path, site=Site)
def create(
    folder: Path, site: Site, *, own: Authority | None = None, box_keys: bool = True, now: datetime | None = None
) -> list[str]:
    """Make the authority of a site, and certificates of the broker, the control room and each box that has none yet.

    Parameters
    ----------
    folder : Path
        Folder of the credentials, made where it is missing. What lies there is kept.
    site : Site
    own : Authority or None
        Authority to use; a new one is made by default. One without its key signs elsewhere: nothing is made then.
    box_keys : bool
        Make keys and certificates of the boxes. Without, each box makes its key itself and asks for a signature.
    now : datetime or None
        Present time; that of the clock by default.

    Returns
    -------
    list of str
        Names whose certificates were made.

    Raises
    ------
    CredentialsError
        The folder is of another site or has another authority, or something in it is damaged.

    """
    if not (folder / FILE).exists():
        _begin(folder, site, own or new_authority(site.site, now or now_utc()), now or now_utc())
    elif own is not None:
        raise CredentialsError(f"{folder}: has an authority already; import another one into a new folder")
    with opened(folder, site, now) as keyring:
        if keyring.authority.key is None:
            return []
        wanted: list[tuple[Role, str]] = [("broker", BROKER), ("control-room", CONTROL_ROOM)]
        wanted += [("administrator", ADMINISTRATOR)]
        wanted += [("box", box.device) for box in site.boxes if box_keys]
        made = [(role, name) for role, name in wanted if not keyring.ledger.of(name, "current")]
        for role, name in made:
            keyring.make(role, name, "current")
        if made:
            keyring.save()
        return [name for _, name in made]


def _begin(folder: Path, site: Site, authority: Authority, now: datetime) -> None:
    with locked(folder):
        write_private(folder / AUTHORITY, pem_of(authority.certificate))
        if authority.key is not None:
            write_private(folder / AUTHORITY_KEY, pem_of_key(authority.key))
        ends = authority.certificate.not_valid_after_utc
        Keyring(folder, site, authority, Ledger(site=site.site, authority_ends=ends), now).save()


@takes(folder=as_path, site=Site)
def rotate(folder: Path, site: Site, names: Iterable[str], now: datetime | None = None) -> list[str]:
    """Make new keys and certificates. That of a box stays beside its old one until `promote`; others change at once.

    Returns
    -------
    list of str
        Names that have a new certificate. A box whose next certificate still waits for its first connection gets none.

    Raises
    ------
    CredentialsError
        A name is not of this site, or has no certificate yet.

    """
    with opened(folder, site, now) as keyring:
        roles = {name: keyring.role_of(name) for name in names}
        for name in roles:
            if not keyring.ledger.of(name, "current"):
                raise CredentialsError(f"{name} has no certificate yet; make it with: credentials create")
        made = [name for name in roles if not keyring.ledger.of(name, "next")]
        for name in made:
            keyring.make(roles[name], name, "next" if roles[name] == "box" else "current")
        if made:
            keyring.save()
        return made


@takes(folder=as_path, site=Site)
def promote(folder: Path, site: Site, connected: dict[str, str], now: datetime | None = None) -> list[str]:
    """Let next certificates replace the current ones, of boxes that have connected with them.

    Parameters
    ----------
    folder : Path
    site : Site
    connected : dict of str to str
        SHA-256 of the certificate with which each box is connected.
    now : datetime or None

    Returns
    -------
    list of str
        Boxes whose next certificate is the current one now; the old one is on the revocation list.

    """
    with opened(folder, site, now) as keyring:
        waiting = [each for each in keyring.ledger.issued if each.state == "next"]
        proven = [each for each in waiting if connected.get(each.name) == each.sha256]
        for each in proven:
            place = place_of(folder, "box", each.name)
            # A call that was interrupted has moved the first of them already.
            for new, old in ((place.next_key, place.key), (place.next_certificate, place.certificate)):
                if new.exists():
                    new.replace(old)
            states: dict[str, State] = {old.serial: "replaced" for old in keyring.ledger.of(each.name, "current")}
            keyring.set_states({**states, each.serial: "current"})
        if proven:
            keyring.save()
        return [each.name for each in proven]


@takes(folder=as_path, site=Site, name=str)
def revoke(folder: Path, site: Site, name: str, now: datetime | None = None) -> int:
    """Put all certificates of a name on the revocation list; a box that has left the site file may be named, too.

    Returns
    -------
    int
        Number of certificates that were revoked; 0 where an earlier call has revoked them.

    Raises
    ------
    CredentialsError
        The name is the broker or has never had a certificate, or the key of the authority is not here.

    """
    if name == BROKER:
        raise CredentialsError(
            f"{name}: without its certificate no box gets in; change it instead: gammabox-firmware credentials rotate "
            f"SITE {name}"
        )
    with opened(folder, site, now) as keyring:
        standing = keyring.ledger.of(name, "current", "next")
        if not standing and keyring.ledger.of(name, "revoked"):
            return 0
        if not standing:
            raise CredentialsError(f"{name} has no certificate that could be revoked; see credentials list")
        keyring.authority.signing_key()
        keyring.set_states({each.serial: "revoked" for each in standing})
        keyring.save()
        return len(standing)
