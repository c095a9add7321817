"""Option groups: dataclasses whose fields become options of a command, under a heading of their own in --help."""

from __future__ import annotations

import functools
import inspect
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import Field


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with each parameter that is an option group replaced by the fields of the group.

    An option group is a dataclass whose fields are annotated like options of typer. Its class attribute `panel`, where
    it has one, is the heading of its options in --help. The command gets an instance filled from the command line.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Size:
    ...     panel = "Size"
    ...     width: Annotated[int, typer.Option(min=1)] = 640
    ...     height: Annotated[int, typer.Option(min=1)] = 480
    >>> @with_option_groups
    ... def show(name: str, size: Size) -> None:
    ...     print(name, size.width, size.height)
    >>> list(inspect.signature(show).parameters)
    ['name', 'width', 'height']
    >>> show(name="hall", width=1920, height=480)
    hall 1920 480

    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type[Any]] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if name in groups:
            parameters += _parameters_of(groups[name])
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def expanded(**values: Any) -> None:  # noqa: ANN401 - whatever the options are
        filled = {name: _filled(group, values) for name, group in groups.items()}
        command(**values, **filled)

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def _filled(group: type[Any], values: dict[str, Any]) -> object:
    """Move the fields of a group out of `values` into an instance of it."""
    return group(**{field.name: values.pop(field.name) for field in fields(group)})


def _parameters_of(group: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=_under_panel(hints[field.name], getattr(group, "panel", None)),
        )


def _default(field: Field[Any]) -> Any:  # noqa: ANN401 - the field's type
    if field.default is not MISSING:
        return field.default
    return inspect.Parameter.empty if field.default_factory is MISSING else field.default_factory()


def _under_panel(hint: Any, panel: str | None) -> Any:  # noqa: ANN401 - an annotation
    """Return the annotation with the heading set in its option, where it names none itself."""
    if panel is None or get_origin(hint) is not Annotated:
        return hint
    kind, *extras = get_args(hint)
    for place, extra in enumerate(extras):
        if isinstance(extra, typer.models.ParameterInfo) and extra.rich_help_panel is None:
            extras[place] = copy(extra)
            extras[place].rich_help_panel = panel
    annotated = (kind, *extras)
    return Annotated[annotated]
