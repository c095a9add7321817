"""Charts as SVG: lines, bands, steps, bars and dots over axes, with a title and words for who cannot see them.

Colours come from `charts.css` by the number of a series, so that a chart follows the light or dark style of its page.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edge.output import PICTURE_MARK
from edge.pages.html import Html, element, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.pages.axes import Axis

COLOURS = 6
"""Colours of series that `charts.css` has."""
_HEIGHT = 250
_TOP, _RIGHT, _BOTTOM = 12, 14, 46
_LETTER = 6.6
"""Mean width of a letter, in pixels of the picture."""
_LETTERS = 4
"""Letters for which there is room beside the y axis of every chart, so that charts below one another agree."""
_LEGEND_ROW = 18
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (x, y); `stepped` keeps each y up to the next x, `dots` marks the points."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 1
    dashed: bool = False
    stepped: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two lines, of points (x, low, high); `stepped` as of `Line`."""

    name: str
    points: Sequence[tuple[float, float, float]]
    colour: int = 1
    stepped: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from the foot of the chart, each of (left, right, height)."""

    name: str
    bars: Sequence[tuple[float, float, float]]
    colour: int = 1


@dataclass(frozen=True, slots=True)
class Intervals:
    """Dots with the intervals of their values, each of (x, low, value, high)."""

    name: str
    points: Sequence[tuple[float, float, float, float]]
    colour: int = 1


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 1
    radius: float = 2.5


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches (from, to) of the x axis, shaded from top to bottom."""

    name: str
    spans: Sequence[tuple[float, float]]
    colour: str = "alarm"


Series: TypeAlias = "Line | Band | Bars | Intervals | Dots | Spans"


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over common axes.

    Attributes
    ----------
    title : str
    x, y : Axis
    series : sequence
        Drawn one upon the other. Those of the same name share an entry of the legend; an empty name has none.
    words : str
        What the chart shows, for who cannot see it.

    """

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    words: str = ""
    id: int = field(default_factory=lambda: next(_NUMBERS), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Room:
    """The area between the axes of a chart, in pixels of the picture."""

    chart: Chart
    left: float
    right: float
    top: float
    bottom: float

    def x(self, value: float) -> float:
        return round(self.left + self.chart.x.share(value) * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        return round(self.bottom - self.chart.y.share(value) * (self.bottom - self.top), 1)


@cache
def chart_style() -> str:
    """Return the rules of CSS by which charts are coloured."""
    return (Path(__file__).parent / "charts.css").read_text(encoding="utf-8")


def drawn(
    chart: Chart, width: int = 400, *, height: int = _HEIGHT, titled: bool = False, at: int | None = None
) -> Html:
    """Return a chart as an SVG element that is as wide as its place and `width` pixels in its own measure.

    `titled` writes the title into the picture. A page has it above the picture. `at` is the column of a larger picture
    in which it begins; it then keeps its size.

    Examples
    --------
    >>> from edge.pages.axes import Axis
    >>> chart = Chart("squares", Axis("x", 0, 2), Axis("y", 0, 4), [Line("x²", [(0, 0), (1, 1), (2, 4)])])
    >>> drawn(chart)[:60]
    '<svg class="chart" viewBox="0 0 400 250" role="img" aria-lab'

    """
    legend = _legend(chart, width)
    top = _TOP + (20 if titled else 0)
    bottom = height - _BOTTOM
    whole = height + _LEGEND_ROW * len(legend)
    longest = max((len(chart.y.words(value)) for value in chart.y.ticks()), default=1)
    room = _Room(chart, 30 + _LETTER * max(longest, _LETTERS), width - _RIGHT, top, bottom)
    heading = [element("text", chart.title, x=width / 2, y=18, class_="title")] if titled else []
    name = f"chart-{chart.id}-{width}"
    return element(
        "svg",
        element("title", chart.title, id=name),
        element("desc", chart.words) if chart.words else "",
        *heading,
        *_axes(room, height),
        element("g", *(shape for series in chart.series for shape in _shapes(room, series))),
        *_legend_shapes(legend, room.bottom + _BOTTOM),
        class_="chart",
        x=at,
        width=None if at is None else width,
        height=None if at is None else whole,
        viewBox=f"0 0 {width} {whole}",
        role="img",
        aria_labelledby=name,
    )


def as_picture(charts: Sequence[Chart], width: int = 400) -> str:
    """Return charts side by side as a file of its own, an SVG picture that follows the reader's light or dark style."""
    placed = [drawn(chart, width, titled=True, at=number * width) for number, chart in enumerate(charts)]
    whole, tallest = width * len(charts), _HEIGHT + _LEGEND_ROW * max(len(_legend(chart, width)) for chart in charts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="{whole}" height="{tallest}" '
        f'viewBox="0 0 {whole} {tallest}">\n{PICTURE_MARK}\n<style>{chart_style()}</style>\n'
        f'<rect class="paper" width="{whole}" height="{tallest}"/>\n{joined(placed)}\n</svg>\n'
    )


def _axes(room: _Room, height: float) -> Iterator[Html]:
    chart = room.chart
    for value in chart.y.ticks():
        y = room.y(value)
        yield element("path", d=f"M{room.left:.1f} {y}H{room.right}", class_="grid")
        yield element("text", chart.y.words(value), x=f"{room.left - 6:.1f}", y=y + 4, class_="end")
    for value, words in _spaced(room):
        x = room.x(value)
        yield element("path", d=f"M{x} {room.bottom}v4", class_="axis")
        yield element("text", words, x=x, y=room.bottom + 17, class_="middle")
    yield element("path", d=f"M{room.left:.1f} {room.top}V{room.bottom}H{room.right}", class_="axis")
    yield element("text", chart.x.label, x=(room.left + room.right) / 2, y=height - 8, class_="middle label")
    middle = (room.top + room.bottom) / 2
    turned = f"rotate(-90 14 {middle:g})"
    yield element("text", chart.y.label, x=14, y=f"{middle:g}", transform=turned, class_="middle label")


