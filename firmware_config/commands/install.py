"""The command gammabox-firmware install: a release onto a box that runs already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firmware_config.commands.options import CredentialsPath, chosen, credentials_of, missing_package
from firmware_config.commands.release import DEFAULT_KEYS, KeysPath
from firmware_config.site_file import load_site


def install(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE", help="Folder or archive of the release.", show_default=False)
    ],
    host: Annotated[
        str | None, typer.Argument(metavar="[HOST]", help="The box as ssh takes it, such as pi@10.0.0.7.")
    ] = None,
    usb: Annotated[
        Path | None, typer.Option("--usb", metavar="FOLDER", help="Write a mounted USB stick with a script instead.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="Site file, to bring a box its settings as well.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="The box of that site.")] = None,
    credentials_folder: CredentialsPath = None,
    keys_folder: KeysPath = DEFAULT_KEYS,
    ssh_config: Annotated[
        Path | None, typer.Option("--ssh-config", metavar="FILE", help="Configuration of ssh, as `ssh -F` takes it.")
    ] = None,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Install a release that is older than the installed one.")
    ] = False,
    root: Annotated[
        str, typer.Option("--root", metavar="FOLDER", help="Folder of the box to install below, to try it out.")
    ] = "/",
) -> None:
    """Install a release on a box that runs already, such as a Jetson: over ssh, or from a USB stick.

    The box checks signature, board, system, Python and number itself. It needs python3 and, for its service, systemd;
    it needs no network beyond ssh. With --site and --device it also gets its settings, certificate and service.
    """
    try:
        from firmware_config.install import BoxFolder, Order, install_over_ssh, write_stick
        from firmware_config.ssh import connection
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    if (host is None) == (usb is None):
        raise typer.BadParameter("name a box, or a stick with --usb", param_hint="HOST")
    if (site is None) != (device is None):
        raise typer.BadParameter("needs both --site and --device", param_hint="--site")
    box = None
    if site is not None and device is not None:
        checked = load_site(site)
        (one,) = chosen(checked, [device])
        box = BoxFolder(checked, one.device, credentials_of(site, credentials_folder))
    order = Order(release, keys_folder, box, allow_older, root)
    if usb is not None:
        stick = write_stick(order, usb)
        secret = f"; its folder boxes holds the key of {device}" if box is not None else ""
        print(f"{stick}: written{secret}. On the box: sudo sh {stick.name}/install.sh{f' {device}' if box else ''}")
        return
    with connection(str(host), ssh_config) as ssh:
        install_over_ssh(order, ssh, _say)
    follow = f"; next: gammabox-firmware verify {site} {device}" if box is not None else ""
    print(f"{host}: installed{follow}")


def _say(text: str) -> None:
    print(text, flush=True)
