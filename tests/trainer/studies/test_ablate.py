import json
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_data import write_synthetic

from edge.errors import GammaboxError
from trainer.data.dataset import Dataset
from trainer.studies.ablate import BASE, VARIANTS, Setting, ablate, decision_table, fusion_table, table
from trainer.training.run import TIME_FILE, Run

SETTING = Setting(samples_seen=64, epochs=2, batch_size=16)
TWO = (BASE, replace(BASE, name="planes rgb", planes="rgb"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_synthetic(tmp_path_factory.mktemp("ablate") / "data", crop_size=40)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> tuple[Path, dict]:
    path = tmp_path_factory.mktemp("ablate") / "runs"
    return path, ablate(path, [data], [data], SETTING, variants=TWO)


def test_variants_differ_from_the_base_as_named() -> None:
    for variant in VARIANTS[1:]:
        names = ("crop_size", "planes", "head", "fusion", "first", "seed_step")
        told = 1 + variant.name.count(" and ")
        assert sum(getattr(variant, name) != getattr(BASE, name) for name in names) == told


def test_ablate_trains_every_variant_on_as_many_samples(runs: tuple[Path, dict]) -> None:
    path, result = runs
    rows = result["variants"]
    assert {row["samples_seen"] for row in rows.values()} == {64}
    assert [Run.open(path / row["run"]).manifest.input.planes for row in rows.values()] == ["temporal", "rgb"]
    assert json.loads((path / "ablate.json").read_text()) == result


def test_ablate_uses_finished_runs_and_adds_int8_times(runs: tuple[Path, dict], data: Dataset) -> None:
    path, before = runs
    folder = path / before["variants"][BASE.name]["run"]
    (folder / TIME_FILE).write_text('{"int8_ms": 0.125}')
    checkpoint = (folder / "last.keras").stat().st_mtime_ns
    again = ablate(path, [data], [data], SETTING, variants=TWO)
    assert (folder / "last.keras").stat().st_mtime_ns == checkpoint
    assert again["variants"][BASE.name]["all"] == before["variants"][BASE.name]["all"]
    first, second = table(again).splitlines()[2:]
    assert first.endswith("| 0.125 |")
    assert second.endswith("| – |")


def test_table_has_only_the_interval_for_few_negatives(runs: tuple[Path, dict]) -> None:
    _, result = runs
    cells = table(result).splitlines()[2].split(" | ")
    assert cells[1].startswith("(0.")
    charge, most = fusion_table(result).splitlines()[2].split(" | ")[1:]
    assert charge.startswith("(0.")
    assert most == "– |"


def test_decision_table_splits_by_number_of_frames(runs: tuple[Path, dict]) -> None:
    _, result = runs
    rows = {one: decision_table(result, single_frame=one).splitlines()[2:] for one in (True, False)}
    assert [row.split(" | ")[0] for row in rows[True]] == ["| planes rgb"]
    assert [row.split(" | ")[0] for row in rows[False]] == [f"| {BASE.name}"]
    assert all(row.count("–") >= 4 for row in (*rows[True], *rows[False]))


def test_ablate_refuses_missing_fusion_by_name(tmp_path: Path, data: Dataset) -> None:
    with pytest.raises(GammaboxError, match="none of data was built with fusion max"):
        ablate(tmp_path, [data], [data], SETTING, variants=(replace(BASE, fusion="max"),))
