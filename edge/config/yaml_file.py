"""The strict YAML of settings and site files: a file becomes a model, or a list of all its faults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from edge.arguments import as_path, takes
from edge.config.faults import Fault, faults_of, shown_text
from edge.config.yaml_words import OPENING, syntax_faults
from edge.errors import SettingsError
from edge.redaction import without_login

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ruamel.yaml.events import Event

    from edge.config.strict import StrictModel

Model = TypeVar("Model", bound="StrictModel")
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Place: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 24

# Numbers as JSON writes them, with an optional plus sign. Whatever YAML 1.1 made of 017, 0x1F, 1_000, 12:30 or `no`
# stays text here: an id keeps its leading zeros, and a setting that wants a number says so.
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
REAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,2})?")
WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the line of each value.

    Attributes
    ----------
    path : Path
        Path of the file, as the user wrote it.
    data : dict
        The top level mapping.
    lines : dict of place to int
        Line of each place, from 1. A place is a path such as `("boxes", 2, "id")`; the empty one stands for the file.

    """

    path: Path
    data: dict[str, Value]
    lines: dict[Place, int] = field(repr=False)

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest place around it that stands in the file."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


@takes(path=as_path)
def load(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model.

    Types are strict: text never becomes a number, a number never text, and only `true` and `false` are truth values.

    Raises
    ------
    SettingsError
        The file has faults. The message names all of them, each as `file:line: key: what was found, what is expected,
        what was probably meant`.

    """
    document, faults = read(path)
    loaded, found = check(document, model)
    faults += found
    if loaded is None or faults:
        raise settings_error(path, faults)
    return loaded


def check(document: Document, model: type[Model]) -> tuple[Model | None, list[Fault]]:
    """Return the model of a document and its faults; the model is None where there are any.

    Callers that check more than one model collect the faults of all their checks.
    """
    try:
        return model.model_validate_json(json.dumps(document.data), strict=True), []
    except ValidationError as error:
        return None, [Fault(document.line(place), text) for place, text in faults_of(error, model, document.data)]


def settings_error(path: Path, faults: list[Fault]) -> SettingsError:
    """Return an error with the faults in the order of the file."""
    return SettingsError(path, [f"{path}:{fault.line}: {fault.text}" for fault in sorted(faults)])


@takes(path=as_path)
def read(path: Path, max_bytes: int = MAX_BYTES) -> tuple[Document, list[Fault]]:
    """Read a YAML file into plain data and a list of the faults that leave the rest readable, such as duplicate keys.

    A file of more than `max_bytes` is refused.

    Raises
    ------
    SettingsError
        The file cannot be read at all: it is missing, no UTF-8, no YAML or no mapping.

    """
    text = _read_text(path, max_bytes)
    try:
        return _Builder(path, YAML(typ="safe", pure=True).parse(text)).document()
    except MarkedYAMLError as error:
        raise settings_error(path, syntax_faults(text, error)) from error
    except (YAMLError, ValueError, OverflowError) as error:
        # The reader refuses control characters with a position in the text; \U escapes out of range raise the others.
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        reason = "a sign that no text may hold, such as an invisible control character; write this line anew"
        raise settings_error(path, [Fault(line, OPENING + reason)]) from error


def _read_text(path: Path, max_bytes: int) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise SettingsError(path, [f"{path}: no such file; check the name"]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(path, [f"{path}: cannot be read ({reason}); name a readable YAML file"]) from error
    if len(content) > max_bytes:
        raise SettingsError(path, [f"{path}: more than {max_bytes} bytes; this is no settings file"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = content[error.start]
        raise SettingsError(path, [f"{path}:{line}: byte 0x{found:02x} is not UTF-8; save the file as UTF-8"]) from None
    if not text.strip():
        raise SettingsError(path, [f"{path}: the file is empty; write at least the settings without a default"])
    return text


class _Builder:
    """Builds plain data from the parser's events, so that no tag, alias or merge key ever acts."""

    def __init__(self, path: Path, events: Iterator[Event]) -> None:
        self._path = path
        self._events = events
        self._faults: list[Fault] = []
        self._lines: dict[Place, int] = {(): 1}

    def document(self) -> tuple[Document, list[Fault]]:
        documents = 0
        data: Value = None
        line = 1
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(event, "a second document (---), expected one a file")
                    raise settings_error(self._path, self._faults)
            elif isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)):
                line = _line(event)
                data = self._value(event, ())
        if not isinstance(data, dict):
            found = "nothing" if data is None else "a list" if isinstance(data, list) else shown_text(data)
            fault = Fault(line, f"found {found}, expected settings written as `key: value`")
            raise settings_error(self._path, [*self._faults, fault])
        return Document(self._path, data, self._lines), self._faults

    def _value(self, event: Event, place: Place) -> Value:
        if len(place) > MAX_DEPTH:
            self._fault(event, f"nested deeper than {MAX_DEPTH} levels")
            raise settings_error(self._path, self._faults)
        self._lines.setdefault(place, _line(event))
        if isinstance(event, AliasEvent):
            self._fault(event, "an alias (*…), expected the value itself; put quotes around text that begins with *")
            return None
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        self._refuse_tag(event)
        return self._mapping(place) if isinstance(event, MappingStartEvent) else self._sequence(place)

    def _mapping(self, place: Place) -> dict[str, Value]:
        mapping: dict[str, Value] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                self._fault(event, "a key that is no single word")
                self._value(event, (*place, "?"))
                self._value(next(self._events), (*place, "?"))
                continue
            key = self._text(event)
            inner = (*place, key)
            if key in mapping:
                name = ".".join(without_login(str(part)) for part in inner)
                self._fault(event, f"{name}: given twice, first on line {self._lines[inner]}; keep one")
                self._value(next(self._events), inner)
                continue
            self._lines[inner] = _line(event)
            mapping[key] = self._value(next(self._events), inner)
        return mapping

    def _sequence(self, place: Place) -> list[Value]:
        sequence: list[Value] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            sequence.append(self._value(event, (*place, len(sequence))))
        return sequence

    def _refuse_tag(self, event: Event) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._fault(event, "a tag (!…), expected a plain value; put quotes around text that begins with !")

    def _scalar(self, event: ScalarEvent) -> Value:
        self._refuse_tag(event)
        text = self._text(event)
        if event.style is not None or event.tag is not None:
            return text
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            return int(text)
        if REAL.fullmatch(text):
            return float(text)
        return text

    def _text(self, event: ScalarEvent) -> str:
        text: str = event.value
        try:
            text.encode()
        except UnicodeEncodeError:
            self._fault(event, "half of a surrogate pair, expected characters that UTF-8 can hold")
            return ""
        return text

    def _fault(self, event: Event, text: str) -> None:
        self._faults.append(Fault(_line(event), text))


def _line(event: Event) -> int:
    line: int = event.start_mark.line
    return line + 1
