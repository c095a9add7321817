"""What the console scripts say of themselves, and how shells complete their words."""

import os
import re
import subprocess
import sys

import pytest
import typer
from rich.text import Text

import edge.commands.cli
import firmware_config.commands.cli
import quantize.commands
import trainer.commands.cli
from edge.commands import console, panels

MODULES = {
    "gammabox-edge": edge.commands.cli,
    "gammabox-trainer": trainer.commands.cli,
    "gammabox-quantize": quantize.commands,
    "gammabox-firmware": firmware_config.commands.cli,
}
COLUMNS = 80
MAX_UNDER_NO_HEADING = 8


def walk(command, *words):
    """Yield each command under a command with the words that call it, the command itself first."""
    yield words, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, *words, name)


def options_of(command):
    return [param for param in command.params if param.param_type_name == "option"]


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_no_words_in_brackets_are_lost_in_the_help(module):
    commands = [command for _, command in walk(typer.main.get_command(module.app))]
    texts = [param.help for command in commands for param in command.params if getattr(param, "help", None)]
    assert len(texts) > 5
    for text in texts:
        shown = Text.from_markup(text).plain
        assert re.sub(r"\\(?=\[)", "", text) == shown


@pytest.mark.parametrize(("name", "module"), MODULES.items(), ids=MODULES)
def test_help_fits_80_columns_and_cuts_no_option(name, module, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", COLUMNS)
    command = console.strict_command(module.app)
    for words, each in walk(command):
        command([*words, "--help"], prog_name=name, standalone_mode=False)
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= COLUMNS, words
        named = {word for option in options_of(each) for word in (*option.opts, *option.secondary_opts)}
        assert [word for word in sorted(named) if word not in shown] == [], words


@pytest.mark.parametrize(("name", "module"), MODULES.items(), ids=MODULES)
def test_help_has_headings_where_there_are_many_options(name, module):
    for words, each in walk(console.strict_command(module.app)):
        ungrouped = [option.opts[0] for option in options_of(each) if option.rich_help_panel is None]
        assert len(ungrouped) <= MAX_UNDER_NO_HEADING, (name, *words)


def test_headings_name_commands_that_exist():
    apps = [console.strict_command(MODULES[name].app) for name in ("gammabox-edge", "gammabox-trainer")]
    known = {name for app in apps for name in app.commands}
    assert {name for names in panels.COMMANDS.values() for name in names} <= known
    assert all(each.rich_help_panel for app in apps for each in app.commands.values())


def complete(name, module, shell, words):
    """Return what a shell is told after these words."""
    program = f"import sys; sys.argv = [{name!r}]\nfrom {module.__name__} import main; main()"
    environment = {
        **os.environ,
        f"_{name.replace('-', '_').upper()}_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": " ".join([name, *words]),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": " ".join([name, *words]),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("gammabox-edge", ["anal"], "analyze"),
        ("gammabox-trainer", ["fit", "--epo"], "--epochs"),
        ("gammabox-quantize", ["co"], "convert"),
        ("gammabox-firmware", ["val"], "validate"),
    ],
)
def test_shells_complete_commands_and_options(name, words, expected, shell):
    assert expected in complete(name, MODULES[name], shell, words)


@pytest.mark.parametrize("name", MODULES)
def test_show_completion_prints_a_script(name):
    program = f"import sys; sys.argv = [{name!r}, '--show-completion', 'bash']\n"
    program += f"from {MODULES[name].__name__} import main; main()"
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert f"complete -o default -F _{name.replace('-', '_')}_completion {name}" in ran.stdout
