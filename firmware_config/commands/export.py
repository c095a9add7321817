"""The commands gammabox-firmware export …: what is carried elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.text import counted
from firmware_config.commands.options import CredentialsPath, Force, SitePath, credentials_of, missing_package
from firmware_config.output import write_folder
from firmware_config.site_file import load_site

app = typer.Typer(no_args_is_help=True, help="Write what is carried elsewhere: the folder of a box, Ansible.")

Out = Annotated[Path, typer.Option("--out", metavar="OUT", help="Where the files go: new, empty, or written before.")]


@app.command()
def box(
    site: SitePath,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="The box.", show_default=False)],
    out: Out,
    credentials: CredentialsPath = None,
    force: Force = False,
) -> None:
    """Write a folder with everything a box needs, its key included: carry it there, then delete it."""
    try:
        from firmware_config.box import KEYS, write_box
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    checked = load_site(site)
    result = write_box(out, checked, device, credentials_of(site, credentials), force=force)
    names = {*result.written, *result.unchanged}
    if names & set(KEYS):
        about_key = "; it holds the key of the box"
    else:
        about_key = "; its key is not in it, but on the box" if checked.broker.tls else ""
    print(f"{out}: {counted(len(result.written), 'file')} written for {device}{about_key}")


@app.command()
def ansible(site: SitePath, out: Out, force: Force = False) -> None:
    """Write an Ansible inventory and role for boxes that already run; keys stay where they are."""
    try:
        from firmware_config.ansible import ansible_files
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    checked = load_site(site)
    result = write_folder(out, ansible_files(checked), owner=f"Ansible files of site {checked.site}", force=force)
    print(f"{out}: {counted(len(result.written), 'file')} written; next: {out / 'README.txt'}")
