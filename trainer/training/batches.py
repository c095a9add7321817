"""From a dataset folder to batches: crops cut around the spot, augmentation that keeps hits intact."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import keras
import numpy as np

from edge.detect.crops import network_input, patches
from trainer.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.bundle import InputContract
    from trainer.data.dataset import Dataset, Samples, Strata
    from trainer.scenes.splits import Split
    from trainer.training.run import FitSettings

_NEAR_PX = 9
_SPECK_SIGMA_PX = (0.95, 2.5)
_SPECK_DN = (14, 90)
_SPECK_TRACED_SHARE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """What one network is fed, before its planes are laid out.

    Attributes
    ----------
    pictures : uint8 array, shape (n, crop_size, crop_size, 3)
        Previous, current, next grey; or, where the planes are "rgb", the current crop, blue first.
    label : uint8 array, shape (n,)
    strata : tuple of dict
    mixture : bool array, shape (n,), or None
        Samples of a mixture: they count in full, and no speck is painted on them. None for none.

    """

    pictures: NDArray[np.uint8] = field(repr=False)
    label: NDArray[np.uint8] = field(repr=False)
    strata: tuple[Strata, ...] = field(repr=False)
    mixture: NDArray[np.bool_] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def of_mixture(self) -> NDArray[np.bool_]:
        """Whether each sample is of a mixture, shape (n,)."""
        return np.zeros(len(self), bool) if self.mixture is None else self.mixture

    def first(self, count: int) -> Crops:
        """Give the first `count` samples."""
        kept = None if self.mixture is None else self.mixture[:count]
        return Crops(self.pictures[:count], self.label[:count], self.strata[:count], kept)

    def and_mixture(self, mixture: Crops) -> Crops:
        """Add the samples of a mixture behind these."""
        return Crops(
            np.concatenate([self.pictures, mixture.pictures]),
            np.concatenate([self.label, mixture.label]),
            self.strata + mixture.strata,
            np.concatenate([self.of_mixture, np.ones(len(mixture), bool)]),
        )


def cut_at_spots(pictures: NDArray[np.uint8], spots: NDArray[np.int16], crop_size: int) -> NDArray[np.uint8]:
    """Cut crops of `crop_size` around each spot (x, y), as the agent cuts them around a candidate.

    Each has its spot in the very middle, except crops of the full size, which are taken as they are stored.
    """
    if crop_size == pictures.shape[1]:
        return pictures
    cut = np.empty((len(pictures), crop_size, crop_size, 3), np.uint8)
    for i, (x, y) in enumerate(spots):
        planes = (pictures[i, ..., 0], pictures[i, ..., 1], pictures[i, ..., 2])
        cut[i] = patches(planes, np.array([x], np.intp), np.array([y], np.intp), crop_size)[0]
    return cut


def crops_of(samples: Samples, contract: InputContract) -> Crops:
    """Cut samples to the size that a network takes and keep what its planes are made of."""
    source = samples.bgr if contract.planes == "rgb" else samples.greys
    return Crops(cut_at_spots(source, samples.spot, contract.crop_size), samples.label, samples.strata)


def read_crops(
    datasets: Sequence[Dataset],
    split: Split,
    contract: InputContract,
    *,
    min_added_dn: float = 0.0,
    max_spot_pixels: tuple[int | None, int | None] = (None, None),
    proposed_only: bool = False,
) -> Crops:
    """Read a split of datasets, shard by shard, in the order given.

    Parameters
    ----------
    datasets : sequence of Dataset
    split : {"train", "validation", "test"}
    contract : InputContract
        Crop size, at most that of the datasets, and planes.
    min_added_dn : float
        Positive samples whose hit adds less, grey levels, are left out.
    max_spot_pixels : tuple of int or None
        Positive samples whose hit is wider at half its height (`spot_pixels`) are left out: the first of hits that a
        covered camera recorded, as the one that was measured, the second of those that came through the simulated
        OV2710, whose pixels are not scaled down; None there takes the first for both.
    proposed_only : bool
        Samples that the fast path would not propose are left out: the agent never shows them to a network.

    Raises
    ------
    DatasetError
        If the datasets' crops are too small for the network or the split holds no samples.

    """
    parts = []
    for dataset in datasets:
        if dataset.crop_size < contract.crop_size:
            problem = f"its crops of {dataset.crop_size} px are too small for a network of {contract.crop_size} px"
            raise DatasetError(dataset.path, problem, "build one of larger crops or choose a smaller --crop-size")
        for part in dataset.parts(split):
            kept = np.array([_is_wanted(one, min_added_dn, proposed_only) for one in part.strata], bool)
            kept &= (part.label == 0) | (spot_pixels(part) <= _max_pixels(part, *max_spot_pixels))
            parts.append(crops_of(part.take(kept), contract))
    if not sum(map(len, parts)):
        problem = f"no sample that is wanted in the split {split}"
        raise DatasetError(datasets[0].path, problem, "name a dataset that has some, or build a larger one")
    return Crops(
        np.concatenate([part.pictures for part in parts]),
        np.concatenate([part.label for part in parts]),
        tuple(strata for part in parts for strata in part.strata),
    )


def _is_wanted(strata: Strata, min_added_dn: float, proposed_only: bool) -> bool:  # noqa: FBT001 - a setting
    """Tell whether a sample is used; a hit fainter than the noise would only teach that noise is a hit."""
    added_dn = strata.get("added_dn")
    if added_dn is not None and float(added_dn) < min_added_dn:
        return False
    return not proposed_only or bool(strata.get("proposed", True))


def spot_pixels(samples: Samples) -> NDArray[np.intp]:
    """Count for each sample the pixels within 4 of its spot that rise above half of the spot's spike, shape (n,).

    The spike is the current grey less the greater of previous and next, as the fast path counts a candidate's pixels. A
    hit of the one real camera that was measured has 1 to 5; charge from deep in the silicon spreads as wide as a glint.
    """
    near = cut_at_spots(samples.greys, samples.spot, _NEAR_PX).astype(np.int16)
    spike = near[..., 1] - np.maximum(near[..., 0], near[..., 2])
    tallest = spike[:, _NEAR_PX // 2, _NEAR_PX // 2]
    counted: NDArray[np.intp] = np.count_nonzero(spike > (tallest // 2)[:, None, None], axis=(1, 2))
    return counted


def _max_pixels(samples: Samples, most: int | None, max_sensor: int | None) -> NDArray[np.float64]:
    """Give how wide the hit of each sample may be, shape (n,)."""
    general = np.inf if most is None else float(most)
    through_sensor = general if max_sensor is None else float(max_sensor)
    return np.array([through_sensor if one.get("way") == "sensor" else general for one in samples.strata])


def augmented(pictures: NDArray[np.uint8], rng: Generator, brightness_dn: int, *, swap_time: bool) -> NDArray[np.uint8]:
    """Turn, mirror, brighten or darken crops without touching what makes a hit.

    One of the eight turns and mirrorings a crop; an offset of at most `brightness_dn` grey levels, the same in all
    three planes and never so large that a pixel would clip; previous and next frame swapped in half of the crops
    (a hit stands in the current one only) where `swap_time`.
    """
    count = len(pictures)
    turned = np.empty_like(pictures)
    turns = rng.integers(0, 8, count)
    for turn in range(8):
        which = turns == turn
        chosen = np.rot90(pictures[which], turn % 4, axes=(1, 2))
        turned[which] = chosen[:, :, ::-1] if turn >= 4 else chosen
    if swap_time:
        swapped = rng.random(count) < 0.5
        turned[swapped] = turned[swapped][..., ::-1]
    offset = rng.integers(-brightness_dn, brightness_dn + 1, count)
    least = -turned.min(axis=(1, 2, 3)).astype(np.int64)
    most = 255 - turned.max(axis=(1, 2, 3)).astype(np.int64)
    offset = np.clip(offset, least, most)[:, None, None, None]
    brightened: NDArray[np.uint8] = (turned + offset).astype(np.uint8)
    return brightened


def with_specks(pictures: NDArray[np.uint8], chosen: NDArray[np.bool_], rng: Generator) -> NDArray[np.uint8]:
    """Add a soft speck to the middle frame of chosen crops, as a lens or a video codec makes them; label 0 stays.

    A hit bypasses the lens and ends within a pixel or two; a glint is as wide as the lens is sharp, and footage that
    was scaled up has specks of its codec, softer still. An elliptic Gaussian of σ 0.95 to 2.5 px and 14 to 90 grey
    levels, near the middle; in three of ten a weaker trace of it stands in the previous or the next frame.

    Parameters
    ----------
    pictures : uint8 array, shape (n, size, size, 3)
        Previous, current, next grey.
    chosen : bool array, shape (n,)

    """
    specked: NDArray[np.uint8] = pictures.copy()
    count, size = int(chosen.sum()), pictures.shape[1]
    if not count:
        return specked
    wide, high = rng.uniform(*_SPECK_SIGMA_PX, (2, count, 1, 1))
    turn, brightest = rng.uniform(0, math.pi, (count, 1, 1)), rng.uniform(*_SPECK_DN, (count, 1, 1))
    dx, dy = rng.uniform(-0.6, 0.6, (2, count, 1, 1))
    rows, columns = np.mgrid[:size, :size] - size // 2
    along = (columns - dx) * np.cos(turn) + (rows - dy) * np.sin(turn)
    across = (rows - dy) * np.cos(turn) - (columns - dx) * np.sin(turn)
    speck = brightest * np.exp(-((along / wide) ** 2 + (across / high) ** 2) / 2)
    added = np.zeros((count, size, size, 3), np.float32)
    added[..., 1] = speck
    traced = np.flatnonzero(rng.random(count) < _SPECK_TRACED_SHARE)
    beside = 2 * rng.integers(0, 2, len(traced))
    added[traced, :, :, beside] = speck[traced] * rng.uniform(0.1, 0.5, (len(traced), 1, 1))
    specked[chosen] = np.clip(specked[chosen] + added, 0, 255).astype(np.uint8)
    return specked


def as_input(pictures: NDArray[np.uint8], contract: InputContract) -> NDArray[np.float32]:
    """Lay out planes and scale: the float32 array that the Keras model takes, from `Crops.pictures`."""
    rgb = contract.planes == "rgb"
    laid = network_input(contract.planes, pictures, pictures if rgb else None)
    scaled: NDArray[np.float32] = laid.astype(np.float32) * np.float32(contract.scale) + np.float32(contract.offset)
    return scaled


def weights(crops: Crops, settings: FitSettings) -> NDArray[np.float32]:
    """Give each sample's weight in the loss, shape (n,); hits have 1.

    Staged negatives are those of generated scenes or with a simulated disturbance: among them are specks and flakes
    that no one could tell from a hit, far more of them than a camera sees. All samples of a mixture have 1.
    """
    staged = np.array(
        [one.get("recording") == "generated" or one.get("nuisance") is not None for one in crops.strata], bool
    )
    negative = settings.negative_weight * np.where(staged, settings.staged_weight, 1.0)
    return np.where((crops.label == 1) | crops.of_mixture, 1.0, negative).astype(np.float32)


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of one epoch; what is in batch number g of the whole training depends on seed and g alone.

    That is what lets a training go on after a kill as if nothing had happened.
    """

    def __init__(self, crops: Crops, contract: InputContract, settings: FitSettings, seed: int) -> None:
        super().__init__(workers=1)
        self._crops = crops
        self._contract = contract
        self._settings = settings
        self._seed = seed
        self._weight = weights(crops, settings)
        self._may_get_speck = (crops.label == 0) & ~crops.of_mixture
        self._orders: dict[int, NDArray[np.int64]] = {}
        self.steps = settings.steps_per_epoch or max(len(crops) // settings.batch_size, 1)
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
        """Give input, labels and weights of batch `index` of the current epoch."""
        number = self.epoch * self.steps + index
        which = self._members(number)
        pictures = self._crops.pictures[which]
        if self._settings.augment:
            rng = np.random.default_rng([self._seed, 2, number])
            temporal = self._contract.planes != "rgb"
            if temporal and self._settings.speck_share:
                specked = self._may_get_speck[which] & (rng.random(len(which)) < self._settings.speck_share)
                pictures = with_specks(pictures, specked, rng)
            pictures = augmented(pictures, rng, self._settings.brightness_dn, swap_time=temporal)
        return as_input(pictures, self._contract), self._crops.label[which], self._weight[which]

    def _members(self, number: int) -> NDArray[np.int64]:
        """Take the batch's samples from an endless row of shuffled passes over the data."""
        count = len(self._crops)
        places = number * self._settings.batch_size + np.arange(self._settings.batch_size)
        return np.array([self._order(int(place) // count)[int(place) % count] for place in places])

    def _order(self, turn: int) -> NDArray[np.int64]:
        if turn not in self._orders:
            self._orders = {one: order for one, order in self._orders.items() if one >= turn - 1}
            self._orders[turn] = np.random.default_rng([self._seed, 1, turn]).permutation(len(self._crops))
        return self._orders[turn]


class PlainBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """All crops once, in order, as they are: for validation and prediction."""

    def __init__(
        self,
        crops: Crops,
        contract: InputContract,
        batch_size: int = 256,
        weight: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(workers=1)
        self._crops = crops
        self._contract = contract
        self._batch_size = batch_size
        self._weight = np.ones(len(crops), np.float32) if weight is None else weight

    def __len__(self) -> int:
        return math.ceil(len(self._crops) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
        """Give input, labels and weights of batch `index`."""
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        return as_input(self._crops.pictures[part], self._contract), self._crops.label[part], self._weight[part]
