"""The public face of a package: names that are imported from their modules at first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def face(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package (PEP 562).

    Parameters
    ----------
    package : str
        Name of the package.
    places : mapping of str to str
        For each public name the module that defines it.

    Examples
    --------
    >>> getattr_, dir_ = face("edge", {"wilson_interval": "edge.statistics"})
    >>> getattr_("wilson_interval")(5, 5)[1]
    1.0
    >>> getattr_("wilson")
    Traceback (most recent call last):
    AttributeError: module 'edge' has no attribute 'wilson'

    """

    def attribute(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *places})

    return attribute, names
