"""The commands gammabox-firmware credentials …: certificates of the broker, the control room and the boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from edge.commands.console import EXIT_CHECK_FAILED
from edge.text import counted
from firmware_config.commands.options import (
    AsJson,
    BrokerPath,
    CredentialsPath,
    SitePath,
    broker_of,
    credentials_of,
    warn,
    with_tls,
)
from firmware_config.errors import EditedError, FirmwareError, OutputError
from firmware_config.output import MANIFEST
from firmware_config.site import Site
from firmware_config.site_file import load_site

app = typer.Typer(
    no_args_is_help=True,
    help="Make, sign, change and revoke certificates: of the broker, the control room and each box.",
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A box, or broker, control-room or administrator.", show_default=False)
]


@app.command()
def create(
    site: SitePath,
    credentials: CredentialsPath = None,
    broker: BrokerPath = None,
    box_keys: Annotated[
        bool, typer.Option("--box-keys/--no-box-keys", help="Make the keys of the boxes here, or leave that to them.")
    ] = True,
    authority: Annotated[Path | None, typer.Option(help="PEM file of an own authority's certificate.")] = None,
    authority_key: Annotated[Path | None, typer.Option(help="Its key; without it your authority signs itself.")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="File with the passphrase of that key.")] = None,
) -> None:
    """Make the site's authority, and a certificate for whoever has none yet. It can be given again for new boxes."""
    from firmware_config import credentials as rooms
    from firmware_config.folder import read_bytes
    from firmware_config.own_authority import import_authority

    checked = with_tls(load_site(site))
    own = None
    if authority is not None:
        passphrase = None if passphrase_file is None else read_bytes(passphrase_file).splitlines()[0]
        own = import_authority(authority, authority_key, passphrase)
    elif authority_key is not None:
        raise typer.BadParameter("needs --authority, the certificate of the key", param_hint="--authority-key")
    folder = credentials_of(site, credentials)
    made = rooms.create(folder, checked, own=own, box_keys=box_keys)
    _refresh_broker(site, broker, checked, folder)
    kept = f"{folder}: {counted(len(made), 'certificate')} made"
    print(f"{kept}{' for ' + _listed(made) if made else ''}; keep this folder secret, and a copy of it safe")


@app.command()
def issue(
    site: SitePath,
    name: Name,
    given: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A request made on the box, or a certificate of your own authority."),
    ],
    credentials: CredentialsPath = None,
    broker: BrokerPath = None,
    key: Annotated[Path | None, typer.Option(help="The key of that certificate, unless it lies on the box.")] = None,
) -> None:
    """Sign a request that was made on a box, so that its key never leaves it; or take over a certificate."""
    from firmware_config.own_authority import take

    checked = with_tls(load_site(site))
    folder = credentials_of(site, credentials)
    path = take(folder, checked, name, given, key=key)
    _refresh_broker(site, broker, checked, folder)
    print(f"wrote {path}; copy it to {name}")


@app.command()
def rotate(
    site: SitePath,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Whose to change.")] = None,
    due: Annotated[bool, typer.Option("--due", help="All that end within 60 days.")] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Ask the broker which boxes have connected with their next certificate.")
    ] = False,
    credentials: CredentialsPath = None,
    broker: BrokerPath = None,
) -> None:
    """Make new certificates. That of a box is valid beside its old one until the box has connected with it once.

    Copy the box's next.crt and next.key beside its box.crt, then give the command again with --finish: for each box
    that has connected with the new one, that becomes the only one, and the old one is revoked.
    """
    from firmware_config import credentials as rooms
    from firmware_config.connection import connected_certificates, control_room_settings
    from firmware_config.keyring import ledger_of

    checked = with_tls(load_site(site))
    folder = credentials_of(site, credentials)
    waiting: list[str] = []
    if finish:
        promoted = rooms.promote(
            folder, checked, connected_certificates(control_room_settings(checked, folder), checked.site)
        )
        waiting = sorted({each.name for each in ledger_of(folder, checked).issued if each.state == "next"})
        print(f"{counted(len(promoted), 'box', 'boxes')} changed{': ' + _listed(promoted) if promoted else ''}")
        for name in promoted:
            print(f"on {name}, before its next change: move next.crt over box.crt, and next.key over box.key")
        if waiting:
            print(f"not yet connected with the new certificate: {_listed(waiting)}; their old one stays valid")
            print("restart these boxes (sudo systemctl restart gammabox-edge), or wait for their next connection")
    else:
        wanted = list(names or [])
        if due:
            from firmware_config.ledger import ending_soon

            wanted += [each.name for each in ending_soon(ledger_of(folder, checked)) if each.name not in wanted]
        elif not wanted:
            raise typer.BadParameter("name boxes, or give --due or --finish", param_hint="NAME")
        made = rooms.rotate(folder, checked, wanted)
        print(f"{counted(len(made), 'new certificate')}{': ' + _listed(made) if made else ''}")
        for name in made:
            if name in {box.device for box in checked.boxes}:
                print(f"copy {folder}/boxes/{name}/next.crt and next.key to {name}, beside box.crt")
        if any(box.device in made for box in checked.boxes):
            own = "" if credentials is None else f" --credentials {folder}"
            own += "" if broker is None else f" --broker {broker}"
            print("then restart the box (sudo systemctl restart gammabox-edge), or wait until it connects again; then:")
            print(f"gammabox-firmware credentials rotate {site} --finish{own}")
    _refresh_broker(site, broker, checked, folder)
    if waiting:
        raise typer.Exit(EXIT_CHECK_FAILED)


