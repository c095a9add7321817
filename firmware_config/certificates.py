"""X.509 certificates of a site: what is in them, and how requests are checked. Nothing here touches a file.

Keys are on the curve P-256. Every certificate has what Python 3.13 and later ask for by default (RFC 5280): key usage,
key identifiers, and a subject alternative name.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware_config.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

Key: TypeAlias = ec.EllipticCurvePrivateKey
Role = Literal["box", "broker", "control-room", "administrator"]

AUTHORITY_LASTS = timedelta(days=3650)
LASTS: dict[Role, timedelta] = {
    "box": timedelta(days=1825),
    "broker": timedelta(days=825),
    "control-room": timedelta(days=825),
    "administrator": timedelta(days=825),
}
BACKDATED = timedelta(days=1)
"""A box whose clock is a little behind takes a new certificate as well."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority; the key is None where it lies with somebody else."""

    certificate: x509.Certificate
    key: Key | None

    def signing_key(self) -> Key:
        """Return the key. Raise CredentialsError where it is not here."""
        if self.key is None:
            raise CredentialsError(
                "the key of the authority is not here; let your authority sign, and take over its certificate with: "
                "gammabox-firmware credentials issue"
            )
        return self.key


def now_utc() -> datetime:
    """Return the present time in whole seconds, as certificates hold it."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def new_key() -> Key:
    """Return a new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(site: str, now: datetime) -> Authority:
    """Return a new authority for a site.

    Examples
    --------
    >>> new_authority("docks", now_utc()).certificate.subject.rfc4514_string()
    'CN=Gammabox docks authority'

    """
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Gammabox {site} authority"[:64])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(name, name, key.public_key(), now, now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def issued(
    authority: Authority, role: Role, name: str, public_key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.Certificate:
    """Return a certificate of a box, the broker, the control room or the administrator.

    The common name is the name: the id of the box, or the host of the broker as far as it fits. The end is never after
    that of the authority.

    Raises
    ------
    CredentialsError
        The key of the authority is not here, or the authority has ended.

    """
    key = authority.signing_key()
    if authority.certificate.not_valid_after_utc <= now:
        raise CredentialsError(
            f"the authority ended on {authority.certificate.not_valid_after_utc:%Y-%m-%d}; make a new one"
        )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    end = min(now + LASTS[role], authority.certificate.not_valid_after_utc)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if role == "broker" else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, authority.certificate.subject, public_key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative_name(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_identifier_of(authority.certificate), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def revocation_list(authority: Authority, revoked: Mapping[int, datetime], number: int, now: datetime) -> str:
    """Return the list of revoked serial numbers as PEM.

    It ends with the authority: a broker refuses everyone once its list has ended.
    """
    certificate = authority.certificate
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(certificate.not_valid_after_utc)
        .add_extension(_identifier_of(certificate), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, since in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.signing_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def key_of_request(pem: bytes, name: str) -> ec.EllipticCurvePublicKey:
    """Return the public key in a request for a certificate, made on the box, if it asks for this name.

    Raises
    ------
    CredentialsError
        It is no request, is damaged, asks for another name, or holds a key of another kind.

    """
    try:
        request = x509.load_pem_x509_csr(pem)
        sound = request.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise CredentialsError(
            "found no sound request for a certificate, expected one as openssl req writes it"
        ) from error
    if not sound:
        raise CredentialsError("the request is not signed by its own key; make it anew on the box")
    asked = common_name(request.subject)
    if asked != name:
        raise CredentialsError(f"the request is for {asked!r}, and not for {name}; make it with -subj /CN={name}")
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.key_size < 256:
        raise CredentialsError("the request holds a key of another kind; make it with -pkeyopt ec_paramgen_curve:P-256")
    return key


def check_issued(authority: Authority, certificate: x509.Certificate, role: Role, name: str, now: datetime) -> None:
    """Raise CredentialsError unless a certificate of somebody else's authority serves as this name in this role."""
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise CredentialsError("the certificate is not signed by the authority of this site") from None
    if role != "broker" and common_name(certificate.subject) != name:
        raise CredentialsError(f"the certificate is for {common_name(certificate.subject)!r}, and not for {name}")
    if certificate.not_valid_after_utc <= now:
        raise CredentialsError(f"the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
    wanted: tuple[type[x509.ExtensionType], ...] = (
        *(x509.KeyUsage, x509.SubjectAlternativeName, x509.AuthorityKeyIdentifier),
    )
    lacking = [kind.oid._name for kind in wanted if not _has(certificate, kind)]  # noqa: SLF001 - its plain name
    if lacking:
        raise CredentialsError(
            f"the certificate has no {', '.join(lacking)}, so Python 3.13 refuses it; have it issued with that"
        )


def common_name(name: x509.Name) -> str:
    """Return the common name in a subject; an empty text where there is none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def pem_of(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def pem_of_key(key: Key) -> str:
    """Return a private key as PEM, not encrypted: a service has to read it without a person."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _has(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    try:
        certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier_of(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.rstrip("."))
