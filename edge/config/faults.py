"""Faults of a settings file in words: what was found, what is expected, and what was probably meant."""

from __future__ import annotations

import re
import unicodedata
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from edge.files import load_json, why
from edge.redaction import HIDDEN, without_login
from edge.text import meant, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

SECRET = re.compile(r"user|login|pass|pwd|secret|token|credential", re.IGNORECASE)
"""Keys whose values are never shown. A password may have been written where the name of its file belongs."""
TRUTH_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "y": "true", "n": "false"}
NAMES = {type(None): "nothing", bool: "the truth value", int: "the number", float: "the number", str: "the text"}

EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "path_type": "a path",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
    "dict_type": "a block of keys",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "union_tag_invalid": "{expected_tags}",
    "union_tag_not_found": "a key {discriminator} that says which kind it is",
}


class Fault(NamedTuple):
    """A fault and its line in the file, counted from 1."""

    line: int
    text: str


def faults_of(
    error: ValidationError, model: type[BaseModel], data: object
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each fault of a model's validation as its place in `data` and one sentence."""
    reported: set[tuple[tuple[str | int, ...], str]] = set()
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"], data, missing=detail["type"] == "missing")
        key = ".".join(without_login(str(part)) for part in place)
        sentence = f"{key}: {_sentence(detail, place, model)}" if key else _sentence(detail, place, model)
        if (place, sentence) not in reported:
            reported.add((place, sentence))
            yield place, sentence


def first_fault(error: ValidationError, model: type[BaseModel], content: str | bytes) -> str:
    """Return the first fault of a JSON text as a sentence.

    Examples
    --------
    >>> class Size(BaseModel):
    ...     width: int
    >>> from pydantic import ValidationError
    >>> try:
    ...     Size.model_validate_json('{"width": "wide"}')
    ... except ValidationError as error:
    ...     first_fault(error, Size, '{"width": "wide"}')
    "width: found the text 'wide', expected a whole number"

    """
    if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
        return "it is no JSON"
    try:
        data = load_json(content)
    except ValueError as unreadable:
        return why(unreadable)
    return next((sentence for _, sentence in faults_of(error, model, data)), "it is damaged")


def _place(loc: tuple[str | int, ...], data: object, *, missing: bool) -> tuple[str | int, ...]:
    """Keep the parts of a location that exist in the data: pydantic adds the names of a union's members."""
    place: list[str | int] = []
    for part in loc:
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and part in range(len(data))):
            data = data[part]  # type: ignore[index]
            place.append(part)
    if missing:
        place.append(loc[-1])
    return tuple(place)


def _sentence(detail: ErrorDetails, place: tuple[str | int, ...], model: type[BaseModel]) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "missing":
        return "is missing, expected " + (_purpose(model, place) or "a value")
    if kind == "extra_forbidden":
        return "unknown key" + _meant_key(model, place)
    if kind in {"value_error", "assertion_error"}:
        return str(context.get("error", detail["msg"]))
    template = EXPECTED.get(kind)
    # The context's numbers and patterns are pydantic's own, the template ours: nothing of the user's is formatted in.
    expected = template.format(**context) if template else detail["msg"]
    secret = bool(place) and SECRET.search(str(place[-1])) is not None
    found = _found(detail["input"], secret=secret)
    hint = "" if secret else _meant_value(detail["input"], kind, expected)
    return f"found {found}, expected {expected}{hint}"


def _found(value: object, *, secret: bool) -> str:
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    name = NAMES.get(type(value), "the value")
    if secret:
        return f"{name} (not shown)"
    shown = str(value).lower() if isinstance(value, bool) else shown_text(value)
    return f"{name} {shown}"


def shown_text(value: object, limit: int = 60) -> str:
    """Return a value as it is shown in a fault: in quotes, in a limited length, and without a login."""
    shown = repr(without_login(value) if isinstance(value, str) else value)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def _meant_value(value: object, kind: str, expected: str) -> str:
    likely = ""
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        likely = f'"{str(value).lower()}", in quotes'
    elif not isinstance(value, str):
        return ""
    elif kind.startswith("bool_"):
        likely = TRUTH_WORDS.get(value.lower(), "")
    elif kind.startswith(("int_", "float_")):
        likely = _as_number(value)
    elif kind in {"literal_error", "union_tag_invalid"}:
        likely = nearest(value, re.findall(r"'([^']*)'", expected))
    elif kind == "string_pattern_mismatch":
        pattern = expected.partition("matches ")[2]
        # Only an id is lower case alone; of a host, an address that holds it may have been written.
        plain = host_in(without_login(value)) if re.search(pattern, "A") else id_like(value)
        likely = plain if plain != value and re.search(pattern, plain) else ""
    return f"; did you mean {likely}?" if likely else ""


_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "æ": "ae", "å": "aa"})


def id_like(text: str) -> str:
    """Return the id nearest to a text, of a-z, 0-9, _ and -; an empty text for an address with a login."""
    if without_login(text) != text:
        return ""
    plain = unicodedata.normalize("NFC", text.lower()).translate(_SPELT_OUT)
    plain = "".join(sign for sign in unicodedata.normalize("NFD", plain) if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-_")[:63]


def host_in(text: str) -> str:
    """Return the host in an address such as mqtt://host:1883/; a bare host is returned as it is."""
    host = re.sub(r"^[a-z+]*://", "", without_login(text.strip())).partition("/")[0].partition(":")[0]
    return host.replace(HIDDEN, "")


def _as_number(text: str) -> str:
    plain = text.replace("_", "").replace(",", ".")
    return f"{float(plain):g}, without quotes" if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", plain) else ""


def _meant_key(model: type[BaseModel], place: tuple[str | int, ...]) -> str:
    key = str(place[-1])
    here = sorted({name for inner in _models_at(model, place[:-1]) for name in _keys(inner)})
    if question := meant(key, here):
        return question
    elsewhere = [path for path in _paths(model) if path.rpartition(".")[2] == key]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    return f"; known here: {', '.join(here)}" if here else ""


def _purpose(model: type[BaseModel], place: tuple[str | int, ...]) -> str:
    for inner in _models_at(model, place[:-1]):
        field = _keys(inner).get(str(place[-1]))
        if field is not None:
            return str(field.description or field.title or "")
    return ""


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models_at(model: type[BaseModel], place: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """Find the models that a place in the data may be read into: several where the type is a union."""
    types: list[Any] = [model]
    for part in place:
        types = [after for before in types for after in _step(before, part)]
    return [found for kind in types for found in _flat(kind) if _is_model(found)]


def _step(kind: object, part: str | int) -> Iterator[object]:
    for member in _flat(kind):
        origin = get_origin(member)
        if _is_model(member) and str(part) in _keys(member):
            yield _keys(member)[str(part)].annotation
        elif origin in {list, tuple, set, frozenset}:
            yield from (argument for argument in get_args(member) if argument is not Ellipsis)
        elif origin is dict:
            yield get_args(member)[1]


def _flat(kind: object) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        for argument in get_args(kind):
            yield from _flat(argument)
    elif origin is Annotated:
        yield from _flat(get_args(kind)[0])
    else:
        yield kind


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _paths(model: type[BaseModel], before: str = "", depth: int = 6) -> Iterator[str]:
    for name, field in _keys(model).items():
        yield before + name
        for member in _flat(field.annotation):
            if depth and _is_model(member):
                yield from _paths(member, f"{before}{name}.", depth - 1)
