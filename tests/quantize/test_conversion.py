"""PTQ makes integer graphs with exact input, and refuses with a reason what it cannot convert."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.detect.manifest import InputContract, Quantisation
from edge.detect.network import Network, stored_values
from quantize.conversion import (
    INT8_RECIPE,
    contracts_of,
    convert,
    require_exact_input,
    require_integer,
    require_supported,
)
from quantize.errors import FloatIslandError, QuantiseError
from quantize.graph import Graph, Operator, free_batch, read_graph


def shown(count: int = 4, size: int = 17) -> np.ndarray[Any, Any]:
    inputs = np.random.default_rng(1).random((count, size, size, 3), np.float32)
    inputs[0, 0, 0], inputs[0, 0, 1] = 0, 1
    return inputs


def test_convert_int8_is_integer_from_input_to_output(tiny: Any) -> None:
    graph = read_graph(tiny.bundle.model)
    assert graph.float_operators() == ()
    assert (graph.input.dtype, graph.output.dtype) == ("INT8", "INT8")
    assert "SOFTMAX" not in graph.versions()


def test_convert_stores_a_pixel_less_128(tiny: Any) -> None:
    contract = tiny.bundle.manifest.input
    assert contract.quantisation is not None
    assert contract.quantisation.scale == pytest.approx(1 / 255, rel=1e-6)
    assert contract.quantisation.zero_point == -128
    np.testing.assert_array_equal(stored_values(contract), np.arange(256) - 128)


def test_convert_scales_weights_by_channel_or_by_layer(tiny: Any) -> None:
    whole = convert(tiny.run.load_model(), INT8_RECIPE, shown(), per_channel=False)
    assert read_graph(tiny.bundle.model).per_channel()
    assert not read_graph(whole).per_channel()


@pytest.mark.parametrize(("recipe", "max_share"), [("float16", 0.75), ("dynamic", 0.65)])
def test_convert_other_recipes_keep_float_in_and_out(tiny: Any, plain: bytes, recipe: str, max_share: float) -> None:
    content = convert(tiny.run.load_model(), recipe)
    graph = read_graph(content)
    assert graph.input.is_float
    assert graph.output.is_float
    assert len(content) <= max_share * len(plain)


def test_convert_network_with_flatten_takes_many_crops(tiny: Any) -> None:
    manifest = tiny.bundle.manifest
    crops = np.random.default_rng(2).integers(0, 256, (9, 17, 17, 3), np.uint8)
    contract = (manifest.input, manifest.output)
    one = Network(tiny.bundle.path, tiny.bundle.model, contract, batch=1)
    many = Network(tiny.bundle.path, tiny.bundle.model, contract, batch=9)
    assert many.batch == 9
    np.testing.assert_array_equal(one.logits(crops), many.logits(crops))


def test_free_batch_keeps_the_operators(tiny: Any) -> None:
    assert read_graph(free_batch(tiny.bundle.model)).versions() == read_graph(tiny.bundle.model).versions()


def test_convert_refuses_local_response_normalisation() -> None:
    import keras

    from trainer.training.networks.layers import LocalResponseNormalisation

    image = keras.Input((17, 17, 3))
    normalised = LocalResponseNormalisation()(keras.layers.Conv2D(8, 3)(image))
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(normalised)), name="with_lrn")
    with pytest.raises(QuantiseError, match=r"with_lrn: it needs a runtime \S+ and the oldest supported is 2\.14 "):
        convert(network, INT8_RECIPE, shown())


def test_require_integer_refuses_operators_that_stay_float(plain: bytes) -> None:
    with pytest.raises(FloatIslandError, match=r"plain: .* operators stay float") as caught:
        require_integer(read_graph(plain), "plain")
    assert "CONV_2D" in caught.value.operators


def test_convert_refuses_an_empty_representative_set(tiny: Any) -> None:
    with pytest.raises(QuantiseError, match="representative set: it is empty"):
        convert(tiny.run.load_model(), INT8_RECIPE, np.zeros((0, 17, 17, 3), np.float32))


def test_require_supported_refuses_too_new_operators() -> None:
    graph = Graph((Operator(0, "CONV_2D", 8, (0,), (1,)),), (), (0,), (1,), "2.16.0")
    with pytest.raises(QuantiseError, match=r"needs a runtime 2.16.0 .* CONV_2D version 8"):
        require_supported(graph, "network")


def test_require_supported_refuses_custom_operators() -> None:
    graph = Graph((Operator(0, "CUSTOM:FlexErf", 1, (0,), (1,)),), (), (0,), (1,), None)
    with pytest.raises(QuantiseError, match="CUSTOM:FlexErf are not built into"):
        require_supported(graph, "network")


def test_require_exact_input_refuses_merged_grey_levels() -> None:
    quantisation = Quantisation(scale=2 / 255, zero_point=-128)
    with pytest.raises(QuantiseError, match=r"merges .* grey levels"):
        require_exact_input(InputContract(crop_size=17, planes="spike", quantisation=quantisation), "run")


def test_require_exact_input_refuses_ranges_of_black_pictures(tiny: Any) -> None:
    content = convert(tiny.run.load_model(), INT8_RECIPE, np.zeros((4, 17, 17, 3), np.float32))
    contract, _ = contracts_of(content, tiny.run.manifest.input)
    with pytest.raises(QuantiseError, match=r"merges .* grey levels"):
        require_exact_input(contract, "run")


def test_read_graph_refuses_bytes_that_are_no_model() -> None:
    with pytest.raises(ValueError, match="does not start like a TFLite model"):
        read_graph(b"\0" * 64)


def test_convert_takes_networks_that_stand_side_by_side() -> None:
    from trainer.training.networks import build

    contract = InputContract(crop_size=17, planes="temporal", dtype="float32")
    members = build("alexnet_edge", contract, {"layout": "spot", "width": 0.5, "members": 2}, 1)
    inputs = shown(64)
    content = convert(members, INT8_RECIPE, inputs)
    graph = read_graph(content)
    assert graph.float_operators() == ()
    given, gives = contracts_of(content, contract)
    whole = (inputs * 255).round().astype(np.uint8)
    logits = Network("ensemble", content, (given, gives), batch=8).logits(whole)
    wanted = members.predict(whole / np.float32(255), verbose=0)
    assert np.abs(logits - wanted).max() < 0.15 * np.ptp(wanted)
