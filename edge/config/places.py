"""Files that the agent writes are apart from those that something else needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.config.device import DeviceSettings


def with_places_apart(path: Path, settings: DeviceSettings) -> DeviceSettings:
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


def _shared_places(path: Path, settings: DeviceSettings) -> Iterator[str]:
    """Yield a fault for each file that the agent would write over one that something else needs."""
    tls = settings.mqtt.tls
    places: dict[str, Path | str | None] = {
        "the settings": path,
        "source.spec": settings.source.spec,
        "mqtt.password_file": settings.mqtt.password_file,
        "mqtt.tls.ca_file": None if tls is None else tls.ca_file,
        "mqtt.tls.cert_file": None if tls is None else tls.cert_file,
        "mqtt.tls.key_file": None if tls is None else tls.key_file,
    }
    for name, written in (
        ("outbox.path", settings.outbox.path),
        ("calibration", settings.calibration),
        ("state_file", settings.state_file),
    ):
        for other, place in places.items():
            if place is not None and os.path.abspath(place) == os.path.abspath(written or ""):  # noqa: PTH100
                yield f"{name}: names the same file as {other}, expected one of its own"
        places[name] = written
