"""Training of the stages, each a run folder that goes on where it was interrupted."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from zlib import crc32

import keras

from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from trainer.training.batches import Crops
from trainer.training.fit import policies, train_run
from trainer.training.resume import open_or_begin, source_with_digest
from trainer.training.run import DataUsed, FitSettings, NetworkChoice, Run, RunManifest, program_commit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.paper.fused import Pictures, Pools
    from trainer.paper.sizes import Size, Stage
    from trainer.training.fit_progress import FitProgress

RUNS = "networks"
PAPER_THRESHOLD = 0.5
LINE_EVERY_S = 60.0


@dataclass(slots=True)
class Reporter:
    """Says how far a training is: a line a minute, and at the end of it, with the time that is left.

    Attributes
    ----------
    stage : Stage
    batch_size : int
    write : function of a line

    """

    stage: Stage
    batch_size: int
    write: Callable[[str], object] = field(default=lambda line: print(line, file=sys.stderr, flush=True))
    _first: tuple[int, float] | None = None
    _told_s: float = 0.0

    def __call__(self, progress: FitProgress) -> None:
        """Take note of how far the training is."""
        done, whole, now = progress.done, progress.total, time.monotonic()
        if self._first is None:
            self._first, self._told_s = (done, now), now
        if now - self._told_s < LINE_EVERY_S and done < whole:
            return
        self._told_s = now
        steps, seconds = done - self._first[0], now - self._first[1]
        speed = steps * self.batch_size / seconds if seconds > 0 else 0.0
        left = f", {speed:.0f}/s, {minutes((whole - done) * self.batch_size / speed)} left" if speed else ""
        samples = f"{done * self.batch_size:,} of {whole * self.batch_size:,} samples"
        self.write(f"{self.stage.network} at {self.stage.crop_size} px: {samples}{left}")


def minutes(seconds: float) -> str:
    """Return a time in words: minutes, or hours and minutes."""
    whole = max(round(seconds / 60), 0)
    return f"{whole} min" if whole < 90 else f"{whole // 60} h {whole % 60} min"


def is_trained(folder: Path, stage: Stage) -> bool:
    """Return whether a stage has had all its epochs."""
    place = folder / RUNS / stage.name
    return (place / "last.keras").exists() and len(Run.open(place).log()) >= stage.epochs


def train_stage(
    folder: Path,
    stage: Stage,
    pools: Pools,
    size: Size,
    *,
    seed: int,
    devices: int = 1,
    command: str = "",
    progress: Callable[[FitProgress], None] | None = None,
) -> Run:
    """Train a stage in its run folder, or go on with it, and return the run with the paper's threshold.

    Raises
    ------
    RunError
        The folder holds another training, or the devices cannot share the batches.

    """
    place = folder / RUNS / stage.name
    source = None if stage.starts_from is None else source_with_digest(str(folder / RUNS / stage.starts_from), place)
    contract = InputContract(crop_size=stage.crop_size, planes=stage.planes, dtype="float32")
    settings = FitSettings(
        epochs=stage.epochs,
        steps_per_epoch=max(stage.samples // stage.epochs // size.batch_size, 1),
        batch_size=size.batch_size,
        learning_rate=stage.learning_rate,
        patience=stage.epochs,
        augment=False,  # the pairs are turned and mirrored where they are fused
        start_from=source,
        devices=devices,
        precision=size.precision,
    )
    with policies(place, settings):
        pictures: Pictures = "bgr" if stage.planes == "rgb" else "greys"
        # Other pairs in each stage: a network that met the same ones again would know their labels by heart.
        pairs_seed = crc32(f"{seed} {stage.name}".encode())
        train = pools.crops("train", size.fused, pairs_seed, pictures, darkness=stage.darkness)
        lazy = pools.crops("validation", size.validation, seed, pictures, darkness=stage.darkness)
        validation = Crops(lazy.pictures[:], lazy.label, lazy.strata)
        manifest = RunManifest(
            network=NetworkChoice(name=stage.network, options=stage.options),
            input=contract,
            seed=pairs_seed,
            fit=settings,
            data=_data_used(pools, train, validation),
            commit=program_commit(),
            created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=command,
            backend=f"keras {keras.__version__} on {keras.backend.backend()}",
            decision=Decision(threshold=PAPER_THRESHOLD),
        )
        run = open_or_begin(place, manifest)
        train_run(run, train, validation, progress)
    return run


def _data_used(pools: Pools, train: Crops, validation: Crops) -> DataUsed:
    datasets = (pools.noise, pools.scenes, pools.radiation)
    return DataUsed(
        paths=tuple(dataset.path.name for dataset in datasets),
        sha256=tuple(dataset.sha256 for dataset in datasets),
        train=len(train),
        train_positives=int(train.label.sum()),
        validation=len(validation),
    )
