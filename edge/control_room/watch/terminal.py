"""The driver that draws the view on stdout."""

from __future__ import annotations

import sys
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class StdoutDriver(LinuxDriver):
    """Draws on stdout, where Textual itself draws on stderr: what libraries print there goes nowhere in a command."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of Textual, passed on
        super().__init__(*arguments, **options)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__
