"""The workstation: the simulated camera, the datasets, the networks and their honest figures.

Nothing heavy is imported before it is used: `import trainer` loads neither OpenCV nor TensorFlow.

Examples
--------
>>> import trainer
>>> settings = trainer.FitSettings(epochs=3, batch_size=16)
>>> settings.learning_rate, settings.patience
(0.001, 6)

"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.lazy import face

if TYPE_CHECKING:
    from trainer.data.dataset import Dataset
    from trainer.filming.film import FilmSummary
    from trainer.library import film, fit
    from trainer.sensor.camera import Camera
    from trainer.training.fit_progress import FitProgress
    from trainer.training.run import FitSettings, Run

__all__ = ["Camera", "Dataset", "FilmSummary", "FitProgress", "FitSettings", "Run", "film", "fit"]

if not TYPE_CHECKING:  # a type checker would take any name for an attribute
    __getattr__, __dir__ = face(
        __name__,
        {
            "Camera": "trainer.sensor.camera",
            "Dataset": "trainer.data.dataset",
            "FilmSummary": "trainer.filming.film",
            "FitProgress": "trainer.training.fit_progress",
            "FitSettings": "trainer.training.run",
            "Run": "trainer.training.run",
            "film": "trainer.library",
            "fit": "trainer.library",
        },
    )
