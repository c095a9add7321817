import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import write_synthetic
from typer.testing import CliRunner

from edge.detect.decision import Decision
from edge.detect.manifest import Bundle, InputContract
from trainer.commands.cli import app
from trainer.data.dataset import Dataset, DatasetIndex
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError, RunError
from trainer.judging.cascade import STOPPED, choose, decisions_of, evaluate_both, joint_odds
from trainer.judging.evaluate import evaluate
from trainer.judging.report import write_report
from trainer.training.fit import fit
from trainer.training.run import FitSettings, NetworkChoice, Run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits = (("train", 96), ("validation", 96), ("test", 64))
    return write_synthetic(tmp_path_factory.mktemp("cascade") / "data", crop_size=32, splits=splits)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Run:
    contract = InputContract(crop_size=17, planes="temporal", dtype="float32")
    settings = FitSettings(epochs=3, batch_size=16, learning_rate=3e-3)
    network = NetworkChoice(name="screen", options={"width": 0.5})
    return fit(tmp_path_factory.mktemp("cascade") / "run", network, contract, [data], settings)


def test_choose_keeps_to_recall_and_rate(data: Dataset, run: Run) -> None:
    strict, lax = (choose(run, run, [data], keep_recall=0.9, false_positive_rate=rate) for rate in (0.02, 0.3))
    assert strict.false_positive_rate <= 0.02
    assert lax.false_positive_rate <= 0.3
    assert strict.recall <= lax.recall <= 0.96
    assert strict.classifier.threshold >= lax.classifier.threshold
    assert strict.classifier.temperature == lax.classifier.temperature > 0
    assert strict.screen == lax.screen
    assert strict.hits == np.sum([one["added_dn"] is not None for one in data.samples("validation").strata])


def test_choose_refuses_a_network_that_is_no_screen(data: Dataset, run: Run) -> None:
    contract = run.manifest.input.model_copy(update={"crop_size": 24})
    classifier = Run(run.path, run.manifest.model_copy(update={"input": contract}))
    with pytest.raises(RunError, match="it is no screen: it takes temporal crops of 24 pixels"):
        choose(classifier, run, [data])


def test_choose_by_rate_needs_candidates_of_recordings(run: Run, tmp_path: Path) -> None:
    samples = Dataset.open(run.manifest.data.paths[0]).samples("validation")
    generated = replace(samples, strata=tuple({**one, "recording": "generated"} for one in samples.strata))
    index = {"kind": "generated", "command": "a test", "seed": 1, "crop_size": 32, "planned_shards": 1}
    DatasetWriter(tmp_path, DatasetIndex.model_validate(index)).add(0, "validation", generated)
    staged = [Dataset.open(tmp_path)]
    with pytest.raises(DatasetError, match="no candidate of undisturbed recordings"):
        choose(run, run, staged)
    given = choose(run, run, staged, threshold=0.5)
    assert (given.negatives, given.false_positive_rate) == (0, None)


def test_evaluate_leaves_the_decision_of_cascade(run: Run, data: Dataset, tmp_path: Path) -> None:
    copied = Run.open(shutil.copytree(run.path, tmp_path / "run"))
    joint = Decision(threshold=0.9, temperature=1.5)
    decided = copied.with_manifest(decision=joint, decided_with="screen")
    after, _, found = evaluate(decided, [data], false_positive_rate=0.1)
    assert after.manifest.decision == joint
    assert Run.open(copied.path).manifest.decision == joint
    assert found["threshold"] != joint.threshold
    assert found["chosen_on"] == {str(data.path): data.sha256}


def test_joint_odds_are_the_classifiers_behind_the_screen() -> None:
    screen, classifier = np.array([2.0, 2.0, -3.0]), np.array([4.0, -500.0, 9.0])
    odds = joint_odds(screen, classifier, (Decision(threshold=0.3), Decision(threshold=0.8, temperature=2.0)))
    np.testing.assert_allclose(odds, [4 / 2, STOPPED, STOPPED])


def test_decisions_come_from_a_bundle_or_both_runs(run: Run, tiny_manifest) -> None:
    bare = Run(run.path, run.manifest.model_copy(update={"decision": None}))
    with pytest.raises(RunError, match="holds no decision; run `cascade` first"):
        decisions_of(bare, bare)
    first, second = Decision(threshold=0.1), Decision(threshold=0.7, temperature=2.0)
    screen, classifier = (Run(run.path, run.manifest.model_copy(update={"decision": one})) for one in (first, second))
    assert decisions_of(screen, classifier) == (first, second)
    bundle = Bundle(Path("made"), tiny_manifest("int8_64", screen="int8_32"), b"", b"")
    assert decisions_of(bare, bare, bundle) == (Decision(threshold=0.5), bundle.manifest.decision)
    with pytest.raises(RunError, match="has no screen"):
        decisions_of(bare, bare, Bundle(Path("made"), tiny_manifest("int8_64"), b""))


