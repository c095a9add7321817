"""The command gammabox-firmware update: parses, calls, prints."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.commands import console
from firmware_config.commands.options import (
    AsJson,
    CredentialsPath,
    PasswordFile,
    credentials_of,
    missing_package,
    say,
    warn,
)
from firmware_config.site_file import load_site

if TYPE_CHECKING:
    from firmware_config.commands.rolling import Wanted
    from firmware_config.publication import Published
    from firmware_config.roll_out import RollOut
    from firmware_config.site import Site

PANEL = "Way of the roll-out"

Releases = Annotated[
    list[Path],
    typer.Argument(metavar="RELEASE...", help="Folder or archive of the release, one for each kind of boxes."),
]
SiteOption = Annotated[Path, typer.Option("--site", metavar="SITE", help="The site file.", show_default=False)]
UrlOption = Annotated[
    str,
    typer.Option("--url", metavar="URL", help="https:// address of the folder of releases.", show_default=False),
]
PublishOption = Annotated[
    Path | None,
    typer.Option("--publish", metavar="FOLDER", help="Copy the release into this folder of the web server first."),
]
FewOption = Annotated[
    int, typer.Option("--few", min=1, help="Number of boxes after the first one, before all.", rich_help_panel=PANEL)
]
FailuresOption = Annotated[
    int, typer.Option("--max-failures", min=0, help="More failures than these stop it.", rich_help_panel=PANEL)
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0.01,
        help="A box that has not ended after so many minutes has failed.",
        rich_help_panel=PANEL,
    ),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Try boxes on which it has failed once more.", rich_help_panel=PANEL)
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be done, and check the server.", rich_help_panel=PANEL)
]


def update(
    releases: Releases,
    site: SiteOption,
    url: UrlOption,
    publish: PublishOption = None,
    few: FewOption = 10,
    max_failures: FailuresOption = 0,
    wait: WaitOption = 30.0,
    again: AgainOption = False,
    dry_run: DryRunOption = False,
    credentials_folder: CredentialsPath = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Roll a release out: one box, then a few, then all; exit 0 if all have it, 1 if not.

    Each box fetches the release, checks its signature, tries it, and goes back by itself where anything that worked
    before does not work. A box that says nothing has failed. Ended early, the same command goes on where it was.
    """
    try:
        from firmware_config import publication
        from firmware_config.commands.rolling import Rolling, Wanted, summary
        from firmware_config.connection import control_room_settings
        from firmware_config.roll_out import FOLDER, load_roll_out, resumed
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    from edge.updater.download import Server, context_of
    from firmware_config.folder import AUTHORITY

    checked, credentials = load_site(site), credentials_of(site, credentials_folder)
    published = publication.read_releases(releases, url)
    name = published[0].manifest.name
    urls = _urls(checked, published)
    path = site.parent / FOLDER / f"{name}.json"
    roll_out = resumed(load_roll_out(path, checked.site, name), checked.site, name, list(urls), again=again)
    for each in published:
        if publish is not None and not dry_run:
            say(f"{publish}: {publication.publish(each, publish)} files of release {name} were new")
        publication.require_served(each, Server(context_of(credentials / AUTHORITY)))
    wanted = Wanted(urls, few, max_failures, timedelta(minutes=wait))
    if dry_run:
        _show_plan(roll_out, wanted)
        return
    ended = Rolling(control_room_settings(checked, credentials, password_file), roll_out, path, wanted).run()
    print(ended.model_dump_json(indent=2) if as_json else summary(ended))
    if not as_json:
        for device in ended.of("failed"):
            print(f"  {device}: {ended.boxes[device].reason}")
    if ended.of("waiting", "offered"):
        say("stopped: too many boxes have failed; correct that, then call it again, with --again for those boxes too")
    if len(ended.of("done")) != len(ended.boxes):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _urls(site: Site, published: list[Published]) -> dict[str, list[str]]:
    """Return the addresses of releases by box, and warn of boxes for which there is none."""
    from firmware_config.errors import FirmwareError
    from firmware_config.publication import urls_of

    found = {box.device: urls_of(box, published) for box in site.boxes}
    missing = [f"{box.device} ({box.board})" for box in site.boxes if not found[box.device]]
    if missing:
        warn([f"no release for {', '.join(missing)}; name one for each kind of boxes"])
    urls = {device: addresses for device, addresses in found.items() if addresses}
    if not urls:
        raise FirmwareError(f"these releases are for no box of site {site.site}; make one for its boards")
    return urls


def _show_plan(roll_out: RollOut, wanted: Wanted) -> None:
    """Print the waves, as if all went well and all boxes were online."""
    from firmware_config.roll_out import next_wave

    number = 0
    while wave := next_wave(roll_out, set(roll_out.boxes), wanted.few):
        number += 1
        print(f"wave {number}: {', '.join(wave)}")
        for device in wave:
            roll_out = roll_out.with_box(device, state="done")
    print(f"not offered again: {', '.join(roll_out.of('failed'))}" if roll_out.of("failed") else "no box has failed")
