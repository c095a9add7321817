"""Batches for Keras: crops cut around the spot, chosen and weighted by the settings of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import keras
import numpy as np

from edge.detect.crops import cut_size, network_input, patches
from trainer.training.augmentation import add_specks, augment
from trainer.training.planes import network_planes
from trainer.training.request import no_samples, require_large_crops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.manifest import InputContract
    from trainer.data.dataset import Dataset, Samples, Strata
    from trainer.scenes.splits import Split
    from trainer.training.run import FitSettings

_NEAR_PX = 9
_USUAL_ADDED_DN = 40.0
_LIGHT_WEIGHTS = (0.2, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops cut to the size of a network, before its planes are laid out.

    Attributes
    ----------
    pictures : uint8 array, shape (n, crop_size, crop_size, planes)
        Previous, current, next grey; where the planes are "rgb", the current crop, blue first; where they are
        "compensated", these five planes.
    label : uint8 array, shape (n,)
        1 for a hit.
    strata : tuple of dict
        The strata that the dataset records for each sample.
    mixture : bool array, shape (n,), or None
        Whether each sample is of a mixture. Such samples have weight 1, and no speck is painted on them. None where no
        sample is of a mixture.

    """

    pictures: NDArray[np.uint8] = field(repr=False)
    label: NDArray[np.uint8] = field(repr=False)
    strata: tuple[Strata, ...] = field(repr=False)
    mixture: NDArray[np.bool_] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def in_mixture(self) -> NDArray[np.bool_]:
        """Whether each sample is of a mixture, shape (n,)."""
        return np.zeros(len(self), bool) if self.mixture is None else self.mixture

    def first(self, count: int) -> Crops:
        """Return the first `count` samples."""
        kept = None if self.mixture is None else self.mixture[:count]
        return Crops(self.pictures[:count], self.label[:count], self.strata[:count], kept)

    def with_mixture(self, mixture: Crops) -> Crops:
        """Return these samples followed by those of a mixture."""
        return Crops(
            np.concatenate([self.pictures, mixture.pictures]),
            np.concatenate([self.label, mixture.label]),
            self.strata + mixture.strata,
            np.concatenate([self.in_mixture, np.ones(len(mixture), bool)]),
        )


def cut_at_spots(pictures: NDArray[np.uint8], spots: NDArray[np.int16], crop_size: int) -> NDArray[np.uint8]:
    """Cut a crop of `crop_size` around each spot (x, y), as the agent cuts it around a candidate.

    The spot is in the very middle of its crop. Only crops of the full size are returned as they are stored.
    """
    if crop_size == pictures.shape[1]:
        return pictures
    cut = np.empty((len(pictures), crop_size, crop_size, 3), np.uint8)
    for i, (x, y) in enumerate(spots):
        planes = (pictures[i, ..., 0], pictures[i, ..., 1], pictures[i, ..., 2])
        cut[i] = patches(planes, np.array([x], np.intp), np.array([y], np.intp), crop_size)[0]
    return cut


