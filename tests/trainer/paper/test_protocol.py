import json
import pickle
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer.commands.cli import main
from trainer.data.dataset import Dataset
from trainer.data.leakage import LeakageReport
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError, ProtocolError
from trainer.paper import findings, protocol
from trainer.paper.findings import passed
from trainer.paper.page import table5, write_page
from trainer.paper.protocol import Plan, run_protocol
from trainer.training.callbacks import Checkpoints
from trainer.training.run import BEST_FILE, Run

RUN = {"on_results": write_page, "say": lambda _: None, "workers": 1}


def figures(folder: Path) -> dict:
    """Return the results without what takes time."""
    results = json.loads((folder / "results.json").read_text())
    for log in results["logs"].values():
        for line in log:
            line.pop("seconds")
    return results


@pytest.fixture(scope="module")
def done(conditions, size, tmp_path_factory) -> Path:
    """A protocol that ran without interruption."""
    out = tmp_path_factory.mktemp("done") / "paper"
    run_protocol(Plan(out, size, conditions), **RUN)
    return out


def test_protocol_judges_ours_in_float_and_int8_on_three_tests(done) -> None:
    results = figures(done)
    assert list(results["networks"]) == ["alexnet_edge", "alexnet_edge-int8"]
    assert results["waiting"] == []
    for row in results["networks"].values():
        assert list(row["tests"]) == ["fused", "same-places", "other-places"]
        assert all(sum(found["confusion"].values()) == 24 for found in row["tests"].values())
    assert results["networks"]["alexnet_edge-int8"]["arithmetic"] == "int8"
    assert results["tests"]["same-places"]["radiated"] == 12
    assert (done / "bundles" / "alexnet_edge" / "model.tflite").exists()
    assert "| alexnet_paper, paper | 0.8981 | 0.9736 | 0.9343 | 0.9314 |" in table5(results)


def test_page_shows_the_tables_and_figures(done) -> None:
    page = (done / "paper.html").read_text(encoding="utf-8")
    for heading in ("Table 3", "Table 5", "Figure 2", "Figure 3", "Figure 5", "Figure 6", "Figure 7", "Leakage"):
        assert re.search(f"<h2[^>]*>{heading}", page)
    assert "75,000" in page
    assert page.count("<img") > 20
    assert "None" not in page


def interrupted(plan: Plan, owner, name: str, calls: int, patch: pytest.MonkeyPatch) -> None:
    """Run the protocol until a function has been called so many times."""
    usual, left = getattr(owner, name), [calls]

    def stopped(*given, **named):
        found = usual(*given, **named)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return found

    patch.setattr(owner, name, stopped)
    with pytest.raises(KeyboardInterrupt):
        run_protocol(plan, **RUN)
    patch.undo()


def test_protocol_goes_on_after_an_interruption(conditions, quick_size, tmp_path) -> None:
    whole, broken = (Plan(tmp_path / name, quick_size, conditions) for name in ("whole", "broken"))
    run_protocol(whole, **RUN)
    for owner, name, calls in (
        (DatasetWriter, "enter", 3),
        (DatasetWriter, "enter", 12),
        (findings, "keep", 2),
        (Checkpoints, "on_epoch_end", 1),
        (Checkpoints, "on_epoch_end", 2),
        (protocol, "judge_run", 1),
    ):
        with pytest.MonkeyPatch.context() as patch:
            interrupted(broken, owner, name, calls, patch)
    run_protocol(broken, **RUN)
    assert figures(broken.out) == figures(whole.out)
    # 32 samples in the first training and 64 in the second, which went on with its weights.
    assert "96 samples seen" in (whole.out / "paper.html").read_text(encoding="utf-8")


KILLED = """
import sys
from pathlib import Path
import trainer.sensor.radiation
trainer.sensor.radiation.LIBRARY_HITS = 200
sys.path.insert(0, sys.argv[2])
import pickle
from trainer.paper.page import write_page
from trainer.paper.protocol import Plan, run_protocol
size, conditions = pickle.loads(Path(sys.argv[3]).read_bytes())
run_protocol(Plan(Path(sys.argv[1]), size, conditions), on_results=write_page, workers=1)
"""


@pytest.mark.slow
def test_protocol_goes_on_after_sigkill(conditions, quick_size, tmp_path) -> None:
    given = tmp_path / "given"
    given.write_bytes(pickle.dumps((quick_size, conditions)))
    rng = random.Random(1)

    def begun(out: Path) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", KILLED, str(out), str(Path.cwd()), str(given)])

    started = time.monotonic()
    assert begun(tmp_path / "whole").wait() == 0
    seconds = time.monotonic() - started
    kills = 0
    while True:
        process = begun(tmp_path / "broken")
        try:
            assert process.wait(timeout=seconds * rng.uniform(0.15, 0.9) if kills < 5 else None) == 0
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills
    assert figures(tmp_path / "broken") == figures(tmp_path / "whole")


def test_protocol_that_is_done_trains_nothing_again(done, conditions, size, monkeypatch) -> None:
    before = (done / "networks" / "alexnet_edge-64" / "last.keras").stat().st_mtime_ns
    monkeypatch.setattr(protocol, "judge_run", None)
    monkeypatch.setattr(findings, "check_leakage", None)
    run_protocol(Plan(done, size, conditions), **RUN)
    assert (done / "networks" / "alexnet_edge-64" / "last.keras").stat().st_mtime_ns == before


