"""Crops that drive a layer to its extremes are left out of the representative set."""

import numpy as np

from quantize.extremes import ordinary_crops
from trainer.training.batches import read_crops


def test_ordinary_crops_leaves_out_the_brightest_of_each_layer(tiny):
    contract, network = tiny.run.manifest.input, tiny.run.load_model()
    crops = read_crops([tiny.dataset], "train", contract)
    ordinary = ordinary_crops(network, contract, crops, 0.1, np.random.default_rng(1))
    layers = sum(type(layer).__name__ == "ReLU" for layer in network.layers)
    assert len(crops) * (1 - 0.1 * layers) - layers <= ordinary.size <= len(crops) * 0.9 + 1
    assert (np.diff(ordinary) > 0).all()


def test_ordinary_crops_narrow_the_ranges_of_layers(tiny):
    from keras import Model, layers

    from trainer.training.batches import as_input

    contract, network = tiny.run.manifest.input, tiny.run.load_model()
    crops = read_crops([tiny.dataset], "train", contract)
    first = next(layer for layer in network.layers if isinstance(layer, layers.ReLU))
    maps = np.asarray(Model(network.inputs, first.output).predict_on_batch(as_input(crops.pictures, contract)))
    highest = maps.max(axis=(1, 2, 3))
    ordinary = ordinary_crops(network, contract, crops, 0.05, np.random.default_rng(1))
    assert highest[ordinary].max() <= np.quantile(highest, 0.95)


def test_ordinary_crops_keeps_all_at_share_zero(tiny):
    contract = tiny.run.manifest.input
    crops = read_crops([tiny.dataset], "train", contract)
    ordinary = ordinary_crops(tiny.run.load_model(), contract, crops, 0.0, np.random.default_rng(1))
    assert ordinary.tolist() == list(range(len(crops)))
