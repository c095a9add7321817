import pytest

from edge.text import counted


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, None, "0 hits"), (1, None, "1 hit"), (22383, None, "22,383 hits"), (2, "hitses", "2 hitses")],
)
def test_counted_writes_number_and_noun(number, plural, text):
    assert counted(number, "hit", plural) == text
