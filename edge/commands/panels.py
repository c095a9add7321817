"""Headings in --help: options and commands in groups, in columns that fit a terminal of 80."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_UNGROUPED = 6
"""A command with more options than this under no heading gets headings."""
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "Output": (
        *("--json", "--force", "--out", "--events", "--truth", "--plot", "--pictures", "--markdown", "--write"),
        *("--report", "--keep", "--record"),
    ),
    "Source and camera": (
        *("--nuclide", "--tube-kv", "--dose-rate", "--camera", "--set", "--size", "--exposure", "--quality"),
        *("--calibration", "--patient", "--background"),
    ),
    "Computing": ("--seed", "--threads", "--workers", "--processes"),
    "Models": ("--model", "--bundle", "--screen", "--paper-float", "--paper-int8", "--screen-bundle"),
}
SWITCHES = "Switches"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Recordings": ("analyze", "bench", "bench-threads", "simulate-alarms"),
    "On the box": ("run", "calibrate", "doctor", "record", "settings"),
    "In the control room": ("watch", "page", "archive", "history", "command", "forget", "schemas"),
    "Films and datasets": ("film", "camera", "build", "mine", "mine-hard", "import", "export", "inspect", "leakage"),
    "Networks": ("fit", "ensemble", "evaluate", "compare", "cascade", "sensitivity", "judge"),
    "Studies": ("study", "paper"),
}
_TYPES = {"int": "N", "float": "NUMBER", "path": "PATH", "str": "TEXT", "text": "TEXT"}


def group_options(command: Any) -> None:  # noqa: ANN401 - the types of commands are typer's own
    """Put the options of a command that has many under headings, and shorten the words for their types."""
    options = [param for param in command.params if param.param_type_name == "option"]
    for option in options:
        if option.metavar is None and (short := _short_type(option)) is not None:
            option.metavar = short
    ungrouped = [option for option in options if option.rich_help_panel is None]
    if len(ungrouped) <= MAX_UNGROUPED:
        return
    headings = {word: heading for heading, words in OPTIONS.items() for word in words}
    for option in ungrouped:
        named = next((headings[word] for word in option.opts if word in headings), None)
        # Where one option of a panel has a --no-… all have a column for it, which takes the place of the words.
        option.rich_help_panel = SWITCHES if named is None and option.secondary_opts else named


def group_commands(group: Any) -> None:  # noqa: ANN401 - likewise
    """Put the commands of a group under headings, where it has many."""
    headings = {name: heading for heading, names in COMMANDS.items() for name in names}
    if len(group.commands) <= MAX_UNGROUPED:
        return
    for name, command in group.commands.items():
        command.rich_help_panel = headings.get(name)


def _short_type(option: Any) -> str | None:  # noqa: ANN401 - likewise
    """Return a short word for the type of an option's value, nothing for a switch; None where typer's own is kept."""
    if option.is_flag:
        return ""
    kind = getattr(getattr(option, "type_descriptor", None), "annotation", None)
    kind = next(iter(get_args(kind)), kind)  # of a list
    name = kind.__name__ if isinstance(kind, type) else str(getattr(getattr(option, "type", None), "name", ""))
    return next((word for beginning, word in _TYPES.items() if name.lower().startswith(beginning)), None)
