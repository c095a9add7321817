"""The command gammabox-firmware image: prepares the image of a system for one box."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.files import why
from edge.text import counted
from firmware_config.commands.options import (
    AsJson,
    CredentialsPath,
    SitePath,
    chosen,
    credentials_of,
    missing_package,
    say,
    warn,
)
from firmware_config.commands.release import DEFAULT_KEYS, KeysPath
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.flash.disks import sized
from firmware_config.site import warnings_of
from firmware_config.site_file import load_site

if TYPE_CHECKING:
    from firmware_config.image.prepare import Login

LOGIN = "technician"
_SSH_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( [ -~]*)?")


def image(
    site: SitePath,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="The box.", show_default=False)],
    base: Annotated[
        Path,
        typer.Argument(metavar="BASE", help="Image of the system as downloaded: .img or .img.xz.", show_default=False),
    ],
    release: Annotated[Path, typer.Option("--release", metavar="RELEASE", help="The release to install.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The image to write; it holds the box's key.")],
    keys_folder: KeysPath = DEFAULT_KEYS,
    key_on_box: Annotated[
        bool, typer.Option("--key-on-box", help="Let the box make its key, and wait for its certificate.")
    ] = False,
    ssh_key: Annotated[
        Path | None, typer.Option("--ssh-key", help=f"Public key that opens the login {LOGIN} over ssh.")
    ] = None,
    credentials: CredentialsPath = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the image to write.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prepare the image of a system for a box, which then sets itself up at its first boot, without a network.

    Needs no root and mounts nothing. Write the image onto a card with `flash`.
    """
    try:
        from firmware_config import release_keys
        from firmware_config.box import box_contents
        from firmware_config.image.prepare import Order, prepare
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    checked = load_site(site)
    (box,) = chosen(checked, [device])
    if not checked.broker.tls:
        raise FirmwareError(f"site {checked.site} uses passwords, and a card must not hold one; set broker.tls: true")
    if out.exists() and not force:
        raise OutputError(out, "is there already", "name another file, or overwrite it with --force")
    warn(warnings_of(checked.model_copy(update={"boxes": (box,)})))
    folder = credentials_of(site, credentials)
    order = Order(
        site=checked.site,
        device=device,
        board=box.board,
        has_tls=checked.broker.tls,
        files=box_contents(checked, device, folder, key_on_box=key_on_box, installed=True),
        release=release,
        trust=release_keys.load(keys_folder).trust,
        login=_login(ssh_key),
    )
    done = prepare(base, order, out, say)
    if as_json:
        print(json.dumps({"out": str(out), **asdict(done)}, indent=2))
        return
    own = "it holds the key of the box: keep it secret" if "box.key" in order.files else "the box makes its key itself"
    print(
        f"{out}: {sized(done.size_bytes)} for {device}, release {done.release}, "
        f"{counted(len(order.files), 'file')} of its own; {own}. Next: gammabox-firmware flash {out}"
    )


def _login(ssh_key: Path | None) -> Login | None:
    from firmware_config.image.prepare import Login

    if ssh_key is None:
        return None
    try:
        key = ssh_key.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FirmwareError(f"{ssh_key}: {why(error)}; name a public key") from error
    if not _SSH_KEY.fullmatch(key):
        raise FirmwareError(f"{ssh_key}: holds no public ssh key in one line; name a file such as id_ed25519.pub")
    return Login(LOGIN, key)
