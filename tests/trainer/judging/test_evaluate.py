import json
import re
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples, write_synthetic
from typer.testing import CliRunner

from edge.detect.crops import Planes, cut_size
from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.pages.page import MAX_PAGE_BYTES, data_of
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
from trainer.judging.mistakes import frames_of, groups
from trainer.judging.report import HTML_FILE, JSON_FILE, write_report
from trainer.judging.strata import by_strata
from trainer.training.batches import Crops, cut_crops, read_crops
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
    assert len(html) < MAX_PAGE_BYTES
    assert data_of(html) == found
    shown = html.partition("<script")[0]
    assert not re.search(r"\b(added_dn|background_dn|motion_dn|jpeg_quality|false_positive_rate)\b", shown)
    assert html.index(">Curves<") < html.index(">By kind of sample<") < html.index(">Mistakes, enlarged<")
    assert shown.count("<svg") > 8
    assert json.loads((run.path / JSON_FILE).read_text()) == found


def test_groups_of_mistakes_count_what_was_decided_wrongly() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 40, 24)
    crops = Crops(samples.greys, samples.label, samples.strata)
    judged = Judged(crops, np.where(samples.label == 1, 2.0, -2.0), visible(crops))
    right = samples.label == 1
    assert groups(judged, right, label=0) == groups(judged, right, label=1) == []
    missed, false = (groups(judged, np.full(40, called), label=not called) for called in (False, True))
    assert sum(group.mistakes for group in missed) == sum(group.samples for group in missed) == 20
    assert {group.words for group in false} >= {"disturbed by moving edge"}
    assert all(samples.label[list(group.shown)].all() for group in missed)
    assert not any(samples.label[list(group.shown)].any() for group in false)


@pytest.mark.parametrize("planes", ["temporal", "compensated", "spike", "rgb"])
def test_frames_of_a_crop_are_those_of_the_dataset(planes: Planes, tmp_path: Path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=cut_size(planes, 24) + 12, splits=(("train", 8),))
    samples, crops = data.samples(), read_crops([data], "train", InputContract(crop_size=24, planes=planes))
    cut = cut_crops(samples, InputContract(crop_size=24, planes="temporal"))
    for i in range(8):
        frames = frames_of(crops.pictures[i], planes)
        if planes == "rgb":
            assert (len(frames), frames[0].shape) == (1, (24, 24, 3))
            continue
        for number, frame in enumerate(frames):
            apart = np.abs(frame.astype(int) - cut.pictures[i][..., number])
            assert np.median(apart) == 0


def test_evaluate_command_gives_intervals_for_few_negatives(fitted: tuple[Run, Dataset]) -> None:
    run, data = fitted
    result = CliRunner().invoke(app, ["evaluate", str(run.path), "--data", str(data.path)])
    assert result.exit_code == 0
    points = [line for line in result.stdout.splitlines() if "at false-positive rate 0.001" in line]
    assert len(points) == 2, "visible hits and all hits; at the best F1 they are the same"
    for line in points:
        assert re.fullmatch(r"  recall [\d.]+ to [\d.]+ at false-positive rate 0\.001  \(too few .*\)", line)
