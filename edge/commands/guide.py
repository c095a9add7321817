"""A guide through the steps of a command: sentences, questions and progress on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress

from edge.errors import GammaboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table


class Guide:
    """Leads a person through the steps.

    Parameters
    ----------
    ask : bool
        False where nothing is asked.

    Raises
    ------
    GammaboxError
        There is no terminal to ask on.

    """

    def __init__(self, *, ask: bool) -> None:
        self._console = Console(stderr=True)
        self._ask = ask
        if ask and not can_ask():
            raise GammaboxError("there is no terminal to ask on; see --yes in --help")

    def tell(self, sentence: str) -> None:
        """Print a sentence."""
        self._console.print(sentence, highlight=False)

    def show(self, table: Table) -> None:
        """Print a table."""
        self._console.print(table)

    def wait(self, what: str) -> None:
        """Wait for Enter, unless nothing is asked."""
        if self._ask:
            typer.prompt(what, default="", show_default=False, err=True)

    def confirms(self, question: str, *, unasked: bool) -> bool:
        """Ask a question and return whether the answer is yes; `unasked` where nothing is asked."""
        return typer.confirm(question, err=True) if self._ask else unasked

    @contextmanager
    def progress(self, part: str, seconds: float) -> Iterator[Callable[[float], None]]:
        """Show the seconds of a part on a terminal."""
        if not self._console.is_terminal:
            yield lambda _: None
            return
        with Progress(console=self._console, transient=True) as bar:
            task = bar.add_task(part, total=seconds)
            yield lambda done_s: bar.update(task, completed=done_s)


def can_ask() -> bool:
    """Whether there is a terminal to ask on."""
    return sys.stdin.isatty()
