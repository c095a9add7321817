"""Command line: exit codes, one line of reason, keys of the JSON, and the page."""

import json
import re
import shutil

import pytest

from edge.bundle import load_bundle
from quantize.commands import main

EASY = [
    word
    for limit in (
        *("min_positives=100", "min_negatives=100", "min_speedup=0", "max_size_share=1"),
        "max_saturated=0.1",  # the ranges of so small a network were seen on 100 crops
    )
    for word in ("--limits", limit)
]
CHECK_KEYS = {
    *("bundle", "sha256", "created_utc", "command", "data", "limits", "cascade", "networks", "findings", "clip"),
    *("passed", "binding", "exceeded", "close"),
}
CASCADE_KEYS = {"positives", "negatives", "agreement", "strata", "decision_changes"}
AGREEMENT_KEYS = {
    *("labels", "labels_interval", "hits", "recall", "decision_reference", "decision_found"),
    *("decision_recall_interval", "common_false_positives"),
    *("calibration_reference", "calibration_found", "calibration_interval"),
}
NETWORK_KEYS = {
    *("name", "positives", "negatives", "logits_sqnr_db", "agreement", "strata", "layers", "worst"),
    *("operators", "float_operators", "min_runtime", "partitions", "size_bytes", "float_size_bytes", "speed"),
    *("runtime", "comparisons"),
}


@pytest.fixture
def check(command, tiny):
    def run(*words, bundle=tiny.bundle.path):
        runs = ("--reference", tiny.run.path, "--screen-reference", tiny.run.path)
        return command(main, "check", bundle, *runs, "--data", tiny.dataset.path, *words)

    return run


def test_convert_exits_0_and_describes_the_bundle(command, tiny, tmp_path):
    out = tmp_path / "b"
    ended = command(main, "convert", tiny.run.path, "--out", out, "--representative", 50, "--limit", "Simulated only.")
    assert (ended.code, ended.err) == (0, "")
    assert "int8 in, int8 out" in ended.out
    manifest = load_bundle(out).manifest
    assert manifest.limits == ["Simulated only."]
    assert manifest.provenance["representative"]["crops"] == 50


def test_convert_json_is_the_manifest(command, tiny, tmp_path):
    ended = command(main, "convert", tiny.run.path, "--out", tmp_path / "b", "--recipe", "float32", "--json")
    assert ended.code == 0
    assert ended.json == load_bundle(tmp_path / "b").manifest.model_dump(mode="json")


def test_check_exits_0_and_writes_page_figures_and_record(check, tiny, tmp_path):
    page, figures = tmp_path / "check.html", tmp_path / "check.json"
    bundle = shutil.copytree(tiny.bundle.path, tmp_path / "copy")
    ended = check(*EASY, "--report", page, "--keep", figures, "--record", bundle=bundle)
    assert ended.code == 0, ended.out
    assert ended.out.strip().splitlines()[-1].startswith("PASSED: bundle: int8 is within all limits")
    kept = json.loads(figures.read_text(encoding="utf-8"))
    assert (kept["passed"], kept["exceeded"]) == (True, [])
    assert kept["networks"][0]["layers"][0]["name"] == "conv1_relu"
    text = page.read_text(encoding="utf-8")
    assert "PASSED" in text
    assert "conv2_relu" in text
    assert "http" not in text
    recorded = load_bundle(bundle).manifest.figures["int8_check"]
    assert (recorded["passed"], recorded["binding"], recorded["exceeded"]) == (True, True, [])
    assert recorded["classifier"]["partitions"] == 1


def test_check_exits_1_and_names_the_limit_exceeded(check):
    ended = check(*EASY, "--limits", "min_speedup=1000", "--json")
    assert ended.code == 1
    assert set(ended.json) == CHECK_KEYS
    assert set(ended.json["cascade"]) == CASCADE_KEYS
    assert set(ended.json["cascade"]["agreement"]) == AGREEMENT_KEYS
    assert all(set(network) == NETWORK_KEYS for network in ended.json["networks"])
    assert ended.json["passed"] is False
    assert [line.split(": ")[:2] for line in ended.json["exceeded"]] == [["classifier", "speed against float"]]
    assert ended.json["networks"][0]["speed"]["ratio"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limits", "speed=1"], "no NAME=VALUE of a known name"),
        (["--with", "coral"], "there is no such runtime"),
        (["--split", "train"], "'train' is neither test nor validation"),
    ],
)
def test_check_exits_2_on_wrong_words(check, words, message):
    assert check(*words).refused(message)


FEW = [word for word in EASY if not word.startswith(("min_positives", "min_negatives"))]
FEW = [word for word, after in zip(FEW, [*FEW[1:], ""], strict=True) if not word == after == "--limits"]


def test_check_with_few_crops_passes_as_indicative(check, tmp_path):
    page = tmp_path / "check.html"
    ended = check(*FEW, "--report", page)
    assert ended.code == 0, ended.out
    verdict = ended.out.splitlines()[-1]
    assert verdict.startswith("PASSED (indicative): bundle: int8 is within all limits of float on 300 crops; ")
    assert re.search(r"\d+\.\d\d % decided alike \(95 % \d+\.\d\d to \d+\.\d\d %\)", verdict)
    assert "binding from 5,000 crops with a hit and 20,000 without" in verdict
    assert verdict.endswith("gammabox-trainer build OUT --kind test --crops 40000")
    assert "  few   positive crops: 150, a binding verdict wants 5000" in ended.out
    assert "PASSED (indicative)" in page.read_text(encoding="utf-8")


def test_check_with_few_crops_still_fails_a_limit(check):
    ended = check(*FEW, "--limits", "min_speedup=1000")
    assert ended.code == 1
    assert ended.out.splitlines()[-1].startswith("FAILED (indicative): bundle: classifier: speed against float")


def test_check_refuses_a_bundle_of_another_run(command, tiny, tmp_path):
    other = shutil.copytree(tiny.run.path, tmp_path / "other")
    manifest = json.loads((other / "run.json").read_text(encoding="utf-8"))
    (other / "run.json").write_text(json.dumps({**manifest, "seed": 5}), encoding="utf-8")
    runs = ("--reference", other, "--screen-reference", tiny.run.path)
    ended = command(main, "check", tiny.bundle.path, *runs, "--data", tiny.dataset.path)
    assert ended.refused("(classifier): it came from another run than", "seed differ", "seed 1", "seed 5")


def test_convert_exits_2_on_a_folder_that_is_no_run(command, tmp_path):
    assert command(main, "convert", tmp_path, "--out", tmp_path / "b").refused("run.json is missing")


def test_convert_exits_2_on_an_unknown_recipe(command, tiny, tmp_path):
    assert command(main, "convert", tiny.run.path, "--out", tmp_path / "b", "--recipe", "int4").refused("int4")
