"""The commands about messages: command, forget and schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.commands.broker import BrokerOptions
from edge.commands.options import with_option_groups
from edge.config.telemetry import Verb


@with_option_groups
def command(
    broker: BrokerOptions,
    device: Annotated[str, typer.Argument(help="Id of the box; name its site with --site.")],
    verb: Annotated[Verb, typer.Argument(help="What the box shall do.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Arguments, such as alarm_id=standing."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who gives the command; the user of this machine by default.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it goes to the box's journal and with the alarm.")] = None,
) -> None:
    """Send a command to a box and print its answer. docs/commands.md explains them.

    The exit code is 0 when the box has done it, 1 when it refuses, and 2 when no answer comes.
    """
    from edge.commands import command as command_command

    if broker.site is None:
        raise typer.BadParameter("name the site of the box", param_hint="--site")
    box = (broker.site, device)
    raise typer.Exit(command_command.run(broker.settings(), box, verb, arguments or [], by=by, reason=reason))


@with_option_groups
def forget(
    broker: BrokerOptions,
    device: Annotated[str, typer.Argument(help="Id of the retired box.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove what a retired box has left behind at the broker: its last alarm, status, info, health and announcement.

    It needs a user who may write to the topics of boxes, such as administrator in the rendered access rules. The exit
    code is 1 when nothing was removed as nobody agreed.
    """
    from edge.commands import forget as forget_command

    raise typer.Exit(forget_command.run(broker.settings(), device, broker.site, yes=yes))


def schemas(
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder for the files of the contract.")] = None,
) -> None:
    """Write the contract with subscribers: JSON Schemas of messages and commands, and an AsyncAPI document.

    Without a folder the AsyncAPI document is printed.
    """
    from edge.commands import schemas as schemas_command

    schemas_command.run(out)


def add_to(app: typer.Typer) -> None:
    """Add the commands to a command line."""
    for each in (command, forget, schemas):
        app.command()(each)
