"""A network goes over to the QAT process as plain values; the process itself is tried among the slow tests."""

import pytest

from quantize.errors import QuantiseError
from quantize.qat import QatSettings, described, fine_tuned


def test_groups_go_over_as_slices_of_maps(tiny):
    from trainer.training.networks import build

    network = described(build("alexnet_edge", 32, {"width": 0.1}, 1))
    slices = [entry["channels"] for entry in network if entry["kind"] == "GetItem"]
    assert len(slices) == 6
    assert slices[0][1] == slices[1][0]
    assert network[-1]["kind"] == "Dense"
    assert [entry["name"] for entry in network if entry["inputs"] == ["crop"]] == ["conv1"]
    tiny_network = tiny.run.load_model()
    assert len(described(tiny_network)) == len(tiny_network.layers) - 1  # all but the input


def test_a_layer_without_counterpart_is_refused():
    from trainer.training.networks import build

    with pytest.raises(QuantiseError, match="of kind LocalResponseNormalisation has no counterpart"):
        described(build("alexnet_paper", 224, {}, 1))


@pytest.mark.slow
def test_fine_tuning_gives_an_integer_model_that_still_knows(tiny):
    import numpy as np

    from quantize.agreement import sqnr_db
    from quantize.bundling import contracts_of, logits_of
    from quantize.graph import read_graph
    from trainer.training.batches import as_input, read_crops

    contract = tiny.run.manifest.input
    train = read_crops([tiny.dataset], "train", contract)
    network = tiny.run.load_model()
    model = fine_tuned(network, contract, train, QatSettings(epochs=2, batch_size=32, steps=10))
    assert read_graph(model).float_operators() == ()
    found = contracts_of(model, contract)
    assert found[0].quantisation.zero_point == -128
    logits = logits_of(tiny.run.path, model, found, train)
    assert np.mean((logits[:, 1] > logits[:, 0]) == train.label) > 0.9
    assert sqnr_db(np.asarray(network(as_input(train.pictures, contract))), logits) > 12
