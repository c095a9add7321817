"""Curves as SVG, written without a plotting package: the box has none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from edge.output import PICTURE_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH, _HEIGHT = 380, 260
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 30, 10, 44
# Distinct for colour-blind eyes (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_FONT = 'font-family="sans-serif" font-size="11"'


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a panel.

    Attributes
    ----------
    label : str
    low, high : float
        Its ends.
    log : bool
        Whether it is logarithmic; then both ends are positive.

    """

    label: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high end."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round values along the axis: 1, 2, 5 of each decade, or fifths of the length."""
        if not self.log:
            return [self.low + (self.high - self.low) * step / 5 for step in range(6)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first < 4 else (1,)
        values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        return [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with its name.

    Attributes
    ----------
    name : str
    points : sequence of (x, y)

    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over common axes.

    Attributes
    ----------
    title : str
    x, y : Axis
    curves : sequence of Curve
    falling : bool
        Whether the curves fall, so that their names find room in the upper right corner, not in the lower one.

    """

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    falling: bool = False


def as_svg(panels: Sequence[Panel]) -> str:
    """Return panels side by side as an SVG picture.

    Examples
    --------
    >>> panel = Panel("squares", Axis("x", 0, 2), Axis("y", 0, 4), [Curve("x²", [(0, 0), (1, 1), (2, 4)])])
    >>> as_svg([panel]).splitlines()[0]
    '<svg xmlns="http://www.w3.org/2000/svg" width="380" height="260" viewBox="0 0 380 260">'

    """
    width = _WIDTH * len(panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}">',
        PICTURE_MARK,
        f'<rect width="{width}" height="{_HEIGHT}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        lines += [f'<g transform="translate({number * _WIDTH} 0)" {_FONT}>', *_drawn(panel), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


def _drawn(panel: Panel) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    yield _text((_LEFT + right) / 2, _TOP - 12, panel.title, "middle")
    for value in panel.x.ticks():
        x = _LEFT + panel.x.share(value) * (right - _LEFT)
        yield f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#ddd"/>'
        yield _text(x, bottom + 15, f"{value:g}", "middle")
    for value in panel.y.ticks():
        y = bottom - panel.y.share(value) * (bottom - _TOP)
        yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
        yield _text(_LEFT - 5, y + 4, f"{value:g}", "end")
    yield _text((_LEFT + right) / 2, bottom + 34, panel.x.label, "middle")
    middle = (_TOP + bottom) / 2
    yield f'<g transform="rotate(-90 14 {middle:g})">{_text(14, middle, panel.y.label, "middle")}</g>'
    first_y = _TOP + 16 if panel.falling else bottom - 8 - 14 * (len(panel.curves) - 1)
    for number, curve in enumerate(panel.curves):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [
            (_LEFT + panel.x.share(x) * (right - _LEFT), bottom - panel.y.share(y) * (bottom - _TOP))
            for x, y in curve.points
        ]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        yield _text(right - 8, first_y + 14 * number, curve.name, "end", colour)


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
