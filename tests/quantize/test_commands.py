"""Command line: exit codes, one line of reason, JSON and page."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from edge.bundle import load_bundle
from edge.errors import GammaboxError
from quantize.commands import app
from trainer.errors import RunError

EASY = [
    word
    for limit in (
        *("min_positives=100", "min_negatives=100", "min_speedup=0", "max_size_share=1"),
        "max_saturated=0.1",  # the ranges of so small a network were seen on 100 crops
    )
    for word in ("--limits", limit)
]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def checked(tiny, *words):
    runs = ("--reference", tiny.run.path, "--screen-reference", tiny.run.path)
    return run("check", tiny.bundle.path, *runs, "--data", tiny.dataset.path, *words)


def test_convert_writes_a_bundle_and_describes_it(tiny, tmp_path):
    ran = run("convert", tiny.run.path, "--out", tmp_path / "b", "--representative", 50, "--limit", "Simulated only.")
    assert ran.exit_code == 0, ran.output
    assert "int8 in, int8 out" in ran.output
    manifest = load_bundle(tmp_path / "b").manifest
    assert manifest.limits == ["Simulated only."]
    assert manifest.provenance["representative"]["crops"] == 50


def test_check_that_passes_writes_page_figures_and_record(tiny, tmp_path):
    page, figures = tmp_path / "check.html", tmp_path / "check.json"
    bundle = shutil.copytree(tiny.bundle.path, tmp_path / "copy")
    named = ("--reference", tiny.run.path, "--screen-reference", tiny.run.path, "--data", tiny.dataset.path)
    ran = run("check", bundle, *named, *EASY, "--report", page, "--keep", figures, "--record")
    assert ran.exit_code == 0, ran.output
    assert ran.output.strip().splitlines()[-1].startswith("PASSED: bundle: int8 is within all limits")
    kept = json.loads(figures.read_text(encoding="utf-8"))
    assert kept["passed"] is True
    assert kept["networks"][0]["layers"][0]["name"] == "conv1_relu"
    text = page.read_text(encoding="utf-8")
    assert "PASSED" in text
    assert "conv2_relu" in text
    assert "http" not in text
    recorded = load_bundle(bundle).manifest.figures["int8_check"]
    assert recorded["passed"] is True
    assert recorded["classifier"]["partitions"] == 1


def test_check_exits_1_and_names_the_limit_exceeded(tiny):
    ran = checked(tiny, *EASY, "--limits", "min_speedup=1000", "--json")
    assert ran.exit_code == 1
    measured = json.loads(ran.stdout)
    assert measured["passed"] is False
    assert [line.partition(": ")[2].partition(":")[0] for line in measured["exceeded"]] == ["speed against float"]
    assert measured["networks"][0]["speed"]["ratio"] > 0


def test_convert_refuses_a_folder_that_is_no_run(tmp_path):
    ran = run("convert", tmp_path, "--out", tmp_path / "b")
    assert isinstance(ran.exception, RunError)
    assert "run.json is missing" in str(ran.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limits", "speed=1"], "no NAME=VALUE of a known name"),
        (["--with", "coral"], "there is no such runtime"),
    ],
)
def test_check_refuses_wrong_words(tiny, words, message):
    ran = checked(tiny, *words)
    assert isinstance(ran.exception, GammaboxError)
    assert message in str(ran.exception)


def test_convert_refuses_an_unknown_recipe(tiny, tmp_path):
    ran = run("convert", tiny.run.path, "--out", tmp_path / "b", "--recipe", "int4")
    assert ran.exit_code == 2
    assert "int4" in ran.output
