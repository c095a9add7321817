"""Finds crops that drive a layer to its extremes, which would widen its range and make its int8 steps coarse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from edge.detect.manifest import InputContract
    from trainer.training.batches import Crops

DEFAULT_SHARE = 0.02
_MAX_CROPS = 20_000
_BATCH = 512


def ordinary_crops(
    network: keras.Model, contract: InputContract, crops: Crops, share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return sorted indices of crops that drive no layer to its extremes, int64, at most 20,000.

    A layer's int8 range reaches from the lowest to the highest output that the representative set shows. One crop in
    a thousand reaches twice what one in ten does, so a range that holds all has steps twice as coarse for all others.
    What lies beyond the range is cut off, in `share` of the crops of a layer at most.

    Parameters
    ----------
    network : keras.Model
    contract : InputContract
    crops : Crops
    share : float
        Share of the crops whose highest output is extreme, for each rectified layer; 0 keeps all.
    rng : numpy.random.Generator
        Chooses the crops that are looked at, where there are more than 20,000.

    Returns
    -------
    int64 array, shape (n,)
        All indices where `share` is 0 or the network has no rectified layer.

    """
    from keras import Model, layers, ops  # noqa: PLC0415 - heavy

    from trainer.training.batches import as_input  # noqa: PLC0415 - imports Keras

    rectified = [layer.output for layer in network.layers if isinstance(layer, layers.ReLU)]
    if share <= 0 or not rectified or not len(crops):
        return np.arange(len(crops))
    picked = np.sort(rng.permutation(len(crops))[:_MAX_CROPS])
    maxima = Model(network.inputs, [ops.max(maps, axis=tuple(range(1, len(maps.shape)))) for maps in rectified])
    parts = np.array_split(picked, max(picked.size // _BATCH, 1))
    highest = np.concatenate(
        [np.stack(maxima.predict_on_batch(as_input(crops.pictures[part], contract)), axis=1) for part in parts]
    )
    ordinary: NDArray[np.int64] = picked[(highest <= np.quantile(highest, 1 - share, axis=0)).all(axis=1)]
    return ordinary
