import pytest

from trainer.training.networks.googlenet import googlenet

TRUNK_OF_THE_PUBLISHED_NETWORK = 6_998_552  # bvlc_googlenet without its auxiliary classifiers, 1000 classes


@pytest.fixture(scope="module")
def network():
    return googlenet()


def test_googlenet_has_the_published_parameters(network) -> None:
    assert network.count_params() == TRUNK_OF_THE_PUBLISHED_NETWORK - 1025 * 1000 + 1025 * 2


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv1", (112, 112, 64)),
        ("pool1", (56, 56, 64)),
        ("conv2", (56, 56, 192)),
        ("inception_3a", (28, 28, 256)),
        ("inception_3b", (28, 28, 480)),
        ("inception_4a", (14, 14, 512)),
        ("inception_4e", (14, 14, 832)),
        ("inception_5b", (7, 7, 1024)),
        ("pool5", (1024,)),
        ("logits", (2,)),
    ],
)
def test_googlenet_has_the_shapes_of_table_1(network, layer: str, shape: tuple[int, ...]) -> None:
    assert network.get_layer(layer).output.shape[1:] == shape
