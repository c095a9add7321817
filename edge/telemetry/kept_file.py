"""A small file of a box that is written again where the disk did not take it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from edge.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class KeptFile:
    """A file whose latest text the disk takes, at once or later. Errors of the disk never reach the caller.

    Any thread may use it. A failure is logged once, until the disk takes the file again.

    Parameters
    ----------
    path : Path
    problem : str
        What is logged where the file cannot be written, with `%s` for the path and for the reason.

    """

    def __init__(self, path: Path, problem: str) -> None:
        self._path = path
        self._problem = problem
        self._lock = threading.Lock()
        self._text: str | None = None
        self._fails = False

    def put(self, text: str) -> None:
        """Write a text in place of the former one."""
        with self._lock:
            self._text = text
            self._try()

    def write(self) -> None:
        """Write what the disk has not taken so far."""
        with self._lock:
            if self._text is not None:
                self._try()

    def _try(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, f"{self._text}\n")
        except OSError as error:
            if not self._fails:
                log.warning(self._problem, self._path, error.strerror)
            self._fails = True
        else:
            self._text, self._fails = None, False
