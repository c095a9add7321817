"""Takes over what others have made: an own authority, requests of boxes, certificates and revocation lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from firmware_config.certificates import Authority, check_issued, issued, key_of_request, pem_of_key
from firmware_config.errors import CredentialsError
from firmware_config.folder import LIST, place_of, read_bytes, read_certificate, read_key, write_private
from firmware_config.keyring import opened
from firmware_config.ledger import save_ledger

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from firmware_config.ledger import State
    from firmware_config.site import Site


def import_authority(certificate: Path, key: Path | None = None, passphrase: bytes | None = None) -> Authority:
    """Read an own authority. Without a key it signs elsewhere, and `take` takes over what it has signed.

    Raises
    ------
    CredentialsError
        A file is damaged, is no authority's, or the key is of another certificate.

    """
    read = read_certificate(certificate)
    try:
        is_authority = read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise CredentialsError(f"{certificate}: may sign no others (basic constraints); name that of the authority")
    private = None if key is None else read_key(key, passphrase)
    if private is not None and private.public_key() != read.public_key():
        raise CredentialsError(f"{key}: is not the key of {certificate}")
    return Authority(read, private)


def take(
    folder: Path, site: Site, name: str, given: Path, *, key: Path | None = None, now: datetime | None = None
) -> Path:
    """Sign a request that was made on a box, or take over a certificate that an own authority has signed.

    Where a box has a certificate already, this becomes its next one.

    Returns
    -------
    Path
        File of the certificate.

    Raises
    ------
    CredentialsError
        The request or certificate is not sound or not for this name.

    """
    with opened(folder, site, now) as keyring:
        role = keyring.role_of(name)
        content = read_bytes(given)
        try:
            if b"CERTIFICATE REQUEST" in content:
                public = key_of_request(content, name)
                subject = keyring.subject_of(role, name)
                certificate = issued(keyring.authority, role, subject, public, keyring.now)
            else:
                certificate = read_certificate(given)
                check_issued(keyring.authority, certificate, role, name, keyring.now)
        except CredentialsError as error:
            raise CredentialsError(f"{given}: {error}") from error
        state: State = "next" if role == "box" and keyring.ledger.of(name, "current") else "current"
        if key is not None:
            private = read_key(key)
            if private.public_key() != certificate.public_key():
                raise CredentialsError(f"{key}: is not the key of {given}")
            place = place_of(folder, role, name)
            write_private(place.next_key if state == "next" else place.key, pem_of_key(private))
        path = keyring.add(certificate, role, name, state)
        keyring.save()
        return path


def take_list(folder: Path, site: Site, given: Path, now: datetime | None = None) -> int:
    """Take over a revocation list that an own authority has signed, and return how many of ours it names.

    Raises
    ------
    CredentialsError
        It is none, or it is not signed by the authority of this site.

    """
    with opened(folder, site, now) as keyring:
        try:
            listed = x509.load_pem_x509_crl(read_bytes(given))
            sound = listed.is_signature_valid(keyring.authority.certificate.public_key())  # type: ignore[arg-type]
        except (ValueError, TypeError):
            sound = False
        if not sound:
            raise CredentialsError(f"{given}: is no revocation list of the authority of site {site.site}")
        gone = {f"{entry.serial_number:x}" for entry in listed}
        ours = [each.serial for each in keyring.ledger.issued if each.serial in gone]
        keyring.set_states(dict.fromkeys(ours, "revoked"))
        write_private(folder / LIST, listed.public_bytes(serialization.Encoding.PEM).decode())
        save_ledger(folder, keyring.ledger.model_copy(update={"list_ends": listed.next_update_utc}))
        return len(ours)
