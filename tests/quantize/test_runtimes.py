"""Other kernels and runtimes are compared step by step; operators that are not delegated are named."""

import sys

import numpy as np
import pytest

from quantize import environments
from quantize.conversion import INT8_RECIPE, convert
from quantize.environments import foreign_runtime
from quantize.errors import ForeignRuntimeError
from quantize.runtimes import ForeignRuntime, compared, partitions, run_elsewhere, run_here


def stored(count=6):
    return np.random.default_rng(1).integers(-128, 128, (count, 17, 17, 3)).astype(np.int8)


def test_partitions_of_the_tiny_network_is_one(tiny):
    found = partitions(tiny.bundle.model)
    assert (found.count, found.left) == (1, ())


@pytest.mark.usefixtures("tiny")  # it loads TensorFlow quietly
def test_partitions_name_operators_that_xnnpack_leaves():
    import keras

    image = keras.Input((17, 17, 3))
    joined = keras.layers.Concatenate()([keras.layers.Conv2D(4, 3)(image), keras.layers.Conv2D(4, 3)(image)])
    rectified = keras.layers.GlobalMaxPooling2D()(keras.layers.ReLU()(joined))
    network = keras.Model(image, keras.layers.Dense(2)(rectified))
    inputs = np.random.default_rng(1).random((4, 17, 17, 3), np.float32)
    found = partitions(convert(network, INT8_RECIPE, inputs))
    assert found.count == 2
    assert found.left == ("RELU",)


def test_run_elsewhere_in_the_same_python_is_equal(tiny):
    own, runtime, _ = run_here(tiny.bundle.model, stored())
    other = run_elsewhere(ForeignRuntime("itself", (sys.executable,)), tiny.bundle.model, stored(), rounds=1)
    found = compared("itself", own, other, 0.0)
    assert (found.max_steps, found.equal, found.labels) == (0, 1.0, 1.0)
    assert found.runtime.startswith(runtime)


def test_run_here_reference_kernels_nearly_agree(tiny):
    own, _, _ = run_here(tiny.bundle.model, stored())
    found = compared("reference", own, run_here(tiny.bundle.model, stored(), "reference"), 0.0)
    assert found.max_steps <= 3


def test_compared_counts_steps_and_labels():
    own = np.array([[0, 5], [0, -5]], np.int8)
    other = np.array([[0, 5], [0, 3]], np.int8)
    found = compared("x", own, (other, "x 1", 1.0), 1.0)
    assert (found.max_steps, found.equal, found.labels) == (8, 0.75, 0.5)


def test_run_elsewhere_names_a_runtime_that_fails():
    with pytest.raises(ForeignRuntimeError, match="itself: it cannot run the model"):
        run_elsewhere(ForeignRuntime("itself", (sys.executable,)), b"no model", stored())


def test_foreign_runtime_refuses_an_unknown_runtime():
    with pytest.raises(ForeignRuntimeError, match="there is no such runtime; choose one of tflite-runtime, cortex-a72"):
        foreign_runtime("coral")


def test_virtual_environment_names_the_missing_python(monkeypatch, tmp_path):
    monkeypatch.setenv("GAMMABOX_CACHE", str(tmp_path))
    with pytest.raises(ForeignRuntimeError, match=r"none of python2\.1 is here; install one of them"):
        environments.virtual_environment("x", (), ("python2.1",))


def test_once_builds_an_unfinished_environment_again(tmp_path):
    built = []
    environments._once(tmp_path / "x", "a", lambda: built.append("a"))
    environments._once(tmp_path / "x", "a", lambda: built.append("again"))
    environments._once(tmp_path / "x", "b", lambda: built.append("b"))
    (tmp_path / "x" / ".complete").unlink()
    environments._once(tmp_path / "x", "b", lambda: built.append("b"))
    assert built == ["a", "b", "b"]


@pytest.mark.slow
def test_foreign_runtime_tflite_runtime_2_14_agrees(tiny):
    own, _, _ = run_here(tiny.bundle.model, stored(32))
    other = run_elsewhere(foreign_runtime("tflite-runtime"), tiny.bundle.model, stored(32), rounds=1)
    assert "tflite-runtime 2.14.0" in other[1]
    assert compared("tflite-runtime", own, other, 0.0).max_steps <= 3
