"""XML documents as nested elements, written with a declaration and one element a line."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from edge.text import one_line

if TYPE_CHECKING:
    from datetime import datetime

Content = str | float | None


def child(parent: ET.Element, name: str, content: Content = None, /, **attributes: str) -> ET.Element:
    """Add an element below another and return it. Texts become one line without control signs."""
    element = ET.SubElement(parent, name, attributes)
    if content is not None:
        element.text = one_line(content) if isinstance(content, str) else f"{content:.10g}"
    return element


def document(root: ET.Element) -> str:
    """Return an XML document."""
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def time_of(utc: datetime, zero: str = "Z") -> str:
    """Return a time as XML's dateTime, to the second; `zero` stands for UTC."""
    return f"{utc.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}{zero}"


def duration_of(seconds: float) -> str:
    """Return seconds as XML's duration.

    Examples
    --------
    >>> duration_of(61.5)
    'PT61.500S'

    """
    return f"PT{max(seconds, 0.0):.3f}S"
