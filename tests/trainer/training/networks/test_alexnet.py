from typing import get_args

import keras
import numpy as np
import pytest

from trainer.training.networks.alexnet import Head, alexnet_edge, alexnet_paper


@pytest.fixture(scope="module")
def paper():
    return alexnet_paper()


def test_alexnet_paper_has_the_published_parameters(paper) -> None:
    assert paper.count_params() == 56_876_418


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv1_a", (55, 55, 48)),
        ("conv1_b", (55, 55, 48)),
        ("pool1_a", (27, 27, 48)),
        ("norm1_b", (27, 27, 48)),
        ("conv2_a", (27, 27, 128)),
        ("pool2_a", (13, 13, 128)),
        ("towers", (13, 13, 256)),
        ("conv3", (13, 13, 384)),
        ("conv4", (13, 13, 384)),
        ("conv5", (13, 13, 256)),
        ("pool5", (6, 6, 256)),
        ("flatten", (9216,)),
        ("full6", (4096,)),
        ("full7", (4096,)),
        ("logits", (2,)),
    ],
)
def test_alexnet_paper_has_the_published_shapes(paper, layer: str, shape: tuple[int, ...]) -> None:
    assert paper.get_layer(layer).output.shape[1:] == shape


@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        (("conv1_a", "conv1_b"), 96 * 11 * 11 * 3 + 96),
        (("conv2_a", "conv2_b"), 256 * 5 * 5 * 48 + 256),
        (("conv3",), 384 * 3 * 3 * 256 + 384),
        (("conv4_a", "conv4_b"), 384 * 3 * 3 * 192 + 384),
        (("conv5_a", "conv5_b"), 256 * 3 * 3 * 192 + 256),
        (("full6",), 9216 * 4096 + 4096),
        (("full7",), 4096 * 4096 + 4096),
        (("logits",), 4096 * 2 + 2),
    ],
)
def test_only_convolutions_2_4_and_5_are_grouped(paper, layers: tuple[str, ...], parameters: int) -> None:
    assert sum(paper.get_layer(name).count_params() for name in layers) == parameters


def test_alexnet_paper_normalises_after_pooling(paper) -> None:
    assert paper.get_layer("conv1_a").activation.__name__ == "relu"
    assert paper.get_layer("pool1_a").input is paper.get_layer("conv1_a").output
    assert paper.get_layer("norm1_a").input is paper.get_layer("pool1_a").output


@pytest.mark.parametrize("head", get_args(Head))
@pytest.mark.parametrize(("crop_size", "first_stride"), [(32, 2), (64, 4)])
def test_alexnet_edge_has_two_logits_at_any_size(head, crop_size: int, first_stride) -> None:
    model = alexnet_edge(crop_size, head=head, width=0.25, first_stride=first_stride)
    assert model.output.shape == (None, 2)
    logits = model(np.zeros((3, crop_size, crop_size, 3), np.float32))
    assert np.isfinite(np.asarray(logits)).all()


def test_alexnet_edge_keeps_the_maps_of_the_original() -> None:
    model = alexnet_edge(224)
    maps = [model.get_layer(name).output.shape[-1] for name in ("conv1", "conv2", "conv3", "conv4", "conv5")]
    assert maps == [96, 256, 384, 384, 256]
    assert model.count_params() < 2_400_000


def test_pooling_heads_have_the_same_weights_at_any_size() -> None:
    small, large = alexnet_edge(64, width=0.25), alexnet_edge(224, width=0.25)
    assert [w.shape for w in small.weights] == [w.shape for w in large.weights]


def test_alexnet_edge_convolutions_fold() -> None:
    model = alexnet_edge(64, width=0.25)
    convolutions = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == ["conv1", "conv2_a", "conv2_b", "conv3", "conv4_a", "conv4_b", "conv5_a", "conv5_b"]
    for name in convolutions:
        assert model.get_layer(f"{name}_bn").input is model.get_layer(name).output
        assert model.get_layer(f"{name}_relu").input is model.get_layer(f"{name}_bn").output


def test_alexnet_edge_members_stand_side_by_side() -> None:
    one, three = (alexnet_edge(33, layout="spot", width=0.5, channels=5, members=members) for members in (1, 3))
    assert three.count_params() == 3 * one.count_params() - 2 * 2  # the logits have one bias each
    assert {layer.name for layer in one.layers} <= {layer.name for layer in three.layers}
    assert three.output.shape == (None, 2)
