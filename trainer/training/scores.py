"""Scores of samples by the network of a run, in whichever process they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.statistics import sigmoid
from trainer.training.run import Run

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from edge.detect.manifest import InputContract
    from trainer.data.dataset import Samples


@dataclass(frozen=True, slots=True)
class RunScores:
    """The best network of a run folder as a function of samples; only the path travels between processes."""

    run: str

    def __call__(self, samples: Samples) -> NDArray[np.float64]:
        """Return the score of each sample, sigmoid(logit 1 − logit 0), shape (n,).

        Raises
        ------
        RunError
            The folder holds no run, or its checkpoint cannot be loaded.

        """
        from trainer.training.batches import as_input, cut_crops  # noqa: PLC0415 - Keras, where scores are asked for

        model, contract = _network(self.run)
        logits = np.asarray(model.predict_on_batch(as_input(cut_crops(samples, contract).pictures, contract)))
        return sigmoid(logits[:, 1] - logits[:, 0])


@lru_cache(maxsize=1)
def _network(run: str) -> tuple[keras.Model, InputContract]:
    opened = Run.open(run)
    return opened.load_model(), opened.manifest.input
