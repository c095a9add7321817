"""Sets N and P: crops of A and C fused with crops of B by the paper's equations (1) and (2), as they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from trainer.data.dataset import Samples
from trainer.filming.fusion import fuse_max
from trainer.sensor.isp import GREY_OF_BGR
from trainer.sensor.library import turned
from trainer.training.batches import Crops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split

Pictures = Literal["greys", "bgr"]
_KEY: dict[Split, int] = {"train": 1, "validation": 2, "test": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which crops are fused with which; a row each, shape (n,).

    Attributes
    ----------
    label : uint8 array
        0 takes from A, 1 from C; alternating.
    covered, scene : int64 arrays
        Number of the crop in A or C, and in B. All are used before one is used again. Each scene is used for both
        labels in turn, so that no scene tells the label.
    turn : uint8 array
        Position of the covered crop, see `trainer.sensor.library.turned`; 0 to 7.
    mirrored : bool array
        Whether the scene is mirrored, left to right.
    light : float32 array
        Factor on the levels of the scene, 0 to 1.

    """

    label: NDArray[np.uint8] = field(repr=False)
    covered: NDArray[np.int64] = field(repr=False)
    scene: NDArray[np.int64] = field(repr=False)
    turn: NDArray[np.uint8] = field(repr=False)
    mirrored: NDArray[np.bool_] = field(repr=False)
    light: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.label)


def draw_pairs(count: int, covered: int, scenes: int, split: Split, seed: int, *, darkness: float = 0.0) -> Pairs:
    """Draw which of `covered` crops of A and C are fused with which of `scenes` crops of B.

    Training pairs are turned and mirrored; those of the other splits are as they were taken. A scene
    keeps a share of its light that is a uniform random number to the power of `darkness`: all of it at 0, at 2 mostly
    little.
    """
    rng = np.random.default_rng([seed, 0xAB, _KEY[split]])
    label = (np.arange(count) % 2).astype(np.uint8)
    from_set = np.empty(count, np.int64)
    for value in (0, 1):
        from_set[label == value] = _passes(int((label == value).sum()), covered, rng)
    train = split == "train"
    turn = rng.integers(0, 8 if train else 1, count).astype(np.uint8)
    mirrored = (rng.random(count) < 0.5) & train
    scene = np.repeat(_passes(-(-count // 2), scenes, rng), 2)[:count]
    light = rng.random(count) ** darkness
    return Pairs(label, from_set, scene, turn, mirrored, light.astype(np.float32))


def _passes(count: int, whole: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` numbers below `whole`, in shuffled passes."""
    passes = -(-count // whole)
    return np.concatenate([rng.permutation(whole) for _ in range(passes)] or [np.empty(0, np.int64)])[:count]


@dataclass(frozen=True, slots=True, eq=False)
class FusedPictures:
    """Pictures of fused crops: an array, as far as batches need one, of which nothing is stored.

    Attributes
    ----------
    noise, radiation, scenes : uint8 arrays, shape (n, s, s, 3)
        Crops of A, C and B, either in colour or as three greys.
    pairs : Pairs

    """

    noise: NDArray[np.uint8] = field(repr=False)
    radiation: NDArray[np.uint8] = field(repr=False)
    scenes: NDArray[np.uint8] = field(repr=False)
    pairs: Pairs

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all pictures together."""
        return (len(self.pairs), *self.scenes.shape[1:])

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, which: NDArray[np.int64] | slice) -> NDArray[np.uint8]:
        """Fuse the pictures of some pairs: uint8, shape (n, s, s, 3)."""
        numbers = np.arange(len(self))[which]
        fused = np.empty((len(numbers), *self.scenes.shape[1:]), np.uint8)
        for place, number in enumerate(numbers):
            source = self.radiation if self.pairs.label[number] else self.noise
            covered = source[self.pairs.covered[number]]
            scene = self.scenes[self.pairs.scene[number]]
            if self.pairs.mirrored[number]:
                scene = scene[:, ::-1]
            if self.pairs.light[number] < 1:
                scene = (scene * self.pairs.light[number]).astype(np.uint8)
            fused[place] = fuse_max(turned(covered, int(self.pairs.turn[number])), scene)
        return fused


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """Sets A, B and C of one crop size, from which N and P are fused."""

    noise: Dataset
    scenes: Dataset
    radiation: Dataset

    def counts(self, split: Split) -> tuple[int, int]:
        """Return the number of crops of A (and of C), and of B."""
        return min(self.noise.count(split)[0], self.radiation.count(split)[0]), self.scenes.count(split)[0]

    def crops(self, split: Split, count: int, seed: int, pictures: Pictures, *, darkness: float = 0.0) -> Crops:
        """Return fused crops of a split; they are fused when they are read. See `draw_pairs`."""
        pairs = draw_pairs(count, *self.counts(split), split, seed, darkness=darkness)
        noise, radiation, scenes = (
            _read(dataset, split, pictures) for dataset in (self.noise, self.radiation, self.scenes)
        )
        fused = FusedPictures(noise, radiation, scenes, pairs)
        array = cast("NDArray[np.uint8]", fused)  # batches take rows of it and its length, nothing else
        return Crops(array, pairs.label, ({},) * count)

    def samples(self, split: Split, count: int, seed: int) -> Samples:
        """Fuse crops of a split with all that is known of them, as samples of a dataset."""
        pairs = draw_pairs(count, *self.counts(split), split, seed)
        noise, radiation, scenes = (which.samples(split) for which in (self.noise, self.radiation, self.scenes))
        parts = {
            name: FusedPictures(getattr(noise, name), getattr(radiation, name), getattr(scenes, name), pairs)[:]
            for name in ("greys", "bgr")
        }
        strata = []
        spots = np.empty((count, 2), np.int16)
        for number in range(count):
            source = radiation if pairs.label[number] else noise
            covered, scene = int(pairs.covered[number]), int(pairs.scene[number])
            known = source.strata[covered]
            added = None
            if pairs.label[number]:
                below = fuse_max(noise.bgr[covered], scenes.bgr[scene])
                added = round(float((parts["bgr"][number] @ GREY_OF_BGR - below @ GREY_OF_BGR).max()), 1)
            strata.append(
                {**known, "scene": scenes.strata[scene]["scene"], "covered": known["scene"], "added_dn": added}
            )
            spots[number] = source.spot[covered]
        return Samples(parts["greys"], parts["bgr"], spots, pairs.label, tuple(strata))


def _read(dataset: Dataset, split: Split, pictures: Pictures) -> NDArray[np.uint8]:
    """Read the pictures of one kind of a split, shard after shard: half of the memory of all samples."""
    return np.concatenate([getattr(part, pictures) for part in dataset.parts(split)])
