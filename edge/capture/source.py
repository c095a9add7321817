"""Opens whatever gives frames: a recording, a folder of pictures, a stream or a camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.capture.base import Damage, Mode, Report, Source
from edge.capture.video import VideoSource

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Damage", "Mode", "Report", "Source", "open_source"]


def open_source(
    spec: str | Path,
    *,
    fps: float | None = None,
    start_utc: datetime | None = None,
    exposure_s: float | None = None,
    gain: float | None = None,
) -> Source:
    """Open a source of frames by its name.

    Parameters
    ----------
    spec : str or Path
        A recording.
    fps : float or None
        Frames a second; None for what the recording declares.
    start_utc : datetime or None
        When a recording began; None to take the file's modification time as its end.
    exposure_s, gain : float or None
        Of a recording: as they were, where known.

    Raises
    ------
    SourceError
        Nothing usable is there; the message says why and what to do.

    """
    return VideoSource(Path(spec), fps=fps, start_utc=start_utc, exposure_s=exposure_s, gain=gain)
