"""The bar of `gammabox-trainer fit`: epoch, loss, validation loss and the time left; on a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainer.training.fit_progress import FitProgress


@contextmanager
def fit_bar() -> Iterator[Callable[[FitProgress], None]]:
    """Show a bar on stderr while the block runs, and yield the function to call with each step."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[after]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, expand=True) as progress:
        task = progress.add_task("reading the data", total=None, losses="", after="")

        def on_step(step: FitProgress) -> None:
            progress.update(
                task,
                description=f"epoch {step.epoch}/{step.epochs}",
                completed=step.done,
                total=step.total,
                losses=losses_of(step),
                after="" if step.done == step.total else "left",
            )

        yield on_step


def losses_of(step: FitProgress) -> str:
    """Return the losses of a step in words.

    Examples
    --------
    >>> from trainer.training.fit_progress import FitProgress
    >>> losses_of(FitProgress(2, 12, 150, 1200, loss=0.31234, validation_loss=0.2987, best_loss=0.2987))
    'loss 0.3123, validation 0.2987'

    """
    words = [] if step.loss is None else [f"loss {step.loss:.4f}"]
    if step.validation_loss is not None:
        words.append(f"validation {step.validation_loss:.4f}")
    return ", ".join(words)
