"""How far a training is: epoch, steps and losses, for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitProgress:
    """How far a training is.

    Attributes
    ----------
    epoch, epochs : int
        The epoch that is trained, from 1, and their number in all.
    done, total : int
        Batches done, and in all epochs.
    loss : float or None
        Mean training loss of this epoch so far.
    validation_loss : float or None
        Of the last complete epoch; None before the first.
    best_loss : float or None
        The least validation loss so far.

    """

    epoch: int
    epochs: int
    done: int
    total: int
    loss: float | None = None
    validation_loss: float | None = None
    best_loss: float | None = None
