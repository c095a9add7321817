"""The site file on disk: it is read with all its faults at once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from edge.arguments import as_path, takes
from edge.config.faults import Fault, shown_text
from edge.config.strict import StrictModel
from edge.config.yaml_file import check, read, settings_error
from firmware_config.device import settings_faults
from firmware_config.site import Box, Broker, Site
from firmware_config.site_checks import faults_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edge.config.yaml_file import Document

Part = TypeVar("Part", bound=StrictModel)
# People write comments with a blank after the sign, and numbers without one.
_SWALLOWED = re.compile(r"""[\s-]*position:\s+[^\s"'#|>][^#]*\s(#\S.*)""")
MAX_BYTES = 16 << 20
"""A thousand boxes take some 250 kB; more than this is no site file."""


@takes(path=as_path)
def load_site(path: Path) -> Site:
    """Read a site file.

    Raises
    ------
    SettingsError
        The file has faults. The message names all of them, each as `file:line: key: what was found, what is expected`.

    """
    document, faults = read(path, MAX_BYTES)
    site, of_model = check(document, Site)
    between = [(document.line(place), ".".join(map(str, place)), text) for place, text in faults_between(document.data)]
    # What is said of a value here says more than that it is of a wrong type or range.
    explained = {(line, key) for line, key, _ in between}
    faults += [fault for fault in of_model if (fault.line, fault.text.partition(": ")[0]) not in explained]
    faults += [Fault(line, f"{key}: {text}") for line, key, text in between]
    faults += _box_faults(document)
    if site is None or faults:
        raise settings_error(path, faults)
    return site


def swallowed_text(path: Path) -> list[str]:
    """Return warnings of positions in a site file that end at a #, which begins a comment where nothing quotes it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"line {number}: position ends before {shown_text(found[1])}, a comment to YAML; put the text in quotes"
        for number, line in enumerate(lines, 1)
        if (found := _SWALLOWED.fullmatch(line))
    ]


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
