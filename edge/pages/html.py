"""HTML as text that knows it is markup, so that everything else is escaped where it is put in."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"br", "circle", "img", "input", "line", "meta", "path", "polyline", "polygon", "rect"})


class Html(str):
    """Markup. A plain str that is put beside it is escaped first."""

    __slots__ = ()


def escaped(content: object) -> Html:
    """Return markup as it is, and anything else as text in which &, <, > and quotes are written as entities.

    Examples
    --------
    >>> escaped("2 < 3"), escaped(Html("<b>bold</b>"))
    ('2 &lt; 3', '<b>bold</b>')

    """
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def element(tag: str, /, *content: object, **attributes: object) -> Html:
    """Return an element with its content and attributes.

    Attributes that are None or False are left out; True stands for an attribute without a value. `class_` is written as
    class, other underscores as hyphens.

    Examples
    --------
    >>> element("a", "R & D", href="#r", class_="near")
    '<a href="#r" class="near">R &amp; D</a>'

    """
    words = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{words}/>" if not content else f"<{tag}{words}>{joined(content)}</{tag}>")
    return Html(f"<{tag}{words}>{joined(content)}</{tag}>")


def joined(content: Iterable[object]) -> Html:
    """Return pieces one after the other, each of them escaped unless it is markup."""
    return Html("".join(map(escaped, content)))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
