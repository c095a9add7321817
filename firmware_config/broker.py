"""The broker of a site: its configuration without secrets, and a folder with everything it needs to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.arguments import as_path, takes
from firmware_config.errors import CredentialsError
from firmware_config.folder import AUTHORITY, LIST, place_of, read_bytes
from firmware_config.keyring import BROKER, ledger_of, require_current
from firmware_config.output import Written, replace_files, write_folder
from firmware_config.site import CONTROL_ROOM_USER, Box, Site
from firmware_config.site_checks import is_this_machine
from firmware_config.templating import filled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ("mosquitto.conf", "acl", "run.sh", "compose.yaml", "gammabox-broker.service")
BRIDGE_FILES = ("bridge.conf", "upper-acl")
KEY = "broker.key"


@takes(site=Site)
def broker_files(site: Site) -> dict[str, str]:
    """Return the files of the broker that hold no secret, by name.

    Examples
    --------
    >>> from firmware_config.site import Box, Broker
    >>> gate = Box(device="gate", board="rpi5", camera="csi")
    >>> files = broker_files(Site(site="campus", broker=Broker(host="broker.lan"), boxes=(gate,)))
    >>> sorted(files)
    ['acl', 'compose.yaml', 'gammabox-broker.service', 'mosquitto.conf', 'run.sh']
    >>> "use_identity_as_username true" in files["mosquitto.conf"]
    True

    """
    values = {
        "control_room_user": CONTROL_ROOM_USER,
        "bind": f" {site.broker.host}" if is_this_machine(site.broker.host) else "",
        "home_assistant": sorted({prefix for box in site.boxes for prefix in _home_assistant(box)}),
    }
    files = {name: filled(f"broker/{name}", site=site, **values) for name in FILES}
    if site.bridge is not None:
        files |= {f"bridge/{name}": filled(f"broker/{name}", site=site) for name in BRIDGE_FILES}
    return files


def _home_assistant(box: Box) -> Iterator[str]:
    """Yield the prefix of Home Assistant where a box announces itself to it."""
    telemetry = box.settings.get("telemetry")
    prefix = telemetry.get("home_assistant") if isinstance(telemetry, dict) else None
    if isinstance(prefix, str):
        yield prefix


@takes(folder=as_path, site=Site, credentials=as_path)
def write_broker(folder: Path, site: Site, credentials: Path, *, force: bool = False) -> Written:
    """Write a folder from which the broker starts, with its certificate, its key and the revocation list.

    Raises
    ------
    CredentialsError
        The site uses TLS and the credentials lack something, or the broker's certificate is revoked.
    OutputError
        The folder cannot be written; see `write_folder`.

    """
    files = broker_files(site)
    if site.broker.tls:
        require_current(ledger_of(credentials, site), BROKER)
        files |= _secrets(credentials)
    return write_folder(folder, files, owner=_owner(site), private=[KEY], force=force)


@takes(folder=as_path, site=Site, credentials=as_path)
def hand_over(folder: Path, site: Site, credentials: Path) -> tuple[str, ...]:
    """Write the revocation list, certificate and key into the folder of a broker, whatever else was edited there.

    Returns
    -------
    tuple of str
        Names of the files that had other content.

    Raises
    ------
    CredentialsError
        The credentials lack something.
    OutputError
        The folder is of another site or cannot be written.

    """
    ledger_of(credentials, site)  # those of another site are refused
    return replace_files(folder, _secrets(credentials), owner=_owner(site), private=[KEY])


def _secrets(credentials: Path) -> dict[str, str]:
    place = place_of(credentials, "broker", BROKER)
    secrets = {
        "crl.pem": credentials / LIST,
        "ca.crt": credentials / AUTHORITY,
        "broker.crt": place.certificate,
        KEY: place.key,
    }
    missing = [path for path in secrets.values() if not path.exists()]
    if missing:
        raise CredentialsError(f"{missing[0]}: is missing; see gammabox-firmware credentials --help")
    return {name: read_bytes(path).decode("ascii") for name, path in secrets.items()}


def _owner(site: Site) -> str:
    return f"broker of site {site.site}"
