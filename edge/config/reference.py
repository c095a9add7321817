"""The reference of device.yaml, derived from its definition: a page for readers and a JSON Schema for editors."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from edge.config.device import DeviceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

LINE = 120
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def as_schema() -> str:
    """Return the JSON Schema of device.yaml."""
    return json.dumps(DeviceSettings.model_json_schema(), indent=2)


def as_markdown() -> str:
    """Return the page docs/settings.md: one list for each block of settings."""
    lines = [
        "# Settings of a box: device.yaml",
        "",
        "`gammabox-edge settings` prints this page from the definition in `edge/config/device.py`. Unknown keys are",
        "refused. Relative paths start at the folder of the file. Only `true` and `false` are truth values, and text",
        "is never read as a number. Four keys are enough: `site`, `device`, `source.spec`, `mqtt.host`.",
    ]
    for name, model in _blocks("", DeviceSettings):
        lines += ["", f"## {name}" if name else "## top level", "", *_entries(model)]
    return "\n".join(lines)


def _blocks(name: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield name, model
    for key, field in model.model_fields.items():
        for inner in _models(field.annotation):
            yield from _blocks(f"{name}.{key}" if name else key, inner)


def _entries(model: type[BaseModel]) -> Iterator[str]:
    """Yield the lines of a list with the meaning, the bounds and the default of each setting."""
    for key, field in model.model_fields.items():
        if field.is_required():
            default = "required"
        elif isinstance(field.default, BaseModel):
            default = "see below"
        else:
            default = f"default `{_plain(field.default)}`"
        facts = ", ".join([*_bounds(field), default])
        yield from wrap(
            f"- `{key}`: {field.description} ({facts})", LINE, subsequent_indent="  ", break_long_words=False
        )


def _bounds(field: FieldInfo) -> Iterator[str]:
    for part in field.metadata:
        for name, words in BOUNDS.items():
            if getattr(part, name, None) is not None:
                yield f"{words} {getattr(part, name):g}"
    choices = get_args(field.annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        yield " or ".join(f"`{choice}`" for choice in choices)


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - an annotation may be anything
    parts = [annotation, *get_args(annotation)]
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def _plain(value: object) -> str:
    return json.dumps(value) if isinstance(value, (bool, int, float, tuple, type(None))) else str(value)
