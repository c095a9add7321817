"""Arguments and options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.errors import GammaboxError
from edge.text import meant
from firmware_config.errors import FirmwareError
from firmware_config.site import Box, Site

SitePath = Annotated[Path, typer.Argument(metavar="SITE", help="The site file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that were edited since they were written.")]
CredentialsPath = Annotated[
    Path | None,
    typer.Option("--credentials", metavar="FOLDER", help="The site's credentials; by default beside the site file."),
]
BrokerPath = Annotated[
    Path | None,
    typer.Option("--broker", metavar="FOLDER", help="The broker's folder; by default broker beside the site file."),
]
Devices = Annotated[list[str] | None, typer.Argument(metavar="[DEVICE]...", help="Only these boxes; all by default.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the control room's password, for a site without TLS.")
]


def credentials_of(site: Path, given: Path | None) -> Path:
    """Return the folder of the credentials: that which was given, or the one beside the site file."""
    return given if given is not None else site.parent / "credentials"


def broker_of(site: Path, given: Path | None) -> Path:
    """Return the folder of the broker: that which was given, or the one beside the site file."""
    return given if given is not None else site.parent / "broker"


def warn(warnings: list[str]) -> None:
    """Print warnings on stderr."""
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")


def say(line: str) -> None:
    """Write a line of progress on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def missing_package(error: ModuleNotFoundError) -> GammaboxError:
    """Return the error for a package that the extra brings."""
    return FirmwareError(f"{error.name} is not installed; pip install 'gammabox[firmware]'")


def with_tls(site: Site) -> Site:
    """Return a site that uses certificates. Raise FirmwareError where it uses none."""
    if not site.broker.tls:
        raise FirmwareError(
            f"site {site.site} uses no certificates (broker.tls is false); set tls: true, or make passwords with "
            "mosquitto_passwd"
        )
    return site


def chosen(site: Site, devices: list[str] | None) -> tuple[Box, ...]:
    """Return the boxes of these names, all without names. Raise FirmwareError for one that is not of the site."""
    known = {box.device: box for box in site.boxes}
    for device in devices or ():
        if device not in known:
            raise FirmwareError(f"{device}: no box of site {site.site}{meant(device, known)}; see the site file")
    return tuple(known[device] for device in devices) if devices else site.boxes
