"""Callbacks of a training: checkpoints and log in the run folder, early stopping, events for TensorBoard."""

from __future__ import annotations

import importlib.util
import json
import time
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from trainer.training.fit_progress import FitProgress
from trainer.training.networks import build
from trainer.training.run import BEST_FILE, LAST_FILE, LOG_FILE, read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.training.batches import TrainingBatches
    from trainer.training.run import Run

Logs = dict[str, Any]
BOARD_FOLDER = "tensorboard"
"""In a run folder: events for `tensorboard --logdir`."""


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes log and checkpoints, stops when the loss falls no more, and seeds the dropout of each epoch.

    The files are written in the order best.keras, log.jsonl, last.keras. After a kill in between, the epoch is trained
    again with the same outcome.
    """

    def __init__(self, run: Run, batches: TrainingBatches, progress: Callable[[FitProgress], None] | None) -> None:
        super().__init__()
        self._run = run
        self._batches = batches
        self._progress = progress
        self._settings = run.manifest.fit
        self._losses = [float(line["val_loss"]) for line in read_log(run.path)]
        self._began_s = 0.0

    @property
    def exhausted(self) -> bool:
        """Whether the validation loss has not fallen below its minimum for `patience` epochs."""
        if not self._losses:
            return False
        return len(self._losses) - 1 - int(np.argmin(self._losses)) >= self._settings.patience

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Choose the batches of the epoch and seed its dropout."""
        self._batches.epoch = epoch
        self._began_s = time.monotonic()
        for place, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                layer.seed_generator.state.assign([self._run.manifest.seed * 100_003 + epoch, place])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Report how many batches are done."""
        if self._progress is not None:
            loss = (logs or {}).get("loss")
            self._report(self._batches.epoch, batch + 1, None if loss is None else float(loss))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write best.keras if this epoch is the best, then a line of log.jsonl, then last.keras."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        better = not self._losses or measured["val_loss"] < min(self._losses)
        self._losses.append(measured["val_loss"])
        if better:
            save_model(self._plain_copy(), self._run.path / BEST_FILE)
        line = {
            "epoch": epoch,
            "steps": (epoch + 1) * len(self._batches),
            "seconds": round(time.monotonic() - self._began_s, 2),
            "best": better,
            **{name: round(value, 6) for name, value in measured.items()},
        }
        with (self._run.path / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        save_model(self.model, self._run.path / LAST_FILE)
        self._report(epoch, len(self._batches), measured["loss"])
        if self.exhausted:
            self.model.stop_training = True

    def _report(self, epoch: int, batches: int, loss: float | None) -> None:
        if self._progress is None:
            return
        epochs, steps = self._settings.epochs, len(self._batches)
        self._progress(
            FitProgress(
                epoch=epoch + 1,
                epochs=epochs,
                done=epoch * steps + batches,
                total=epochs * steps,
                loss=loss,
                validation_loss=self._losses[-1] if self._losses else None,
                best_loss=min(self._losses, default=None),
            )
        )

    def _plain_copy(self) -> keras.Model:
        """Return the model in float32 without the state of its optimizer, which is two thirds of the size."""
        policy = keras.mixed_precision.dtype_policy()
        keras.mixed_precision.set_dtype_policy("float32")
        try:
            manifest = self._run.manifest
            plain = build(manifest.network.name, manifest.input, manifest.network.options, manifest.seed)
        finally:
            keras.mixed_precision.set_dtype_policy(policy)
        plain.set_weights(self.model.get_weights())
        return plain


def board_callbacks(run: Run) -> list[keras.callbacks.Callback]:
    """Return the writer of loss and accuracy for TensorBoard; none where TensorBoard is not installed."""
    if not board_is_installed():
        return []
    return [keras.callbacks.TensorBoard(run.path / BOARD_FOLDER, write_graph=False, profile_batch=0)]


def board_is_installed() -> bool:
    """Return whether events for TensorBoard can be written; on every backend this takes TensorFlow, too."""
    return all(importlib.util.find_spec(name) is not None for name in ("tensorflow", "tensorboard"))


def save_model(model: keras.Model, place: Path) -> None:
    """Replace a checkpoint in one step."""
    part = place.with_name(f"part.{place.name}")
    with warnings.catch_warnings():
        # Keras 3.15 hands TensorFlow's variables to NumPy 2 in a way that NumPy announces to drop.
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        model.save(part)
    part.replace(place)
