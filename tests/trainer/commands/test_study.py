import json

import pytest
from typer.testing import CliRunner

from edge.commands.console import EXIT_CHECK_FAILED
from trainer.commands.cli import app


def run(*words):
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_study_rates_exits_1_where_a_scene_differs(tiny_bundle):
    words = ("study", "rates", "--model", tiny_bundle, "--size", "160x120", "--frames", 12, "--dose-rate", 200_000)
    code, out = run(*words, "--json")
    rows = json.loads(out)
    assert [row["scene"] for row in rows] == ["still", "busy", "bright", "busy and bright"]
    assert code == (EXIT_CHECK_FAILED if any(abs(row["corrected_ratio"] - 1) > 0.15 for row in rows) else 0)
    assert len(run(*words)[1].splitlines()) == 6


def test_study_nuisances_and_quiet_count_false_hits(tiny_bundle, tmp_path):
    out = tmp_path / "clips"
    words = ("study", "nuisances", out, "--model", tiny_bundle, "--size", "160x120", "--seconds", 1, "--clips", 1)
    code, text = run(*words, "--nuisance", "clock", "--nuisance", "none")
    assert code == 0
    assert [line.split(" | ")[0] for line in text.splitlines()[2:]] == ["| clock", "| none"]
    code, text = run("study", "quiet", out / "clock-1.avi", out / "none-1.avi", "--model", tiny_bundle, "--json")
    rows = json.loads(text)
    assert code == 0
    assert [row["name"] for row in rows] == ["clock-1.avi", "none-1.avi", "all"]
    assert rows[2]["analysed"] == sum(row["analysed"] for row in rows[:2]) == 46


def test_study_grid_has_a_row_for_each_quality(tiny_bundle):
    code, out = run(
        "study", "grid", "--model", tiny_bundle, "--size", "160x120", "--pitch", 10, "--quality", 90, "--json"
    )
    assert code == 0
    (row,) = json.loads(out)
    assert row["quality"] == 90
    assert row["hits"] > 200


@pytest.mark.parametrize("words", [("quiet", "nowhere.avi"), ("grid", "--size", "huge"), ("rates", "nowhere.mp4")])
def test_study_refuses_unusable_input(command, words, tmp_path, monkeypatch):
    from trainer.commands.cli import main

    monkeypatch.chdir(tmp_path)
    assert command(main, "study", *words).refused(words[-1])
