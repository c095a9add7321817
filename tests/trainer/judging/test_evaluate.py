import json
import re
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import write_synthetic
from typer.testing import CliRunner

from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.statistics import sigmoid
from trainer.commands.cli import app
from trainer.data.dataset import Dataset
from trainer.judging.evaluate import (
    Judged,
    choose_decision,
    choose_screen_decision,
    evaluate,
    figures,
    visible,
    without_nan,
    worst_mistakes,
)
from trainer.judging.report import HTML_FILE, JSON_FILE, write_report
from trainer.judging.strata import by_strata
from trainer.training.batches import Crops
from trainer.training.fit import fit
from trainer.training.run import FitSettings, NetworkChoice, Run

PATCH = InputContract(crop_size=17, planes="temporal", dtype="float32")


def judged_crops(count: int = 4000) -> Judged:
    rng = np.random.default_rng(5)
    label = (np.arange(count) % 2).astype(np.uint8)
    strata = tuple({"added_dn": float(rng.uniform(5, 80)) if hit else None, "nuisance": None} for hit in label)
    crops = Crops(np.zeros((count, 3, 3, 3), np.uint8), label, strata)
    faint = np.array([(one["added_dn"] or 99) < 25 for one in strata])
    margin = rng.normal(0, 1, count) + np.where(label == 1, np.where(faint, 1.0, 5.0), -2.0)
    return Judged(crops, margin * 2, visible(crops))


def test_visible_holds_negatives_and_hits_of_25_dn() -> None:
    crops = Crops(
        np.zeros((4, 3, 3, 3), np.uint8),
        np.array([0, 1, 1, 1], np.uint8),
        ({"added_dn": None}, {"added_dn": 24.9}, {"added_dn": 25.0}, {}),
    )
    assert visible(crops).tolist() == [True, False, True, False]


@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_choose_decision_keeps_to_the_rate(rate: float) -> None:
    judged = judged_crops()
    decision = choose_decision(judged, rate)
    score = sigmoid(judged.margin / decision.temperature)
    met = np.mean(score[judged.crops.label == 0] >= decision.threshold)
    assert rate / 2 < met <= rate


def test_choose_screen_decision_keeps_the_share_of_hits() -> None:
    judged = judged_crops()
    decision = choose_screen_decision(judged, 0.98)
    hits = judged.visible & (judged.crops.label == 1)
    assert decision.temperature == 1
    assert 0.98 <= np.mean(sigmoid(judged.margin[hits]) >= decision.threshold) < 0.985


def test_figures_of_visible_hits_leave_out_faint_ones() -> None:
    judged = judged_crops()
    found = figures(judged, Decision(threshold=0.5))
    assert found["visible_hits"]["recall"]["value"] > 0.98 > found["all_hits"]["recall"]["value"]
    counts = found["visible_hits"]["confusion"]
    assert sum(counts.values()) == int(judged.visible.sum())
    interval = found["visible_hits"]["accuracy"]
    assert interval["low"] < interval["value"] < interval["high"]
    json.dumps(without_nan(found), allow_nan=False)


def test_by_strata_counts_every_noted_sample_once() -> None:
    judged = judged_crops()
    tables = by_strata(judged.crops, judged.margin > 0)
    rows = tables["added_dn"]
    assert sum(row["hits"] for row in rows) == judged.crops.label.sum()
    assert all(row["others"] == 0 and row["false_positive_rate"] is None for row in rows)
    assert [row["bin"] for row in rows][:2] == ["below 8", "8 to 15"]
    assert rows[0]["recall"]["value"] < rows[-1]["recall"]["value"]
    assert tables["nuisance"] == by_strata(judged.crops, judged.margin > 0)["nuisance"]
    assert "motion_dn" not in tables


def test_worst_mistakes_come_first() -> None:
    judged = judged_crops()
    false, missed = worst_mistakes(judged, 5)
    negatives = judged.margin[judged.crops.label == 0]
    np.testing.assert_allclose(judged.margin[false], np.sort(negatives)[::-1][:5])
    assert (judged.crops.label[missed] == 1).all()
    assert judged.visible[missed].all()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    folder = tmp_path_factory.mktemp("evaluate")
    splits = (("train", 256), ("validation", 96), ("test", 128))
    data = write_synthetic(folder / "data", crop_size=24, splits=splits)
    settings = FitSettings(epochs=10, batch_size=16, learning_rate=3e-3)
    return fit(folder / "run", NetworkChoice(name="screen"), PATCH, [data], settings), data


def test_evaluate_writes_into_the_run_folder(fitted: tuple[Run, Dataset]) -> None:
    run, data = fitted
    _, judged, found = evaluate(run, [data], false_positive_rate=0.02)
    kept = Run.open(run.path).manifest
    assert kept.decision == Decision(threshold=found["threshold"], temperature=found["temperature"])
    assert kept.figures["visible_hits"]["confusion"] == found["visible_hits"]["confusion"]
    assert kept.figures["data"] == {str(data.path): data.sha256}
    assert found["visible_hits"]["roc_auc"] > 0.95
    assert len(judged.margin) == 128


def test_write_report_makes_one_page_and_one_json(fitted: tuple[Run, Dataset]) -> None:
    run, judged, found = evaluate(*(fitted[0], [fitted[1]]))
    page = write_report(run, judged, found)
    html = page.read_text(encoding="utf-8")
    assert page == Path(run.path / HTML_FILE)
    assert html.count("data:image/png;base64,") > 10
    assert "http" not in html
    assert json.loads((run.path / JSON_FILE).read_text()) == found


def test_evaluate_command_gives_intervals_for_few_negatives(fitted: tuple[Run, Dataset]) -> None:
    run, data = fitted
    result = CliRunner().invoke(app, ["evaluate", str(run.path), "--data", str(data.path)])
    assert result.exit_code == 0
    points = [line for line in result.stdout.splitlines() if "at false-positive rate 0.001" in line]
    assert len(points) == 2, "visible hits and all hits; at the best F1 they are the same"
    for line in points:
        assert re.fullmatch(r"  recall [\d.]+ to [\d.]+ at false-positive rate 0\.001  \(too few .*\)", line)
