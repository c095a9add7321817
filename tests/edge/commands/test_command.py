import pytest
from typer.testing import CliRunner

from edge.commands.cli import app


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["silence", "minutes=0"], "minutes"), (["acknowledge"], "alarm_id"), (["get", "x"], "NAME=VALUE")],
    ids=" ".join,
)
def test_command_refuses_wrong_arguments(words, expected):
    ran = CliRunner().invoke(app, ["command", "gate-1", *words, "--site", "docks"])
    assert expected in str(ran.exception)
