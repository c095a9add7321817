"""Fills the templates of this package."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def filled(template: str, **values: object) -> str:
    """Return a template of the package, filled with values. A value that is missing is an error."""
    return _environment().get_template(f"{template}.j2").render(**values)


@cache
def _environment() -> Environment:
    # Configuration files, not web pages: HTML escapes would break them. The site model has checked what goes in.
    return Environment(  # noqa: S701
        loader=PackageLoader("firmware_config"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
