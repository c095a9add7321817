"""The folder of a box: its settings and service, its certificate and its key, to be carried there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.arguments import as_path, takes
from firmware_config.errors import CredentialsError, FirmwareError
from firmware_config.folder import AUTHORITY, place_of, read_bytes
from firmware_config.keyring import ledger_of, require_current
from firmware_config.output import Written, write_folder
from firmware_config.render import box_files
from firmware_config.site import Site

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ("box.key", "next.key")


@takes(folder=as_path, site=Site, device=str, credentials=as_path)
def write_box(folder: Path, site: Site, device: str, credentials: Path, *, force: bool = False) -> Written:
    """Write a folder with everything a box needs; keys are readable for their owner alone.

    A key that was made on the box is not here and is not needed. A next certificate comes along.

    Raises
    ------
    FirmwareError
        There is no such box, or it has no certificate that is in use.
    OutputError
        The folder cannot be written; see `write_folder`.

    """
    files = box_contents(site, device, credentials)
    return write_folder(folder, files, owner=f"box {device} of site {site.site}", private=KEYS, force=force)


def box_contents(
    site: Site, device: str, credentials: Path, *, key_on_box: bool = False, installed: bool = False
) -> dict[str, str]:
    """Return everything a box needs, by name.

    Parameters
    ----------
    site : Site
    device : str
    credentials : Path
        The site's credentials.
    key_on_box : bool
        The box makes its key itself and has no certificate yet: only that of the authority comes along.
    installed : bool
        The agent will run as the installed service, also where a recording stands in for the camera.

    Raises
    ------
    FirmwareError
        There is no such box, or it has no certificate that is in use.

    """
    box = next((box for box in site.boxes if box.device == device), None)
    if box is None:
        raise FirmwareError(f"{device}: no box of site {site.site}; see the site file")
    files = box_files(site, box, installed=installed)
    if not site.broker.tls:
        return files
    ledger = ledger_of(credentials, site)
    place = place_of(credentials, "box", device)
    named = {"ca.crt": credentials / AUTHORITY}
    if not key_on_box:
        require_current(ledger, device)
        if not place.certificate.exists():
            raise CredentialsError(f"{place.certificate}: is missing; restore it from a copy, or rotate {device}")
        named |= {"box.crt": place.certificate, "box.key": place.key}
        if ledger.of(device, "next"):  # one that was revoked may still lie there
            named |= {path.name: path for path in (place.next_certificate, place.next_key)}
    return files | {name: read_bytes(path).decode("ascii") for name, path in named.items() if path.exists()}
