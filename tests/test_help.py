"""What the console scripts say of themselves."""

import re

import pytest
import typer
from rich.text import Text

import edge.commands.cli
import firmware_config.commands
import quantize.commands
import trainer.commands.cli


def _texts(command) -> list[str]:
    """Give the help of all options of a command and of those under it."""
    texts = [one.help for one in command.params if getattr(one, "help", None)]
    for each in getattr(command, "commands", {}).values():
        texts += _texts(each)
    return texts


@pytest.mark.parametrize(
    "module", [edge.commands.cli, trainer.commands.cli, quantize.commands, firmware_config.commands]
)
def test_no_words_in_brackets_are_lost_in_the_help(module) -> None:
    texts = _texts(typer.main.get_command(module.app))
    assert len(texts) > 5
    for text in texts:
        shown = Text.from_markup(text).plain
        assert re.sub(r"\\(?=\[)", "", text) == shown
