import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from edge.output import is_picture
from edge.pages.axes import Axis
from edge.pages.charts import Band, Bars, Chart, Dots, Intervals, Line, Spans, as_picture, chart_style, drawn

SERIES = [
    Spans("alarm", [(4, 8)]),
    Band("interval", [(0, 1, 3), (5, 2, 4), (10, 0, 1)], 1, stepped=True),
    Line("rate", [(0, 2), (5, 3), (10, 0.5)], 2, stepped=True, dots=True),
    Line("background", [(0, 1), (10, 1)], 3, dashed=True),
    Bars("counts", [(0, 1, 4), (1, 2, 2)], 4),
    Intervals("found", [(3, 1, 2, 3)], 5),
    Dots("single", [(9, 4)], 6),
]


def chart(series=SERIES, title="Rate & <alarms>"):
    return Chart(title, Axis("time, s", 0, 10), Axis("hits", 0, 5), series, "what it shows")


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own


def shapes(svg, kind):
    return [shape.attrib for shape in parsed(svg).iter() if shape.tag.endswith(kind)]


def test_chart_is_well_formed_and_says_what_it_is():
    root = parsed(drawn(chart()))
    titles = {part.get("id"): part.text for part in root if part.tag == "title"}
    assert root.get("role") == "img"
    assert titles[root.get("aria-labelledby")] == "Rate & <alarms>"
    assert next(part.text for part in root if part.tag == "desc") == "what it shows"


def test_series_lie_between_the_axes():
    line = chart([Line("", [(0, 0), (10, 5)])])
    (points,) = (shape["points"] for shape in shapes(drawn(line, 400), "polyline"))
    (left, bottom), (right, top) = (tuple(map(float, point.split(","))) for point in points.split())
    assert 30 < left < right < 400
    assert 0 < top < bottom < 250


def test_stepped_line_keeps_each_value_up_to_the_next():
    (shape,) = shapes(drawn(chart([Line("", [(0, 1), (5, 4), (10, 2)], stepped=True)])), "polyline")
    places = [point.split(",") for point in shape["points"].split()]
    assert len(places) == 5
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(places))


def test_what_lies_outside_is_drawn_at_the_edge():
    inside, outside = (drawn(chart([Dots("", [(10, value)])])) for value in (5, 500))
    assert shapes(inside, "circle") == shapes(outside, "circle")


def test_legend_names_each_series_once():
    words = [part.text for part in parsed(drawn(chart([*SERIES, Line("rate", [(0, 0)], 2)]))).iter("text")]
    assert all(words.count(series.name) == 1 for series in SERIES)


def test_one_series_needs_no_legend():
    assert "rate" not in [part.text for part in parsed(drawn(chart([SERIES[2]]))).iter("text")]


@pytest.mark.parametrize("width", [400, 1040])
def test_words_of_the_axis_do_not_run_into_one_another(width):
    long = Chart("t", Axis("x", 1e6, 1.001e6), Axis("y", 0, 1), [Dots("", [(1e6, 0)])])
    placed = [
        (float(part.get("x")), part.text)
        for part in parsed(drawn(long, width)).iter("text")
        if part.get("class") == "middle"
    ]
    assert len(placed) >= 2
    for (x, text), (next_x, next_text) in pairwise(placed):
        assert x + 3 * len(text) < next_x - 3 * len(next_text)


def test_every_class_of_a_chart_has_a_rule():
    names = {name for part in parsed(drawn(chart())).iter() for name in (part.get("class") or "").split()}
    assert {f"s{number}" for number in range(1, 7)} < names
    assert [name for name in names if f".{name}" not in chart_style()] == []


def test_picture_of_charts_is_a_file_of_ours():
    text = as_picture([chart(), chart(SERIES[:2])])
    root = parsed(text)
    assert is_picture(text.encode())
    assert (root.get("width"), len([part for part in root if part.tag.endswith("svg")])) == ("800", 2)
