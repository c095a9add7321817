"""A whole page: one HTML file that needs no other, with its style, its sections and what programs read of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from edge import __version__
from edge.errors import OutputError
from edge.files import replace_file, why
from edge.output import PAGE_MARK
from edge.pages.charts import chart_style
from edge.pages.html import Html, element, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PAGE_BYTES = 3_000_000
DATA_ID = "data"
_CHOICES = (("system", "as the system"), ("light", "light"), ("dark", "dark"))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading; without one it stands alone, such as a verdict."""

    heading: str
    content: Sequence[Html]


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it is written.

    Attributes
    ----------
    title : str
    about : str
        A line below the title.
    sections : sequence of Section
    command : str
        The command line that makes the page; it stands at the foot.
    data : mapping or None
        What programs may want of the page: JSON in a script element with the id "data".

    """

    title: str
    about: str
    sections: Sequence[Section]
    command: str = ""
    data: object = None


@cache
def _style() -> str:
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def as_html(page: Page) -> str:
    """Return the text of a page.

    Examples
    --------
    >>> text = as_html(Page("Hits & alarms", "hall.avi", [Section("Rate", [Html("<p>3 hits</p>")])]))
    >>> "<title>Hits &amp; alarms</title>" in text, text.count("<section")
    (True, 1)

    """
    parts = [_section(section, number) for number, section in enumerate(page.sections)]
    command = [element("p", "Made by ", element("code", page.command, class_="command"))] if page.command else []
    body = joined(
        [
            element(
                "header",
                element("div", element("h1", page.title), element("p", page.about) if page.about else ""),
                _choice_of_style(),
                class_="head",
            ),
            element("main", *parts, element("footer", *command, element("p", f"Gammabox {__version__}"))),
            _data(page.data) if page.data is not None else "",
        ]
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n{PAGE_MARK}\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{element("title", page.title)}\n'
        f"<style>\n{_style()}{chart_style()}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def write_page(page: Page, path: Path) -> None:
    """Write a page in one step.

    Raises
    ------
    OutputError
        It cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, as_html(page))
    except OSError as error:
        raise OutputError(path, f"cannot be written ({why(error)})", "name another file") from error


def data_of(text: str) -> object:
    """Return what programs may want of a page, from its text.

    Raises
    ------
    ValueError
        The text is no page with data.

    Examples
    --------
    >>> data_of(as_html(Page("Hits", "", [], data={"hits": 3})))
    {'hits': 3}

    """
    _, begun, rest = text.partition(f'<script type="application/json" id="{DATA_ID}">')
    if not begun:
        raise ValueError("the page holds no data")
    return json.loads(rest.partition("</script>")[0])


def _section(section: Section, number: int) -> Html:
    if not section.heading:
        return joined(section.content)
    name = f"section-{number}"
    heading = element("h2", section.heading, id=name)
    return element("section", heading, *section.content, aria_labelledby=name)


def _choice_of_style() -> Html:
    """Return the choice between the light and the dark style. The style sheet follows it, without a script."""
    choices = [
        element(
            "label",
            element("input", type="radio", name="style", id=f"style-{name}", checked=name == "system"),
            words,
        )
        for name, words in _CHOICES
    ]
    return element("fieldset", element("legend", "Style"), *choices, class_="style")


def _data(data: object) -> Html:
    # What begins a tag in the text of a script would end it.
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="{DATA_ID}">{text}</script>')
