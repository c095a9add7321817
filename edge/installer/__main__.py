"""The tool of a box, gammabox-box.pyz: parses, calls, prints. Exit codes: 0 done, 2 refused or not possible."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import GammaboxError
from edge.installer.install import Place, install, shown_state
from edge.text import one_line

EXIT_UNUSABLE = 2
UMASK = 0o022
"""The agent's user reads what root installs, whatever the umask of root's shell. Secrets get rights of their own."""
if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no other name


def main() -> None:
    """Entry point without the commands of the updater."""
    call(commands()[0])


def call(parser: argparse.ArgumentParser) -> None:
    """Parse the command line and carry out what it says."""
    options = parser.parse_args()
    os.umask(UMASK)
    try:
        options.call(options)
    except (GammaboxError, OSError) as error:
        sys.stderr.write(f"error: {one_line(str(error), 4000)}\n")
        raise SystemExit(EXIT_UNUSABLE) from None


def commands() -> tuple[argparse.ArgumentParser, Subcommands]:
    """Return the parser of the tool, and where further commands are added."""
    parser = argparse.ArgumentParser(
        prog="gammabox-box", description="Check and install releases of Gammabox on this box."
    )
    adding = parser.add_subparsers(required=True, metavar="COMMAND")
    add = adding.add_parser(
        "install", help="install a release in the slot that is not active, and make it the active one"
    )
    add.add_argument("release", type=Path, metavar="RELEASE", help="folder or archive of the release")
    add.add_argument("--trust", type=Path, metavar="FILE", help="keys of releases, for a box that knows none yet")
    add.add_argument("--box", type=Path, metavar="FOLDER", help="settings, certificate and service of this box")
    add.add_argument("--allow-older", action="store_true", help="take a release that is older than the installed one")
    add.add_argument("--no-start", action="store_true", help="do not start the agent")
    add.add_argument("--root", type=Path, default=Path("/"), help="folder to install below, instead of /")
    add.set_defaults(call=install_command)
    show = adding.add_parser("show", help="show what is installed")
    show.add_argument("--root", type=Path, default=Path("/"), help="folder to look below, instead of /")
    show.set_defaults(call=_show)
    return parser, adding


def install_command(options: argparse.Namespace) -> None:
    """Carry out the command `install`."""
    place = Place(options.root.absolute(), options.trust, options.box)
    install(options.release, place, allow_older=options.allow_older, start=not options.no_start, say=_say)


def _show(options: argparse.Namespace) -> None:
    print(shown_state(options.root.absolute()))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
