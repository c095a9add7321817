import json
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples, write_synthetic

from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.statistics import sigmoid
from trainer.commands.cli import main
from trainer.data.dataset import Samples
from trainer.judging.cascade import STOPPED
from trainer.studies.paired_recall import compare_pairs, margins, table
from trainer.studies.real_hits import Pair, Strike, Struck
from trainer.training.fit import fit
from trainer.training.run import FitSettings, NetworkChoice, Run

SHARED = Path(__file__).parents[3] / ".." / "shared"


def made(negatives: int, pairs: list[tuple[float, int | None, int | None]], rows: int) -> Struck:
    count = negatives + rows
    empty = np.zeros((count, 9, 9, 3), np.uint8)
    label = (np.arange(count) >= negatives).astype(np.uint8)
    samples = Samples(empty, empty, np.zeros((count, 2), np.int16), label, ({},) * count)
    hits = tuple(
        Pair(Strike((0, 0, 1, 1), added, 3), Strike((0, 0, 1, 1), added, 7), real, simulated)
        for added, real, simulated in pairs
    )
    return Struck(samples, hits, frames=1, unlike=0)


def test_compare_pairs_takes_recall_at_the_rate() -> None:
    struck = made(1000, [(50.0, 1000, 1001), (50.0, 1002, 1003), (30.0, None, 1004)], 5)
    margin = np.concatenate([np.arange(1000) / 1000, [0.995, 2.0, 0.985, 2.0, 2.0]])
    found = compare_pairs(struck, margin, 0.01)
    assert found["false_positive_rate"] == 0.01
    assert not found["supported"]
    assert found["visible"]["pairs"] == 3
    assert found["visible"]["real"]["recall"] == pytest.approx(1 / 3)
    assert found["visible"]["simulated"]["recall"] == 1
    assert found["visible"]["real"]["proposed"] == pytest.approx(2 / 3)
    assert found["visible"]["difference"]["value"] == pytest.approx(-2 / 3)
    assert [row["pairs"] for row in found["bins"]] == [1, 2]


def test_compare_pairs_keeps_the_rate_at_equal_scores() -> None:
    struck = made(100, [(50.0, 100, 101)], 2)
    found = compare_pairs(struck, np.concatenate([np.ones(100), [1.0, 2.0]]), 0.05)
    assert found["false_positive_rate"] == 0
    assert found["visible"]["real"]["recall"] == 0
    assert found["visible"]["simulated"]["recall"] == 1


def test_table_has_bins_and_all_visible_hits() -> None:
    struck = made(3000, [(50.0, 3000, 3001), (9.0, None, None)], 2)
    found = compare_pairs(struck, np.zeros(3002), 0.5)
    json.dumps(found, allow_nan=False)
    lines = table(found).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 6 to 12", "| 40 to 60", "| 25 and more"]
    assert lines[3].endswith("| 3 / 7 |")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pairs")
    data = write_synthetic(folder / "data", crop_size=32, splits=(("train", 32), ("validation", 16)))
    contract = InputContract(crop_size=17, planes="temporal", dtype="float32")
    settings = FitSettings(epochs=1, batch_size=16)
    fitted = fit(folder / "run", NetworkChoice(name="screen", options={"width": 0.5}), contract, [data], settings)
    return fitted.with_manifest(decision=Decision(threshold=0.2))


def test_joint_margin_stops_what_the_screen_stops(run: Run) -> None:
    samples = synthetic_samples(np.random.default_rng(1), 40, 32)
    alone = margins(samples, run, None, None)
    assert set(alone) == {"classifier"}
    half = float(sigmoid(np.median(alone["classifier"])))
    decisions = (Decision(threshold=half), Decision(threshold=0.5, temperature=2.0))
    both = margins(samples, run, run, decisions)
    stopped = both["screen"] < np.median(both["screen"])
    assert stopped.sum() == 20
    assert (both["joint"][stopped] == STOPPED).all()
    np.testing.assert_allclose(both["joint"][~stopped], both["classifier"][~stopped] / 2)
    np.testing.assert_array_equal(both["classifier"], alone["classifier"])


@pytest.mark.peer
@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared")
def test_real_hits_command_compares_x_ray_hits(command, run: Run) -> None:
    data = SHARED / "data"
    ended = command(
        *(main, "study", "real-hits", run.path, "--screen", run.path),
        *("--hits", data / "hits" / "webcam_xray_100kV_40mm_al"),
        *("--footage", data / "scenes" / "street_cars.mp4", "--triples", 8, "--nuclide", "Am-241", "--json"),
    )
    assert ended.code == 0
    assert ended.json["triples"] == 8
    assert ended.json["pairs"] > 40
    assert ended.json["joint"]["negatives"] > 20
    assert 0 <= ended.json["joint"]["visible"]["simulated"]["recall"] <= 1
