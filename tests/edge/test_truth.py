from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.truth import TrueHit, TruthError, compare, read_truth


@dataclass(frozen=True)
class Found:
    frame: int
    x: int
    y: int


def true_hit(frame, x, y, added=50.0, reach=1):
    return TrueHit(frame, x, y, (x - reach, y - reach, x + reach, y + reach), added)


places = st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 40))


@given(truth=st.lists(st.tuples(places, st.floats(5, 100))), found=st.lists(places))
def test_compare_matches_every_detection_once(truth, found):
    hits = [true_hit(*place, added) for place, added in truth]
    score = compare(hits, [Found(*place) for place in found])
    assert len(score.matches) + score.false_hits == len(found)
    assert len({i for i, _ in score.matches}) == len({j for _, j in score.matches}) == score.found_all
    assert score.found <= score.visible <= score.true_hits


@given(st.lists(places, unique=True))
def test_compare_finds_all_hits(at):
    hits = [true_hit(*place) for place in at]
    score = compare(hits, [Found(*place) for place in at])
    assert score.recall == (1.0 if at else 0.0)
    assert score.false_hits == 0


def test_compare_counts_up_to_the_radius_around_the_box():
    assert compare([true_hit(0, 10, 10)], [Found(0, 14, 10)]).found == 1
    assert compare([true_hit(0, 10, 10)], [Found(0, 15, 10)]).found == 0
    assert compare([true_hit(0, 10, 10)], [Found(1, 10, 10)]).false_hits == 1


def test_compare_prefers_a_visible_hit_to_a_nearer_faint_one():
    score = compare([true_hit(0, 10, 10, added=10), true_hit(0, 13, 10, added=60)], [Found(0, 10, 10)])
    assert (score.found, score.false_hits) == (1, 0)


def test_compare_calls_a_second_detection_false():
    assert compare([true_hit(0, 10, 10)], [Found(0, 10, 10), Found(0, 11, 10)]).false_hits == 1


@pytest.mark.parametrize("line", ["no json", "[1, 2]", '{"frame": 1}', '{"frame": 1, "x": 2, "y": 3, "added": "much"}'])
def test_read_truth_names_a_line_that_is_no_hit(tmp_path, line):
    path = tmp_path / "truth.jsonl"
    path.write_text('{"frame": 1, "x": 2, "y": 3, "added": 30}\n\n' + line + "\n")
    with pytest.raises(TruthError, match=r"truth\.jsonl, line 3"):
        read_truth(path)


def test_read_truth_names_a_missing_file(tmp_path):
    with pytest.raises(TruthError, match="jsonl beside the clip"):
        read_truth(tmp_path / "none.jsonl")


def test_read_truth_takes_a_hit_without_a_box_as_its_own(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text('{"frame": 1, "x": 2, "y": 3, "added": 30}\n')
    assert read_truth(path) == [TrueHit(1, 2, 3, (2, 3, 2, 3), 30.0)]
