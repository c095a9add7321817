"""A progress bar on stderr for long work, shown on a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress_bar(total: int | None, what: str = "crops") -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs and yield the function to call with (done, total); that total may come later."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)

        def on_step(done: int, whole: int) -> None:
            progress.update(task, completed=done, total=whole)

        yield on_step
