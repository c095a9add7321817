import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.text import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("calm", "calm"),
        ("a\nbox/other ALARM", "a\\nbox/other ALARM"),
        ("\x1b[31mred\x9b0m", "\\x1b[31mred\\x9b0m"),
        ("left\u202eright", "left\\u202eright"),
        ("Straße, 10 µSv/h – 北", "Straße, 10 µSv/h – 北"),
    ],
    ids=["plain", "line end", "colour", "direction", "letters"],
)
def test_one_line_escapes_control_signs(text, line):
    assert one_line(text) == line


@given(st.text())
def test_one_line_is_printable_and_bounded(text):
    line = one_line(text, 80)
    assert len(line) <= 80
    assert line.isprintable()
