"""A network is handed to the QAT process as plain values; a slow test runs the process itself."""

import pytest

from quantize.errors import QuantiseError
from quantize.qat import QatSettings, described, fine_tuned


def test_described_lists_groups_as_slices_of_maps(tiny):
    from edge.detect.manifest import InputContract
    from trainer.training.networks import build

    network = described(build("alexnet_edge", InputContract(crop_size=32, planes="temporal"), {"width": 0.1}, 1))
    slices = [entry["channels"] for entry in network if entry["kind"] == "GetItem"]
    assert len(slices) == 6
    assert slices[0][1] == slices[1][0]
    assert network[-1]["kind"] == "Dense"
    assert [entry["name"] for entry in network if entry["inputs"] == ["crop"]] == ["conv1"]
    tiny_network = tiny.run.load_model()
    assert len(described(tiny_network)) == len(tiny_network.layers) - 1  # all but the input


def test_described_refuses_a_layer_without_counterpart():
    from edge.detect.manifest import InputContract
    from trainer.training.networks import build

    with pytest.raises(QuantiseError, match="of kind LocalResponseNormalisation has no counterpart"):
        described(build("alexnet_paper", InputContract(crop_size=224, planes="rgb"), {}, 1))


@pytest.mark.slow
def test_fine_tuned_model_is_integer_and_still_separates(tiny):
    import numpy as np

    from quantize.agreement import sqnr_db
    from quantize.conversion import contracts_of
    from quantize.graph import read_graph
    from quantize.pairing import TfliteNetwork, logits_of
    from trainer.training.batches import as_input, read_crops

    contract = tiny.run.manifest.input
    train = read_crops([tiny.dataset], "train", contract)
    network = tiny.run.load_model()
    model = fine_tuned(network, contract, train, QatSettings(epochs=2, batch_size=32, steps=10))
    assert read_graph(model).float_operators() == ()
    contracts = contracts_of(model, contract)
    assert contracts[0].quantisation.zero_point == -128
    logits = logits_of(tiny.run.path, TfliteNetwork(model, contracts), train)
    assert np.mean((logits[:, 1] > logits[:, 0]) == train.label) > 0.9
    assert sqnr_db(np.asarray(network(as_input(train.pictures, contract))), logits) > 12