def test_evaluate_both_judges_the_joint_decision(data: Dataset, run: Run) -> None:
    chosen = choose(run, run, [data], keep_recall=0.9, false_positive_rate=0.1)
    judged, found = evaluate_both(run, run, [data], (chosen.screen, chosen.classifier))
    stopped = judged.margin == STOPPED
    assert 0 < stopped.sum() < 64
    counts = found["visible_hits"]["confusion"]
    assert counts["false_negatives"] >= (stopped & (judged.crops.label == 1) & judged.visible).sum()
    assert found["whole_chain"]["confusion"] == counts, "all of these samples are proposed"
    assert found["best_f1"]["f1"]["value"] > 0.5
    assert found["screen"]["threshold"] == chosen.screen.threshold
    page = write_report(run, judged, found)
    assert page.name == "both-evaluation.html"
    assert "behind the screen run" in page.read_text(encoding="utf-8")
    assert Run.open(run.path).manifest.decision is None


def test_evaluate_both_misses_what_is_not_proposed(tmp_path: Path, data: Dataset, run: Run) -> None:
    samples = data.samples("test")
    strata = tuple({**one, "proposed": i >= 16} for i, one in enumerate(samples.strata))
    writer = DatasetWriter(tmp_path / "half", data.index.model_copy(update={"planned_shards": 1, "shards": ()}))
    writer.add(0, "test", replace(samples, strata=strata))
    half = Dataset.open(tmp_path / "half")
    lax = (Decision(threshold=0.0), Decision(threshold=1e-12))
    judged, found = evaluate_both(run, run, [half], lax, chosen_on=[data])
    assert len(judged.margin) == 48
    assert found["visible_hits"]["recall"]["value"] == 1
    missed = int((samples.label[:16] == 1).sum())
    assert missed == 8
    assert found["whole_chain"]["confusion"]["false_negatives"] == missed


@pytest.mark.parametrize(("label", "missing"), [(0, "visible hit"), (1, "sample without a hit")])
def test_evaluate_refuses_to_choose_on_one_label(
    label: int, missing: str, tmp_path: Path, data: Dataset, run: Run
) -> None:
    samples = data.samples("validation")
    writer = DatasetWriter(tmp_path / "one", data.index.model_copy(update={"planned_shards": 1, "shards": ()}))
    writer.add(0, "validation", samples.take(samples.label == label))
    one = Dataset.open(tmp_path / "one")
    for judge in (
        lambda: evaluate(run, [data], chosen_on=[one]),
        lambda: evaluate(run, [data], chosen_on=[one], keep_recall=0.9),
        lambda: evaluate_both(run, run, [data], (Decision(threshold=0.1), Decision(threshold=0.1)), chosen_on=[one]),
    ):
        with pytest.raises(DatasetError, match=f"one: its validation split has no {missing}, .*--chosen-on"):
            judge()


def test_choose_takes_a_given_threshold(data: Dataset, run: Run) -> None:
    assert choose(run, run, [data], threshold=0.321).classifier.threshold == 0.321


def test_cascade_command_writes_the_decision_into_the_run(data: Dataset, run: Run, tmp_path: Path) -> None:
    copied = shutil.copytree(run.path, tmp_path / "run")
    words = ["cascade", copied, "--screen", run.path, "--data", data.path, "--threshold", "0.9"]
    ran = CliRunner().invoke(app, [str(one) for one in words])
    assert ran.exit_code == 0, ran.output
    decided = Run.open(copied).manifest
    assert (decided.decision.threshold, decided.has_decision_of_cascade) == (0.9, True)


def test_evaluate_keeps_cascade_unless_told_to_decide_anew(data: Dataset, run: Run, tmp_path: Path) -> None:
    classifier, screen = (shutil.copytree(run.path, tmp_path / name) for name in ("classifier", "screen"))
    words = ["cascade", classifier, "--screen", screen, "--data", data.path, "--threshold", "0.9"]
    assert CliRunner().invoke(app, [str(one) for one in words]).exit_code == 0
    for path, other in ((classifier, "screen"), (screen, "classifier")):
        decided = Run.open(path).manifest
        assert decided.decided_with == other
        words = ["evaluate", str(path), "--data", str(data.path), "--false-positive-rate", "0.1"]
        kept = CliRunner().invoke(app, words)
        assert "run.json keeps the decision of `cascade`; --decide-anew replaces it" in kept.stderr
        assert Run.open(path).manifest.decision == decided.decision
        anew = CliRunner().invoke(app, [*words, "--decide-anew"])
        assert (anew.exit_code, anew.stderr) == (0, "")
        manifest = Run.open(path).manifest
        assert manifest.decision is not None
        assert f"threshold {manifest.decision.threshold:.4g}, " in anew.stdout
        assert (manifest.decision == decided.decision, manifest.has_decision_of_cascade) == (False, False)
    words = ["evaluate", "none", "--screen", "none", "--data", "none", "--decide-anew"]
    both = CliRunner().invoke(app, words, standalone_mode=False)
    assert "with --screen no decision is made" in str(both.exception), "before anything is opened"
