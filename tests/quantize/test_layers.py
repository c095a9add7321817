"""Layers are paired between float and int8, and the noise that each adds is measured."""

import numpy as np
import pytest

from edge.detect.network import stored_values
from quantize.graph import read_graph
from quantize.layers import layer_errors, layer_name, paired_tensors, worst_layer


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        ("net_1/net_1/conv2_a_relu_1/Relu;net_1/net_1/conv2_a_bn_1/batchnorm/add_1", "conv2_a_relu"),
        ("model/quant_conv2_a_relu/Relu", "conv2_a_relu"),
        ("net_1/strided_slice_3", "strided_slice_3"),
        ("StatefulPartitionedCall_1:0", "output"),
    ],
)
def test_layer_name_is_that_of_the_network(tensor, expected):
    assert layer_name(tensor) == expected


def test_layer_errors_pair_every_layer_of_small_noise(tiny, plain):
    contract = tiny.bundle.manifest.input
    pixels = tiny.dataset.samples("test").greys[:8, 8:25, 8:25]
    stored = stored_values(contract)[pixels]
    rows = layer_errors(plain, tiny.bundle.model, pixels.astype(np.float32) / 255, stored)
    graphs = read_graph(plain), read_graph(tiny.bundle.model)
    assert len(paired_tensors(*graphs)) == len(rows) == len(graphs[1].operators)
    convolutions = [f"conv{number}_relu" for number in range(1, 6)]
    assert [row.name for row in rows] == [*convolutions, "flatten", "output"]
    assert all(row.sqnr_db > 10 for row in rows)
    assert all(row.weights_db > 25 for row in rows if row.weights_db is not None)
    assert worst_layer(rows).drop_db == max(row.drop_db for row in rows)
    assert all(0 <= row.saturated <= 0.1 and 0 < row.used <= 1 for row in rows)
