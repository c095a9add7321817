"""Parts of a page: facts, tables, figures, galleries, notes and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.pages.charts import drawn
from edge.pages.html import Html, element

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.pages.charts import Chart

Mood = Literal["good", "bad", "unsure", ""]
WIDE, NARROW = 1040, 400


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a gallery.

    Attributes
    ----------
    source : str
        Its address, with the picture in it.
    words : str
        What it shows, for who cannot see it.
    title, caption : str
        Written below it.
    width, height : int
        Of the picture in pixels.

    """

    source: str
    words: str
    title: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table with a mood, which colours it."""

    content: object
    mood: Mood = ""


def prose(*sentences: object) -> Html:
    """Return a paragraph."""
    return element("p", *sentences)


def hint(*sentences: object) -> Html:
    """Return a paragraph in small print."""
    return element("p", *sentences, class_="hint")


def note(*sentences: object) -> Html:
    """Return a paragraph that warns."""
    return element("p", *sentences, class_="note")


def heading(words: str) -> Html:
    """Return a heading within a section."""
    return element("h3", words)


def verdict(words: str, mood: Mood, *more: object) -> Html:
    """Return a verdict, which stands above all sections."""
    return element("section", element("b", words), *map(prose, more), class_=f"verdict {mood}", aria_label="Verdict")


def facts(known: Iterable[tuple[str, object, object]]) -> Html:
    """Return figures in boxes, each of (name, value, words in small print)."""
    boxes = [
        element("div", element("dt", name), element("dd", value, element("small", small) if small else ""))
        for name, value, small in known
    ]
    return element("dl", *boxes, class_="facts")


def table(
    names: Sequence[object], rows: Iterable[Sequence[object]], label: str, *, words: bool = False, weak: bool = False
) -> Html:
    """Return a table that scrolls on a narrow screen; `words` sets all columns flush left, `weak` in soft ink."""
    head = element("tr", *(element("th", name, scope="col") if name else element("td") for name in names))
    lines = [element("tr", *map(_cell, row), class_="weak" if weak else None) for row in rows]
    whole = element(
        "table", element("thead", head), element("tbody", *lines), class_="words" if words else None, aria_label=label
    )
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=label)


def figure(chart: Chart, caption: object = "", *, titled: bool = True) -> Html:
    """Return a chart with its title above and a caption below."""
    below = element("figcaption", caption) if caption else ""
    return element("figure", element("p", chart.title, class_="name") if titled else "", drawn(chart, NARROW), below)


def broad_figure(chart: Chart, caption: object = "", height: int = 250) -> Html:
    """Return a chart as wide as the page, drawn anew for a narrow screen."""
    wide = element("div", drawn(chart, WIDE, height=height), class_="wide")
    narrow = element("div", drawn(chart, NARROW, height=height), class_="narrow")
    below = element("figcaption", caption) if caption else ""
    return element("figure", element("p", chart.title, class_="name"), wide, narrow, below, class_="broad")


def charts(figures: Iterable[Html]) -> Html:
    """Return figures side by side where there is room."""
    return element("div", *figures, class_="charts")


def gallery(shots: Iterable[Shot], *, small: bool = False) -> Html:
    """Return pictures with their captions; they are enlarged without smoothing."""
    entries = [
        element(
            "li",
            element("img", src=shot.source, alt=shot.words, width=shot.width, height=shot.height),
            element("p", element("b", shot.title), " ", shot.caption),
        )
        for shot in shots
    ]
    return element("ul", *entries, class_="gallery small" if small else "gallery")


def meter(share: float) -> Html:
    """Return a bar that is filled to a share, 0..1."""
    width = f"width:{100 * min(max(share, 0.0), 1.0):.0f}%"
    return element("span", element("i", style=width), class_="meter", aria_hidden="true")


def code(text: str, label: str) -> Html:
    """Return text of a program, which scrolls on a narrow screen."""
    return element("pre", text, class_="scroll", tabindex=0, role="region", aria_label=label)


def folded(summary: str, *content: object) -> Html:
    """Return content that is shown on demand."""
    return element("details", element("summary", summary), *content)


def _cell(content: object) -> Html:
    if isinstance(content, Cell):
        return element("td", content.content, class_=content.mood or None)
    return element("td", content)
