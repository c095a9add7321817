"""Data that is written as YAML is read back unchanged."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config.yaml_file import read
from firmware_config.yaml_text import block

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# The reader takes numbers as people write them, of up to 18 digits before the point and two in the exponent.
REALS = st.floats(1e-90, 1e17) | st.floats(-1e17, -1e-90) | st.just(0.0)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), REALS, TEXT)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=10
)


@given(tree=st.dictionaries(TEXT, TREES, max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_block_of_any_tree_is_read_back_unchanged(tmp_path: Path, tree: dict[str, object]) -> None:
    path = tmp_path / "tree.yaml"
    path.write_text(block(tree) or "{}", encoding="utf-8", newline="")
    document, faults = read(path)
    assert (document.data, faults) == (tree, [])
    assert list(document.data) == list(tree)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"a": {"b": 1, "c": {}}, "d": []}, "a:\n  b: 1\n  c: {}\nd: []\n"),
        ({"spec": "/dev/v4l/by-path/pci-0:1.0-video-index0"}, "spec: /dev/v4l/by-path/pci-0:1.0-video-index0\n"),
        ({"a": "true", "b": "null", "c": "x: y", "d": "1"}, 'a: "true"\nb: "null"\nc: "x: y"\nd: "1"\n'),
        ({"a": "\x85"}, 'a: "\\U00000085"\n'),
        ({"masks": [{"rectangle": [0, 0, 5, 5]}]}, "masks: [{rectangle: [0, 0, 5, 5]}]\n"),
        ({"a": None, "b": 0.1, "c": False}, "a: null\nb: 0.1\nc: false\n"),
    ],
)
def test_block_reads_like_yaml_written_by_hand(tree: dict[str, object], text: str) -> None:
    assert block(tree) == text
