"""Command line gammabox-firmware: parses, calls, prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console
from edge.errors import SettingsError
from edge.text import counted
from firmware_config.commands import credentials, export, release
from firmware_config.commands.flash import flash
from firmware_config.commands.image import image
from firmware_config.commands.install import install
from firmware_config.commands.options import (
    AsJson,
    CredentialsPath,
    Devices,
    Force,
    PasswordFile,
    SitePath,
    broker_of,
    chosen,
    credentials_of,
    missing_package,
    say,
    warn,
)
from firmware_config.commands.update import update
from firmware_config.new_site import Question, asked_text, example_text, require_absent, trial_text, write_new
from firmware_config.site import warnings_of
from firmware_config.site_checks import PLACEHOLDER
from firmware_config.site_file import load_site, swallowed_text

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

app.add_typer(credentials.app, name="credentials")
app.add_typer(export.app, name="export")
app.add_typer(release.app, name="release")
app.command()(install)
app.command()(image)
app.command()(flash)
app.command()(update)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn one site file into a fleet of boxes that reports online.

    Start with `init`, edit the file it writes, `validate` it, `render` it, and follow the README.txt that comes out.
    """


@app.command()
def init(
    site: SitePath,
    example: Annotated[
        bool, typer.Option("--example", help="Ask nothing, write a commented example with placeholders.")
    ] = False,
    trial: Annotated[
        Path | None,
        typer.Option(
            "--trial", metavar="CLIP", help="Write a site of one box on this machine, with CLIP as its camera."
        ),
    ] = None,
) -> None:
    """Write a new site file: ask for its values on a terminal, otherwise write a commented example to edit.

    A file that is there already is never overwritten.
    """
    require_absent(site)
    asked = trial is None and not example and sys.stdin.isatty() and sys.stdout.isatty()
    text = trial_text(trial) if trial is not None else asked_text(_ask) if asked else example_text()
    write_new(site, text)
    if asked or trial is not None:
        print(f"wrote {site}; next: gammabox-firmware credentials create {site}")
    else:
        print(f"wrote {site}; replace each {PLACEHOLDER} in it, then: gammabox-firmware validate {site}")


@app.command()
def validate(site: SitePath, as_json: AsJson = False) -> None:
    """Check a site file; exit 0 when it can be rendered, 2 with every fault on a line of its own when not."""
    try:
        checked = load_site(site)
    except SettingsError as error:
        if as_json:
            print(json.dumps({"valid": False, "faults": error.faults}, indent=2))
        raise
    warnings = [*swallowed_text(site), *warnings_of(checked)]
    if as_json:
        boxes = [box.device for box in checked.boxes]
        print(json.dumps({"valid": True, "site": checked.site, "boxes": boxes, "warnings": warnings}, indent=2))
        return
    warn(warnings)
    broker = checked.broker
    print(
        f"{site}: valid; site {checked.site}, {counted(len(checked.boxes), 'box', 'boxes')}, "
        f"broker {broker.host}:{broker.port} {'with' if broker.tls else 'without'} TLS"
    )


@app.command()
def render(
    site: SitePath,
    out: Annotated[
        Path, typer.Option("--out", metavar="OUT", help="Where the files go: new, empty, or rendered before.")
    ],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the files that the site's broker and boxes need, and a README.txt with the steps to take.

    For each box: device.yaml, a systemd unit and its user; for the broker: mosquitto.conf and the access rules. Files
    that have their content already are left alone; no passwords are written.
    """
    from firmware_config.output import write_folder

    try:
        from firmware_config.render import render_site
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    checked = load_site(site)
    result = write_folder(out, render_site(checked), owner=f"files of site {checked.site}", force=force)
    warnings = [*swallowed_text(site), *warnings_of(checked)]
    if as_json:
        print(json.dumps({"out": str(out), **asdict(result), "warnings": warnings}, indent=2))
        return
    warn(warnings)
    print(
        f"{out}: {counted(len(result.written), 'file')} written, {len(result.unchanged)} unchanged, "
        f"{len(result.removed)} removed; next: {out / 'README.txt'}"
    )


@app.command()
def broker(
    site: SitePath,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to; by default broker beside the site file.")
    ] = None,
    credentials_folder: CredentialsPath = None,
    force: Force = False,
) -> None:
    """Write a folder from which the broker starts: configuration, access rules, certificate, key and revocation list.

    Start it with its run.sh, with its compose.yaml, or as the service gammabox-broker.
    """
    try:
        from firmware_config.broker import write_broker
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    checked = load_site(site)
    folder = broker_of(site, out)
    result = write_broker(folder, checked, credentials_of(site, credentials_folder), force=force)
    warn(warnings_of(checked))
    print(f"{folder}: {counted(len(result.written), 'file')} written; start the broker with: sh {folder / 'run.sh'}")


@app.command()
def verify(
    site: SitePath,
    devices: Devices = None,
    wait: Annotated[float, typer.Option(min=1, help="Longest time to wait for the boxes, in seconds.")] = 120.0,
    release: Annotated[
        str | None, typer.Option(help="Release that has to be installed; by default the version here.")
    ] = None,
    check_source: Annotated[
        bool, typer.Option("--check-source", help="Then wait for hits of a check source before each lens.")
    ] = False,
    source_seconds: Annotated[float, typer.Option(min=1, help="Longest time for that, in seconds.")] = 120.0,
    ssh: Annotated[
        str | None, typer.Option(help="Where a box that does not come online is asked for the reason, as ssh takes it.")
    ] = None,
    credentials_folder: CredentialsPath = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Wait for boxes and say whether each works; exit 0 if all do, 1 if not, with the first broken link and a remedy.

    The result of each box is kept in the folder verified beside the site file, for its label.
    """
    from firmware_config.commands import verify as command
    from firmware_config.results import FOLDER, save_result

    checked = load_site(site)
    boxes = chosen(checked, devices)
    if ssh is not None and len(boxes) != 1:
        raise typer.BadParameter("is for one box; name it", param_hint="--ssh")
    source_s = source_seconds if check_source else None
    wanted = command.Wanted(boxes, wait, release, source_s, ssh)
    results = command.verify(checked, credentials_of(site, credentials_folder), password_file, wanted, say)
    for result in results:
        save_result(site.parent / FOLDER, result)
        if not as_json:
            command.show(result)
    if as_json:
        print(json.dumps([command.as_dict(result) for result in results], indent=2))
    if not all(result.works for result in results):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


@app.command()
def label(
    site: SitePath,
    devices: Devices = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = Path("labels.html"),
    credentials_folder: CredentialsPath = None,
) -> None:
    """Write a page to print with a label for each box: id, place, QR code, certificate, and what verify has found."""
    try:
        from firmware_config.keyring import ledger_of
        from firmware_config.label import labels
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    from edge.files import replace_file
    from firmware_config.results import FOLDER, load_result

    checked = load_site(site)
    boxes = chosen(checked, devices)
    ledger = ledger_of(credentials_of(site, credentials_folder), checked) if checked.broker.tls else None
    found = {box.device: load_result(site.parent / FOLDER, checked.site, box.device) for box in boxes}
    results = {device: result for device, result in found.items() if result is not None}
    replace_file(out, labels(checked, boxes, ledger, results))
    print(f"{out}: {counted(len(boxes), 'label')}; open it in a browser and print it")


def main() -> None:
    """Entry point of the console script."""
    console.run(app)


def _ask(question: Question) -> str:
    while True:
        answer = typer.prompt(question.text, default=question.default, show_default=bool(question.default))
        try:
            return question.check(str(answer).strip())
        except ValueError as error:
            print(f"  {error}")
