import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from synthetic_data import write_synthetic
from typer.testing import CliRunner

from edge.commands import console
from trainer.commands.cli import app
from trainer.data.dataset import Dataset

BUILD = ["build", "--crops", "24", "--crop-size", "48", "--nuclide", "Am-241", "--workers", "1", "--json"]


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout


def test_build_and_inspect_commands(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*BUILD, str(tmp_path / "set")])
    assert result.exit_code == 0
    assert "set: 24 crops, 24 for training\n" in result.stderr
    assert "no validation split, which `fit` needs" in result.stderr
    assert "give --crops 2048" in result.stderr
    summary = json.loads(result.stdout)
    assert summary["splits"]["train"] == {"samples": 24, "hits": 12}
    assert summary["sha256"] == Dataset.open(tmp_path / "set").sha256
    cost = summary["cost"]
    assert (cost["crops"], cost["processes"]) == (24, 1)
    assert cost["crops_per_cpu_s"] == pytest.approx(24 / cost["cpu_s"], rel=0.1)
    assert 20 < cost["peak_memory_mb"] < 4000
    code, out = run("inspect", str(tmp_path / "set"), "--json")
    assert code == 0
    assert json.loads(out)["samples"] == 24
    assert (tmp_path / "set" / "inspect.html").stat().st_size > 10_000


def test_build_command_reports_the_shares_of_a_mixture(tmp_path: Path) -> None:
    words = [*BUILD, "--kind", "test", "--nuisance", "none", str(tmp_path / "set")]
    result = CliRunner().invoke(app, words)
    assert "a binding verdict of `gammabox-quantize check` takes --crops 40000" in result.stderr
    code, out = result.exit_code, result.stdout
    assert code == 0
    mixture = json.loads(out)["mixture"]
    assert (mixture["negatives"], mixture["hits"], mixture["missed"]) == (12, 12, [])
    assert mixture["negatives_with_blotch"] >= 0.3


def test_build_command_exits_1_where_a_share_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.quota.MIN_SHARE", 1.01)
    code, out = run(*BUILD[:-1], "--kind", "test", "--nuisance", "none", str(tmp_path / "set"))
    assert code == console.EXIT_CHECK_FAILED
    assert "FAILED: negatives_with_blotch is below" in out


def test_mine_hard_command_tells_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.pieces.FRAMES", 9)
    (tmp_path / "place").mkdir()
    rng = np.random.default_rng(3)
    for number in range(10):
        picture = np.full((240, 320, 3), 60, np.uint8)
        for x, y in rng.integers(20, 200, (12, 2)):
            picture[y : y + 2, x : x + 2] = 240  # points of one frame each deceive any detector
        cv2.imwrite(str(tmp_path / "place" / f"{number}.png"), picture)
    words = ["mine-hard", str(tmp_path / "set"), "--footage", str(tmp_path / "place"), "--pieces", "4"]
    code, out = run(*words, "--hits-a-frame", "0", "--workers", "1", "--json")
    assert code == 0
    splits = json.loads(out)["splits"]
    assert splits["train"]["samples"] > 20
    assert (splits["train"]["hits"], splits["validation"]) == (0, {"samples": 0, "hits": 0})
    assert Dataset.open(tmp_path / "set").index.kind == "hard"


def test_leakage_command_exits_1_where_a_scene_is_shared(tmp_path: Path) -> None:
    path = write_synthetic(tmp_path / "set", crop_size=24, splits=(("train", 96), ("validation", 96))).path
    code, out = run("leakage", str(path), "--limit", "1", "--json")
    assert code == console.EXIT_CHECK_FAILED
    assert json.loads(out)["shared_scenes"] == ["synthetic-0", "synthetic-1", "synthetic-2", "synthetic-3"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "x", "--kind", "exam"], "--kind exam: no such choice; give one of training, test"),
        (["build", "x", "--fusion", "sum"], "--fusion sum"),
        (["build", "x", "--nuisance", "hail"], "--nuisance hail"),
        (["build", "x", "--nuclide", "Xx-1"], "--nuclide Xx-1"),
        (["build", "x", "--footage", "nowhere.mp4"], r"nowhere.mp4: does not exist"),
        (["inspect", "nowhere"], "dataset.json is missing"),
        (["leakage", "nowhere"], "dataset.json is missing"),
        (["import", "nowhere", "x"], "no subfolder A"),
    ],
)
def test_data_commands_refuse_in_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["gammabox-trainer", *words])
    with pytest.raises(SystemExit) as ended:
        console.run(app)
    assert ended.value.code == console.EXIT_UNUSABLE
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
