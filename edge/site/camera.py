"""Opens the camera of a box as its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.capture.source import open_source

if TYPE_CHECKING:
    from edge.capture.base import Source
    from edge.config.device import SourceSettings


def open_camera(settings: SourceSettings, **changes: object) -> Source:
    """Open the source of the settings, with some of them changed. A recording is read as fast as possible.

    Raises
    ------
    SourceError
        The source cannot be used.

    """
    source = settings.model_copy(update=changes)
    size = None if source.width is None or source.height is None else (source.width, source.height)
    return open_source(
        source.spec,
        fps=source.fps,
        size=size,
        exposure_s=source.exposure_s,
        gain=source.gain,
        white_balance=source.white_balance,
        ca_file=source.ca_file,
    )


def is_camera(settings: SourceSettings) -> bool:
    """Whether exposure and gain of the source can be set."""
    return settings.spec.startswith(("/dev/", "csi:"))
