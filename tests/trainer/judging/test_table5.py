import json
from pathlib import Path

import pytest
from synthetic_data import write_synthetic

from edge.pages.page import data_of
from trainer.judging.table5 import PAPER_RESNET_F1, PAPER_SIZE, PAPER_TABLE_5, Setting, compare, table


def test_paper_f1_follows_from_precision_and_recall() -> None:
    for name, row in PAPER_TABLE_5.items():
        f1 = 2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"])
        assert f1 == pytest.approx(PAPER_RESNET_F1 if name == "resnet" else row["f1"], abs=2e-4)


def test_paper_size_is_150000_crops_twelve_times() -> None:
    assert PAPER_SIZE.samples_seen == 12 * 150_000
    assert PAPER_SIZE.crop_size == 224


def test_compare_puts_networks_beside_the_paper(tmp_path: Path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=64)
    setting = Setting(
        samples_seen=64,
        crop_size=64,
        planes="temporal",
        batch_size=16,
        epochs=2,
        networks=("resnet", "alexnet_edge"),
        options={"alexnet_edge": {"width": 0.25}},
    )
    result = compare(tmp_path / "runs", [data], [data], setting)
    assert {row["samples_seen"] for row in result["networks"].values()} == {64}
    assert json.loads((tmp_path / "runs/compare.json").read_text()) == result
    text = table(result)
    assert "| resnet | 11,187,138 |" in text
    assert "0.9186" in text
    assert text.count("\n") == 3
    page = (tmp_path / "runs/compare.html").read_text()
    assert data_of(page) == result
    assert page.count("<svg") == 6
    assert "<td>11,187,138</td>" in page
    again = compare(tmp_path / "runs", [data], [data], setting)
    assert again == result, "a finished network is used, and its time is that of its fitting"
