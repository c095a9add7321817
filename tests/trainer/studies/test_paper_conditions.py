from dataclasses import replace

import pytest

from trainer.commands.cli import main
from trainer.paper.places import places_of
from trainer.studies import paper_conditions
from trainer.studies.paper_conditions import Cell, Extent, as_markdown, cells, study_cell, visibility

EXTENT = Extent(crops=24, side=64)


pytestmark = pytest.mark.usefixtures("few_hits")


def test_fewer_hits_fall_and_fewer_are_seen_far_away_and_at_low_gain(conditions) -> None:
    places, conditions = places_of([], 2, "train"), replace(conditions, blotch_dn=25.0)
    near = visibility(conditions, places, EXTENT)
    far = visibility(replace(conditions, distance_m=0.1), places, EXTENT)
    weak = visibility(conditions.with_gain(1.0), places, EXTENT)
    assert far["hits_a_crop_of_224"] == pytest.approx(near["hits_a_crop_of_224"] / 25, rel=0.01)
    assert weak["visible_unfused"] < near["visible_unfused"]
    assert 0.5 < near["visible_fused"] <= 1
    assert near["pixels"] > 3


def test_a_point_is_studied_once(conditions, tmp_path, monkeypatch) -> None:
    places = places_of([], 2, "train")
    found = study_cell(tmp_path, Cell("near, thin", conditions), places, places, EXTENT)
    monkeypatch.setattr(paper_conditions, "visibility", None)
    assert study_cell(tmp_path, Cell("near, thin", conditions), places, places, EXTENT) == found
    assert as_markdown([found]).splitlines()[2].startswith("| near, thin | ")


def test_a_network_is_trained_where_it_is_asked_for(conditions, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(paper_conditions, "POOL", 20)
    monkeypatch.setattr(paper_conditions, "TESTED", 16)
    places, others = places_of([], 2, "train"), places_of([], 2, "test", first_seed=9)
    extent = replace(EXTENT, train=256, network="screen")
    found = study_cell(tmp_path, Cell("near", conditions), places, others, extent)
    assert set(found["accuracy"]) == {"fused", "same-places", "other-places"}
    assert all(0 <= value <= 1 for value in found["accuracy"].values())
    assert "accuracy, fused" in as_markdown([found])


def test_points_have_names_of_their_own() -> None:
    names = [cell.name for cell in cells()]
    assert len(set(names)) == len(names)
    assert {"thick, gain 16", "distance 10 cm", "uncovered gain 2", "not selected", "6 places"} <= set(names)


def test_command_names_the_points_there_are(command, tmp_path) -> None:
    ended = command(main, "study", "paper-conditions", str(tmp_path), "--cell", "thicc")
    assert ended.code == 2
    assert "thick, gain 1" in ended.err