def _spaced(room: _Room) -> Iterator[tuple[float, str]]:
    """Yield the ticks of the x axis whose words do not run into one another."""
    axis = room.chart.x
    wide = (room.right - room.left) / 70
    end = float("-inf")
    for value in axis.ticks(max(3, int(wide))):
        words = axis.words(value)
        half = _LETTER * len(words) / 2
        if room.x(value) - half > end + 6:
            yield value, words
            end = room.x(value) + half


def _shapes(room: _Room, series: Series) -> Iterator[Html]:
    if isinstance(series, Line):
        yield from _line(room, series)
    elif isinstance(series, Band):
        yield _band(room, series)
    elif isinstance(series, Bars):
        for left, right, value in series.bars:
            x, end, y = room.x(left), room.x(right), room.y(value)
            size = {"width": f"{max(end - x - 1, 1):.1f}", "height": f"{room.bottom - y:.1f}"}
            yield element("rect", x=x, y=y, **size, class_=f"bar s{series.colour}")
    elif isinstance(series, Intervals):
        for at, low, value, high in series.points:
            x = room.x(at)
            yield element("path", d=f"M{x} {room.y(low)}V{room.y(high)}", class_=f"line s{series.colour}")
            yield element("circle", cx=x, cy=room.y(value), r=3.5, class_=f"dot s{series.colour}")
    elif isinstance(series, Dots):
        for at, value in series.points:
            yield element("circle", cx=room.x(at), cy=room.y(value), r=series.radius, class_=f"dot s{series.colour}")
    else:
        for start, end in series.spans:
            x, width = room.x(start), max(room.x(end) - room.x(start), 1.5)
            size = {"width": f"{width:.1f}", "height": f"{room.bottom - room.top:g}"}
            yield element("rect", x=x, y=room.top, **size, class_=f"span {series.colour}")


def _band(room: _Room, band: Band) -> Html:
    points: list[tuple[float, ...]] = [(room.x(x), room.y(low), room.y(high)) for x, low, high in band.points]
    if band.stepped:
        points = [*_stepped(points)]
    around = [f"{x},{high}" for x, _, high in points] + [f"{x},{low}" for x, low, _ in reversed(points)]
    return element("polygon", points=" ".join(around), class_=f"area s{band.colour}")


def _line(room: _Room, line: Line) -> Iterator[Html]:
    points = [(room.x(x), room.y(y)) for x, y in line.points]
    written = " ".join(f"{x},{y}" for x, y in (_stepped(points) if line.stepped else points))
    kind = " dashed" if line.dashed else ""
    yield element("polyline", points=written, class_=f"line s{line.colour}{kind}")
    if line.dots:
        for x, y in points:
            yield element("circle", cx=x, cy=y, r=3, class_=f"dot s{line.colour}")


def _stepped(points: Sequence[tuple[float, ...]]) -> Iterator[tuple[float, ...]]:
    """Yield points with a corner before each later one: what the one before shows, up to the later x."""
    for before, after in itertools.pairwise(points):
        yield before
        yield after[0], *before[1:]
    yield from points[-1:]


def _legend(chart: Chart, width: float) -> list[list[Series]]:
    """Return the named series in rows that fit the width. One series alone needs no name."""
    named = list({series.name: series for series in reversed(chart.series) if series.name}.values())[::-1]
    named.sort(key=lambda series: isinstance(series, (Band, Spans)))  # what is shaded comes last
    if len(named) < 2:
        return []
    rows: list[list[Series]] = [[]]
    used = 0.0
    for series in named:
        wide = 26 + _LETTER * len(series.name) + 16
        if rows[-1] and used + wide > width - 20:
            rows.append([])
            used = 0.0
        rows[-1].append(series)
        used += wide
    return rows


def _legend_shapes(rows: Iterable[Sequence[Series]], top: float) -> Iterator[Html]:
    for number, row in enumerate(rows):
        x, y = 12.0, top + number * _LEGEND_ROW + 4
        for series in row:
            yield _sample(series, x, y)
            yield element("text", series.name, x=x + 24, y=y + 8)
            x += 26 + _LETTER * len(series.name) + 16


def _sample(series: Series, x: float, y: float) -> Html:
    """Return the mark of a series in the legend."""
    if isinstance(series, Line):
        kind = " dashed" if series.dashed else ""
        return element("path", d=f"M{x} {y + 4}h18", class_=f"line s{series.colour}{kind}")
    if isinstance(series, (Dots, Intervals)):
        return element("circle", cx=x + 9, cy=y + 4, r=3.5, class_=f"dot s{series.colour}")
    kind = f"span {series.colour}" if isinstance(series, Spans) else f"s{series.colour}"
    kind = f"area {kind}" if isinstance(series, Band) else f"bar {kind}" if isinstance(series, Bars) else kind
    return element("rect", x=x, y=y - 2, width=18, height=11, class_=kind)


def whisker(axis: Axis, low: float, value: float, high: float, colour: int = 1) -> Html:
    """Return a value with its interval as a small picture for a cell of a table; the cell says the same in figures."""
    left, middle, right = (2 + axis.share(each) * 116 for each in (low, value, high))
    return element(
        "svg",
        element("path", d="M2 8H118", class_="grid"),
        element("path", d=f"M{left:.1f} 8H{right:.1f}", class_=f"line s{colour}"),
        element("circle", cx=f"{middle:.1f}", cy=8, r=3.5, class_=f"dot s{colour}"),
        class_="chart whisker",
        viewBox="0 0 120 16",
        aria_hidden="true",
    )
