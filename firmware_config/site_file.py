"""The site file on disk: it is read with all its faults at once, and an example of it is written to start from."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from edge.arguments import as_path, takes
from edge.config.faults import Fault, shown_text
from edge.config.strict import StrictModel
from edge.config.yaml_file import check, read, settings_error
from firmware_config.device import settings_faults
from firmware_config.errors import OutputError
from firmware_config.site import Box, Broker, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edge.config.yaml_file import Document

Part = TypeVar("Part", bound=StrictModel)


def example_text() -> str:
    """Return the commented example of a site file that ships with the package; it is valid as it is."""
    return (files("firmware_config") / "templates" / "site.yaml").read_text(encoding="utf-8")


@takes(path=as_path)
def write_example(path: Path, *, force: bool = False) -> None:
    """Write the example of a site file.

    Raises
    ------
    OutputError
        The file exists and `force` is not given, or it cannot be written.

    """
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(example_text())
    except FileExistsError:
        raise OutputError(path, "is there already", "choose another name, or --force to overwrite it") from None
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror})", "check the folder and its rights") from error


@takes(path=as_path)
def load_site(path: Path) -> Site:
    """Read a site file.

    Raises
    ------
    SettingsError
        The file has faults. The message names all of them, each as `file:line: key: what was found, what is expected`.

    """
    document, faults = read(path)
    site, of_model = check(document, Site)
    faults += of_model
    faults += _box_faults(document)
    if site is None or faults:
        raise settings_error(path, faults)
    return site


def _box_faults(document: Document) -> list[Fault]:
    """Return the faults between boxes and between a box and the agent, in those parts of the file that are sound."""
    boxes = document.data.get("boxes")
    faults: list[Fault] = []
    first_lines: dict[str, int] = {}
    for index, data in enumerate(boxes if isinstance(boxes, list) else []):
        if not isinstance(data, dict):
            continue
        device = data.get("device")
        if isinstance(device, str):
            line = document.line(("boxes", index, "device"))
            if device in first_lines:
                text = (
                    f"boxes.{index}.device: the id {shown_text(device)} is taken, first on line {first_lines[device]}"
                )
                faults.append(Fault(line, f"{text}; each box needs its own"))
            first_lines.setdefault(device, line)
        faults += _settings_faults(document, index, data)
    return faults


def _settings_faults(document: Document, index: int, data: Mapping[str, object]) -> Iterator[Fault]:
    # Where other keys of the box are wrong, a stand-in for them lets the faults of `settings` be reported, too.
    stand_in = {"device": "box", "board": "rpi4", "camera": "csi", "settings": data.get("settings", {})}
    box = _sound(Box, data) or _sound(Box, stand_in)
    broker = _sound(Broker, document.data.get("broker")) or Broker(host="broker")
    if box is None:
        return
    for place, sentence in settings_faults("site", broker, box):
        line = document.line(("boxes", index, "settings", *place))
        yield Fault(line, f"boxes.{index}.settings.{sentence}")


def _sound(model: type[Part], data: object) -> Part | None:
    try:
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError:
        return None
