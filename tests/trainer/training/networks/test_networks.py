import pytest

from edge.detect.manifest import InputContract
from trainer.errors import NetworkError
from trainer.training.networks import NETWORKS, build
from trainer.values import ANY_PLANES

FIVE_PLANES = InputContract(crop_size=33, planes="compensated")


@pytest.mark.parametrize("name", ANY_PLANES)
def test_build_takes_the_planes_of_the_contract(name: str) -> None:
    model = build(name, FIVE_PLANES, {"width": 0.25}, 1)
    assert (model.input.shape, model.output.shape) == ((None, 33, 33, 5), (None, 2))


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - set(ANY_PLANES)))
def test_build_refuses_planes_that_a_network_lacks(name: str) -> None:
    with pytest.raises(NetworkError, match=f"network {name} takes 3 planes, compensated are 5; give other --planes"):
        build(name, FIVE_PLANES, {}, 1)
