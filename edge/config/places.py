"""Places in the settings: addresses of streams are sound, and files that the agent writes are apart from others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator

from edge.config.strict import StrictModel
from edge.errors import SettingsError
from edge.redaction import fault_of_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def checked_address(value: str) -> str:
    """Return the name of a source. Raise ValueError where it is an address that no stream can have."""
    fault = fault_of_address(value)
    if fault is not None:
        raise ValueError(fault)
    return value


Address = Annotated[str, AfterValidator(checked_address)]
Settings = TypeVar("Settings", bound=StrictModel)

READ = (
    *("source.spec", "source.ca_file"),
    *("mqtt.password_file", "mqtt.tls.ca_file", "mqtt.tls.cert_file", "mqtt.tls.key_file"),
)
WRITTEN = ("outbox.path", "calibration", "state_file")


def with_places_apart(path: Path, settings: Settings) -> Settings:
    """Return settings whose files of output are all apart from each other and from what is read.

    Raises
    ------
    SettingsError
        The agent would write over a file that something else needs.

    """
    faults = list(_shared_places(path, settings))
    if faults:
        raise SettingsError(path, [f"{path}: {fault}" for fault in faults])
    return settings


def _shared_places(path: Path, settings: StrictModel) -> Iterator[str]:
    known = {os.path.abspath(path): "the settings"}  # noqa: PTH100 - links are not followed
    for name in (*READ, *WRITTEN):
        value: object = settings
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is None:
            continue
        place = os.path.abspath(str(value))  # noqa: PTH100
        if name in WRITTEN and place in known:
            yield f"{name}: names the same file as {known[place]}, expected one of its own"
        known.setdefault(place, name)
