"""A dataset in a second for trying the tools: noise, gradients and bright spots, no physics; not for real models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.data.dataset import Dataset, DatasetIndex, Samples
from trainer.data.writer import DatasetWriter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

    from trainer.scenes.splits import Split

DEFAULT_SPLITS: tuple[tuple[Split, int], ...] = (("train", 96), ("validation", 32), ("test", 32))


def synthetic_samples(rng: Generator, count: int, crop_size: int = 64, split: Split = "train") -> Samples:
    """Make crops in which label 1 has a coloured spot in the middle frame and label 0 a moved edge or one bright pixel.

    Every second sample is positive; a network should tell them apart nearly without error.
    """
    greys = np.empty((count, crop_size, crop_size, 3), np.uint8)
    bgr = np.empty_like(greys)
    spot = np.empty((count, 2), np.int16)
    label = (np.arange(count) % 2).astype(np.uint8)
    strata = []
    for i in range(count):
        level = float(rng.uniform(30, 160))
        frames = np.full((3, crop_size, crop_size, 3), level, np.float32)
        frames += np.linspace(-20, 20, crop_size, dtype=np.float32)[None, None, :, None]
        x, y = (int(v) for v in rng.integers(crop_size // 2 - 4, crop_size // 2 + 5, 2))
        added_dn = float(rng.uniform(25, 90)) if label[i] else None
        nuisance = None
        if added_dn is not None:
            colour = rng.uniform(0.5, 1.0, 3)
            colour /= colour.max()
            frames[1, y - 1 : y + 2, x - 1 : x + 2] += added_dn * np.array([0.4, 1.0, 0.4])[:, None, None] * colour
        elif rng.random() < 0.5:
            nuisance = "moving edge"
            for t in range(3):
                frames[t, :, x - 12 + 4 * t : x - 9 + 4 * t] += 60
        else:
            frames[1, y, x] += float(rng.uniform(5, 15))
        frames += rng.normal(0, 2, frames.shape).astype(np.float32)
        pictures = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
        greys[i] = np.stack([cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in pictures], axis=-1)
        bgr[i] = pictures[1]
        spot[i] = x, y
        strata.append(
            {
                "scene": f"synthetic-{i % 4}",
                "recording": "synthetic",
                "split": split,
                "added_dn": added_dn,
                "background_dn": level,
                "motion_dn": 20.0 if nuisance else 0.0,
                "jpeg_quality": None,
                "nuclide": "none" if added_dn is None else "synthetic",
                "fusion": "charge",
                "nuisance": nuisance,
                "proposed": True,
            }
        )
    return Samples(greys, bgr, spot, label, tuple(strata))


def write_synthetic(
    path: Path,
    *,
    crop_size: int = 64,
    seed: int = 1,
    splits: tuple[tuple[Split, int], ...] = DEFAULT_SPLITS,
) -> Dataset:
    """Write a synthetic dataset, one shard a split, and open it."""
    index = DatasetIndex(
        kind="synthetic",
        command="write_synthetic",
        seed=seed,
        crop_size=crop_size,
        recipe={"splits": [list(split) for split in splits]},
        planned_shards=len(splits),
    )
    writer = DatasetWriter(path, index)
    for number, (split, count) in enumerate(splits):
        writer.add(number, split, synthetic_samples(np.random.default_rng([seed, number]), count, crop_size, split))
    return Dataset.open(path)
