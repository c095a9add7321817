from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from edge.commands.options import with_option_groups


@dataclass(frozen=True, slots=True)
class Lens:
    panel = "What the lens does"
    focus: Annotated[float, typer.Option(min=0, help="Distance, m.")] = 2.0
    filters: Annotated[list[str], typer.Option("--filter", "-f")] = field(default_factory=list)
    cover: Annotated[Path | None, typer.Option()] = None


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @with_option_groups
    def show(
        name: Annotated[str, typer.Argument(metavar="NAME")],
        lens: Lens,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        """Show a camera."""
        print(name, lens, loud)

    return app


def run(app, *words):
    return CliRunner().invoke(app, words)


def test_option_group_is_filled_from_the_command_line(app):
    words = ("hall", "--focus", "3", "-f", "red", "--filter", "green", "--cover", "a/b", "--loud")
    assert run(app, *words).stdout == f"hall {Lens(3.0, ['red', 'green'], Path('a/b'))} True\n"


def test_option_group_keeps_its_defaults(app):
    assert run(app, "hall").stdout == f"hall {Lens()} False\n"


def test_option_group_has_a_panel_in_help(app):
    text = run(app, "--help").stdout
    assert text.index("What the lens does") > text.index("Options")
    assert "[default: 2.0]" in text
    assert "Show a camera." in text


def test_option_group_checks_its_values(app):
    ended = run(app, "hall", "--focus", "-1")
    assert ended.exit_code == 2
    assert "--focus" in ended.output
