"""When certificates end, read from their DER bytes (RFC 5280, section 4.1): Python's ssl tells it of a peer only."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_UTC_TIME = 0x17
_GENERALISED_TIME = 0x18
_EXPLICIT_VERSION = 0xA0


def ends_of_file(path: Path) -> list[datetime]:
    """Return when each certificate of a PEM file ends.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds no certificate, or a damaged one.

    """
    blocks = _BLOCK.findall(path.read_text(encoding="ascii", errors="replace"))
    if not blocks:
        raise ValueError("holds no certificate")
    return [end_of(ssl.PEM_cert_to_DER_cert(block)) for block in blocks]


def end_of(der: bytes) -> datetime:
    """Return when a certificate ends.

    Raises
    ------
    ValueError
        The bytes are no certificate.

    """
    try:
        inner = _content(_content(der))  # Certificate, then TBSCertificate
        if inner[0] == _EXPLICIT_VERSION:
            inner = _after(inner)
        for _ in range(3):  # serial number, signature, issuer
            inner = _after(inner)
        validity = _content(inner)
        end = _after(validity)
        return _time(end[0], _content(end).decode("ascii"))
    except (IndexError, ValueError) as error:
        raise ValueError("is no certificate") from error


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:  # two digits of the year, 1950 to 2049
        century = "20" if int(text[:2]) < 50 else "19"
        text = century + text
    elif tag != _GENERALISED_TIME:
        raise ValueError("is no certificate")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _span(der: bytes) -> tuple[int, int]:
    """Return where the content of the first element begins and ends."""
    length, begin = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, begin = int.from_bytes(der[2 : 2 + count], "big"), 2 + count
    if begin + length > len(der):
        raise IndexError("cut short")
    return begin, begin + length


def _content(der: bytes) -> bytes:
    """Return the content of the first element; of all but the outermost only it counts."""
    begin, end = _span(der)
    return der[begin:end]


def _after(der: bytes) -> bytes:
    """Return what follows the first element."""
    return der[_span(der)[1] :]