@app.command()
def revoke(
    site: SitePath,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The box that is lost or has left.")] = None,
    crl: Annotated[Path | None, typer.Option(help="A revocation list of your own authority to take over.")] = None,
    credentials: CredentialsPath = None,
    broker: BrokerPath = None,
) -> None:
    """Let the broker refuse a box from now on: within seconds where it runs from its folder on this machine."""
    from firmware_config import credentials as rooms
    from firmware_config.folder import LIST
    from firmware_config.own_authority import take_list

    checked = with_tls(load_site(site))
    folder = credentials_of(site, credentials)
    if (name is None) == (crl is None):
        raise typer.BadParameter("give either a name or --crl", param_hint="NAME")
    if crl is not None:
        print(f"{counted(take_list(folder, checked, crl), 'certificate')} of this site on the list")
    else:
        number = rooms.revoke(folder, checked, str(name))
        print(f"{counted(number, 'certificate')} of {name} revoked" if number else f"{name}: is revoked already")
    try:
        is_here = _refresh_broker(site, broker, checked, folder)
    except OutputError as error:
        who = "the boxes on the list" if name is None else name
        raise FirmwareError(
            f"{error}; until the broker has the list it still lets {who} in: "
            f"copy {folder / LIST} to {broker_of(site, broker)}/"
        ) from error
    if not is_here:
        print(f"copy {folder / LIST} into the broker's folder; until then it lets the box in")


@app.command(name="list")
def list_(site: SitePath, credentials: CredentialsPath = None, as_json: AsJson = False) -> None:
    """List the certificates, and warn 60 days before one, the authority or the revocation list ends (exit code 1)."""
    from firmware_config.certificates import now_utc
    from firmware_config.keyring import ledger_of
    from firmware_config.ledger import endings

    checked = with_tls(load_site(site))
    ledger = ledger_of(credentials_of(site, credentials), checked)
    warnings = list(endings(ledger, now_utc()))
    known = {box.device for box in checked.boxes}
    left = sorted({each.name for each in ledger.issued if each.role == "box" and each.state == "current"} - known)
    warnings += [f"{name} is not in the site file any more; revoke it" for name in left]
    without = [box.device for box in checked.boxes if not ledger.of(box.device, "current")]
    if as_json:
        issued = [each.model_dump(mode="json") for each in ledger.issued]
        report = {"site": ledger.site, "issued": issued, "without": without, "warnings": warnings}
        print(json.dumps(report, indent=2))
    else:
        for each in sorted(ledger.issued, key=lambda entry: (entry.role, entry.name, entry.since)):
            print(f"{each.name:24} {each.state:9} until {each.ends:%Y-%m-%d}  SHA-256 {each.sha256[:16]}…")
        for name in without:
            print(f"{name:24} none")
        warn(warnings)
    if warnings:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _refresh_broker(site: Path, given: Path | None, checked: Site, credentials: Path) -> bool:
    """Bring the broker's folder up to date, where there is one. Return whether there is."""
    from firmware_config.broker import hand_over, write_broker

    folder = broker_of(site, given)
    if not (folder / MANIFEST).exists():
        return False
    # First what keeps revoked boxes out: an edited file must not hold that up.
    written = list(hand_over(folder, checked, credentials))
    edited: tuple[str, ...] = ()
    try:
        written += write_broker(folder, checked, credentials).written
    except EditedError as error:
        edited = error.names
    if written:
        print(f"{folder}: {', '.join(sorted(written))} brought up to date; run.sh takes that up within seconds")
    if edited:
        own = (f" --out {folder}" if given else "") + (
            "" if credentials == credentials_of(site, None) else f" --credentials {credentials}"
        )
        text = f"{folder}: {', '.join(edited)} changed since rendering and stays; what is new in the site is not there"
        warn([f"{text}; to lose the change: gammabox-firmware broker {site}{own} --force"])
    return True


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"
