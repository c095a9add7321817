import json
import shutil

from typer.testing import CliRunner

from edge.bundle import load_bundle
from trainer.commands.cli import app
from trainer.judging import sensitivity


def run(*words):
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_sensitivity_writes_only_the_table(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "MEDIANS_DN", (30, 215))
    monkeypatch.setattr(sensitivity, "EDGES_DN", (0, 120, 250))
    monkeypatch.setattr(sensitivity, "MIN_HITS", 2)
    model = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, model)
    words = ("sensitivity", "--model", model, "--nuclide", "Am-241", "--size", "160x120", "--frames", 8)
    code, out = run(*words)
    assert (code, out.count("\n"), load_bundle(model).manifest.sensitivity) == (0, 4, None)
    code, out = run(*words, "--write", "--json")
    assert code == 0
    before, after = load_bundle(tiny_bundle), load_bundle(model)
    assert after.manifest.sensitivity.model_dump(mode="json") == json.loads(out)["table"]
    assert after.manifest.sensitivity.measured["source"] == "Am-241"
    assert after.manifest.model_copy(update={"sensitivity": None}) == before.manifest
    assert after.model == before.model