def _compensated(greys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the compensated planes of wide grey crops, some thousand at a time, which bounds the memory."""
    return np.concatenate([network_input("compensated", greys[i : i + 4096], None) for i in range(0, len(greys), 4096)])


def cut_crops(samples: Samples, contract: InputContract) -> Crops:
    """Return samples cut to the size that a network takes, with the pictures that its planes are made of."""
    source = samples.bgr if contract.planes == "rgb" else samples.greys
    size = cut_size(contract.planes, contract.crop_size)
    pictures = cut_at_spots(source, samples.spot, size)
    if contract.planes == "compensated" and len(samples):
        pictures = _compensated(pictures)  # once: every turn of an augmentation would search for the motion again
    return Crops(pictures, samples.label, samples.strata)


def read_crops(
    datasets: Sequence[Dataset],
    split: Split,
    contract: InputContract,
    *,
    min_added_dn: float = 0.0,
    max_spot_pixels: tuple[int | None, int | None] = (None, None),
    proposed_only: bool = False,
) -> Crops:
    """Return the samples of a split of several datasets, in the order of the datasets and their shards.

    Parameters
    ----------
    datasets : sequence of Dataset
    split : {"train", "validation", "test"}
    contract : InputContract
        Crop size, at most that of the datasets, and planes.
    min_added_dn : float
        Hits that add less, in grey levels, are left out: fainter than the noise, they would teach that noise is a hit.
    max_spot_pixels : tuple of int or None
        Hits of more pixels at half their height (`spot_pixels`) are left out. The first limit is for the hits of a
        covered camera that was measured, the second for those of the simulated OV2710, whose pixels are not scaled
        down. Where the second is None, the first is for both.
    proposed_only : bool
        Samples that the fast path would not propose are left out, because the agent never shows them to a network.

    Raises
    ------
    DatasetError
        The crops of a dataset are too small for the network, or no sample of the split is left.

    """
    parts = []
    for dataset in datasets:
        require_large_crops(dataset, contract)
        for part in dataset.parts(split):
            kept = np.array([_is_kept(strata, min_added_dn, proposed_only) for strata in part.strata], bool)
            kept &= (part.label == 0) | (spot_pixels(part) <= _max_pixels(part, *max_spot_pixels))
            if kept.any():
                parts.append(cut_crops(part.take(kept), contract))
    if not parts:
        raise no_samples(datasets[0], split)
    return Crops(
        np.concatenate([part.pictures for part in parts]),
        np.concatenate([part.label for part in parts]),
        tuple(strata for part in parts for strata in part.strata),
    )


def _is_kept(strata: Strata, min_added_dn: float, proposed_only: bool) -> bool:  # noqa: FBT001 - a setting
    """Return whether a sample is read, whatever the width of its hit."""
    added_dn = strata.get("added_dn")
    if added_dn is not None and float(added_dn) < min_added_dn:
        return False
    return not proposed_only or bool(strata.get("proposed", True))


def spot_pixels(samples: Samples) -> NDArray[np.intp]:
    """Return the number of pixels within 4 of each spot whose spike exceeds half of the spot's own, shape (n,).

    The spike is the current grey less the greater of previous and next, as in the fast path. A hit of the one real
    camera that was measured has 1 to 5 such pixels. Charge from deep in the silicon spreads as wide as a glint.
    """
    near = cut_at_spots(samples.greys, samples.spot, _NEAR_PX).astype(np.int16)
    spike = near[..., 1] - np.maximum(near[..., 0], near[..., 2])
    peak = spike[:, _NEAR_PX // 2, _NEAR_PX // 2]
    counted: NDArray[np.intp] = np.count_nonzero(spike > (peak // 2)[:, None, None], axis=(1, 2))
    return counted


def _max_pixels(samples: Samples, max_recorded: int | None, max_sensor: int | None) -> NDArray[np.float64]:
    """Return the most pixels that the hit of each sample may have, shape (n,)."""
    recorded = np.inf if max_recorded is None else float(max_recorded)
    simulated = recorded if max_sensor is None else float(max_sensor)
    return np.array([simulated if strata.get("way") == "sensor" else recorded for strata in samples.strata])


def as_input(pictures: NDArray[np.uint8], contract: InputContract) -> NDArray[np.float32]:
    """Return the input of a Keras model, float32 (n, size, size, planes): the planes of `Crops.pictures`, scaled."""
    planes = network_planes(pictures, contract.planes)
    scaled: NDArray[np.float32] = planes.astype(np.float32) * np.float32(contract.scale) + np.float32(contract.offset)
    return scaled


def sample_weights(crops: Crops, settings: FitSettings) -> NDArray[np.float32]:
    """Return the weight of each sample in the loss, shape (n,).

    All samples of a mixture have weight 1, other negatives `negative_weight`. Negatives of generated scenes or with a
    simulated disturbance have `staged_weight` times that: they hold far more specks and flakes that look like hits than
    a camera sees. Hits weigh (added / 40)^`light_power`, from 0.2 to 3: spots that are no radiation are mostly faint,
    so a faint one has to look more like a hit.
    """
    staged = np.array(
        [strata.get("recording") == "generated" or strata.get("nuisance") is not None for strata in crops.strata], bool
    )
    added_dn = np.array([strata.get("added_dn") or _USUAL_ADDED_DN for strata in crops.strata], np.float64)
    positive = np.clip((added_dn / _USUAL_ADDED_DN) ** settings.light_power, *_LIGHT_WEIGHTS)
    negative = settings.negative_weight * np.where(staged, settings.staged_weight, 1.0)
    weight = np.where(crops.label == 1, positive, negative)
    return np.where(crops.in_mixture, 1.0, weight).astype(np.float32)


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Augmented batches of one epoch.

    The content of a batch depends on the seed and on its number in the whole training alone. An interrupted training
    therefore goes on with the same batches.
    """

    def __init__(self, crops: Crops, contract: InputContract, settings: FitSettings, seed: int) -> None:
        super().__init__(workers=1)
        self._crops = crops
        self._contract = contract
        self._settings = settings
        self._seed = seed
        self._weight = sample_weights(crops, settings)
        self._may_get_speck = (crops.label == 0) & ~crops.in_mixture
        self._orders: dict[int, NDArray[np.int64]] = {}
        self.steps = settings.steps_per_epoch or max(len(crops) // settings.batch_size, 1)
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
        """Return input, labels and weights of batch `index` of the current epoch."""
        number = self.epoch * self.steps + index
        which = self._members(number)
        pictures = self._crops.pictures[which]
        if self._settings.augment:
            rng = np.random.default_rng([self._seed, 2, number])
            if self._contract.planes in {"temporal", "spike"} and self._settings.speck_share:
                specked = self._may_get_speck[which] & (rng.random(len(which)) < self._settings.speck_share)
                pictures = add_specks(pictures, specked, rng)
            pictures = augment(pictures, rng, self._settings.brightness_dn, self._contract.planes)
        return as_input(pictures, self._contract), self._crops.label[which], self._weight[which]

    def _members(self, number: int) -> NDArray[np.int64]:
        """Return the samples of a batch, which follow each other in shuffled passes over the data without end."""
        count = len(self._crops)
        places = number * self._settings.batch_size + np.arange(self._settings.batch_size)
        return np.array([self._order(int(place) // count)[int(place) % count] for place in places])

    def _order(self, turn: int) -> NDArray[np.int64]:
        if turn not in self._orders:
            self._orders = {number: order for number, order in self._orders.items() if number >= turn - 1}
            self._orders[turn] = np.random.default_rng([self._seed, 1, turn]).permutation(len(self._crops))
        return self._orders[turn]


class PlainBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """All crops once, in order and without augmentation, for validation and prediction."""

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
        """Return input, labels and weights of batch `index`."""
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        return as_input(self._crops.pictures[part], self._contract), self._crops.label[part], self._weight[part]
