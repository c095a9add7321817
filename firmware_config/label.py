"""Labels for boxes: a sheet each, as one HTML page to print, with id, place, certificate and what verify has found."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.installer.box import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firmware_config.ledger import Ledger
    from firmware_config.results import Result
    from firmware_config.site import Box, Site


def labels(site: Site, boxes: Sequence[Box], ledger: Ledger | None, results: Mapping[str, Result]) -> str:
    """Return a page with a label for each box. The same input gives the same bytes, and nothing is loaded from outside.

    Parameters
    ----------
    site : Site
    boxes : sequence of Box
    ledger : Ledger or None
        Certificates of the site; None for a site without TLS.
    results : mapping of str to Result
        What verify has found last, by box.

    """
    sheets = []
    for box in boxes:
        current = ledger.of(box.device, "current") if ledger is not None else []
        certificate = current[-1] if current else None
        printed = certificate.sha256 if certificate is not None else None
        sheets.append(
            {
                "box": box,
                "board": NAMES[box.board],
                "certificate": certificate,
                "print": grouped(printed) if printed else None,
                "code": qr_svg(code_text(site.site, box.device, printed)),
                "result": results.get(box.device),
            }
        )
    return _environment().get_template("label.html.j2").render(site=site, sheets=sheets)


def code_text(site: str, device: str, sha256: str | None) -> str:
    """Return what the code on a label says: the box, and the SHA-256 of its certificate where it has one.

    Examples
    --------
    >>> code_text("docks", "gate-1", "ab" * 32)[:34]
    'gammabox:docks/gate-1?sha256=ababa'

    """
    return f"gammabox:{site}/{device}" + (f"?sha256={sha256}" if sha256 else "")


def grouped(sha256: str) -> str:
    """Return a SHA-256 in groups of four that can be compared by eye."""
    return " ".join(sha256[at : at + 4] for at in range(0, len(sha256), 4))


def qr_svg(text: str) -> str:
    """Return a QR code as SVG, to stand within a page."""
    written = io.BytesIO()
    segno.make_qr(text, error="m").save(written, kind="svg", xmldecl=False, svgns=False, border=4, omitsize=True)
    return written.getvalue().decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("firmware_config"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