def kept_files(folder: Path) -> dict[str, bytes]:
    """Return what was judged and converted, by name."""
    kept = [*folder.glob("results/alexnet*.json"), *folder.glob("bundles/*.json"), *folder.glob("bundles/*/model.*")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in kept}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, where it saves
def test_protocol_judges_again_what_was_trained_again(done, conditions, size, tmp_path) -> None:
    out = tmp_path / "paper"
    shutil.copytree(done, out)
    run = Run.open(out / "networks" / "alexnet_edge-64")
    model = run.load_model()
    model.set_weights([weight / 2 for weight in model.get_weights()])
    model.save(run.path / BEST_FILE)
    run_protocol(Plan(out, size, conditions), **RUN)
    before, after = kept_files(done), kept_files(out)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] == after[name]] == []
    assert figures(out)["networks"] != figures(done)["networks"]
    assert (out / "networks" / "alexnet_edge-64" / "log.jsonl").read_bytes() == (
        done / "networks" / "alexnet_edge-64" / "log.jsonl"
    ).read_bytes()


def test_protocol_judges_again_what_does_not_name_its_network(done, conditions, size, tmp_path, monkeypatch) -> None:
    out = tmp_path / "paper"
    shutil.copytree(done, out)
    (out / "bundles" / "alexnet_edge.json").unlink()
    for file in out.glob("results/alexnet*.json"):
        kept = json.loads(file.read_text())
        stale = {"of": " ".join(kept["of"]["tests"]), "found": {**kept["found"], "parameters": 1}}
        file.write_text(json.dumps(stale))
    monkeypatch.setattr(Checkpoints, "on_epoch_end", None)
    run_protocol(Plan(out, size, conditions), **RUN)
    assert figures(out)["networks"] == figures(done)["networks"]
    assert kept_files(out).keys() == kept_files(done).keys()


def test_protocol_refuses_another_plan(done, conditions, size) -> None:
    with pytest.raises(ProtocolError, match=r"begun with other options \(seed differ"):
        run_protocol(Plan(done, size, conditions, seed=2), **RUN)
    other = replace(conditions, distance_m=0.1)
    with pytest.raises(ProtocolError, match="conditions differ"):
        run_protocol(Plan(done, size, other), **RUN)


def test_protocol_refuses_a_folder_of_something_else(conditions, size, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ProtocolError, match=r"holds no paper\.json"):
        run_protocol(Plan(tmp_path, size, conditions), **RUN)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_protocol_says_how_much_disk_is_missing(conditions, size, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(ProtocolError, match=r"0\.0 GB are free and the size tiny needs 0\.\d GB"):
        run_protocol(Plan(tmp_path / "paper", size, conditions), **RUN)


def test_protocol_refuses_a_place_of_both_kinds(conditions, size, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(protocol, "places_of", lambda *_, **__: (SimpleNamespace(name="gate"),))
    with pytest.raises(DatasetError, match="gate is a place of training and an other place"):
        run_protocol(Plan(tmp_path / "paper", size, conditions), **RUN)


@pytest.mark.parametrize(
    ("auc", "error", "verdict"), [(0.54, 0.01, True), (0.56, 0.012, False), (0.57, 0.05, None), (0.8, 0.05, False)]
)
def test_leakage_is_judged_where_there_are_enough_crops(auc, error, verdict) -> None:
    assert passed(LeakageReport((), auc, error, 0.55, 100, 100)) is verdict


@pytest.fixture
def done_by_command(done, conditions, size, monkeypatch, tmp_path) -> Path:
    """A copy of the protocol that is done, as the command would leave it."""
    monkeypatch.setattr("trainer.paper.sizes.SIZES", {"small": size})
    monkeypatch.setattr("trainer.paper.conditions.Conditions", lambda: conditions)
    shutil.copytree(done, tmp_path / "paper")
    return tmp_path / "paper"


def test_command_exits_with_1_where_something_leaks(done_by_command, command) -> None:
    out = done_by_command
    kept = out / "results" / "leakage-fused.json"
    found = json.loads(kept.read_text())
    kept.write_text(json.dumps({**found, "found": {**found["found"], "auc": 0.9, "passed": False}}))
    ended = command(main, "paper", str(out))
    assert ended.code == 1
    assert "N and P can be told apart without the hits: fused (AUC 0.900)" in ended.err
    assert "same-places:" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "smal"), "did you mean small"),
        (("--network", "alexnet"), "alexnet_paper"),
        (("--scenes", "nowhere.avi"), "does not exist"),
        (("--distance", "0"), "0.005"),
    ],
)
def test_command_refuses_bad_input_in_one_line(command, tmp_path, words, said) -> None:
    ended = command(main, "paper", str(tmp_path / "out"), *words)
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "out").exists()


def test_sets_are_datasets_that_other_commands_read(done) -> None:
    assert Dataset.open(done / "data" / "A-64").count() == (30, 0)
    assert Dataset.open(done / "data" / "C-64").count() == (30, 30)
