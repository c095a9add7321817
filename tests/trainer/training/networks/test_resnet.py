import numpy as np
import pytest

from trainer.training.networks.resnet import resnet

PUBLISHED = 11_689_512  # ResNet-18, 1000 classes, without the running means of batch norm


@pytest.fixture(scope="module")
def network():
    return resnet()


def test_resnet_has_the_published_parameters(network) -> None:
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert trained == PUBLISHED - 513 * 1000 + 513 * 2


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv1", (112, 112, 64)),
        ("conv2_2_relu", (56, 56, 64)),
        ("conv3_2_relu", (28, 28, 128)),
        ("conv4_2_relu", (14, 14, 256)),
        ("conv5_2_relu", (7, 7, 512)),
        ("logits", (2,)),
    ],
)
def test_resnet_has_the_shapes_of_table_1(network, layer: str, shape: tuple[int, ...]) -> None:
    assert network.get_layer(layer).output.shape[1:] == shape
