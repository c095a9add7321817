"""The process behind `quantize.qat`: builds the network in tf_keras, fine-tunes it with tfmot, writes model.tflite.

Runs as a script with TF_USE_LEGACY_KERAS=1 and the toolkit on its path, and imports nothing of Gammabox.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

CALIBRATION_BATCHES = 20


def main() -> None:
    """Read task.json, weights.npz and crops.npz in the folder named on the command line; write model.tflite there."""
    import tensorflow as tf  # noqa: PLC0415 - only in this process, with the toolkit's Keras
    import tf_keras  # noqa: PLC0415 - likewise

    place = Path(sys.argv[1])
    task = json.loads((place / "task.json").read_text(encoding="utf-8"))
    tf_keras.utils.set_random_seed(task["seed"])
    with np.load(place / "weights.npz") as weights:
        model = _aware(_built(task, weights))
    with np.load(place / "crops.npz") as arrays:
        planes, logits = arrays["planes"], arrays["logits"]
    _calibrated(model, task, planes)
    _trained(model, task, planes, logits)
    _set_input_range(model, task["offset"], task["offset"] + 255 * task["scale"])
    size = task["crop_size"]
    crop = tf_keras.Input(batch_shape=(1, size, size, task["planes"]), name="crop")
    converter = tf.lite.TFLiteConverter.from_keras_model(tf_keras.Model(crop, model(crop, training=False)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    (place / "model.tflite").write_bytes(converter.convert())


def _channels_class() -> Any:  # noqa: ANN401 - a class that tf_keras' import makes possible
    import tf_keras  # noqa: PLC0415 - only in this process

    class Channels(tf_keras.layers.Layer):  # type: ignore[misc] # tf_keras has no types
        """A slice of the maps: x[..., start:stop]."""

        def __init__(self, start: int | None = None, stop: int | None = None, **settings: Any) -> None:  # noqa: ANN401
            super().__init__(**settings)
            self.start, self.stop = start, stop

        def call(self, inputs: Any) -> Any:  # noqa: ANN401 - a tensor of tf_keras
            """Return the slice of the inputs."""
            return inputs[..., self.start : self.stop]

        def get_config(self) -> dict[str, Any]:
            """Return the arguments of __init__, from which the toolkit makes copies."""
            return {**super().get_config(), "start": self.start, "stop": self.stop}

    return Channels


def _built(task: dict[str, Any], weights: Any) -> Any:  # noqa: ANN401 - a model of tf_keras
    import tf_keras  # noqa: PLC0415 - only in this process
    from tensorflow_model_optimization.python.core.quantization import keras as tfmot  # noqa: PLC0415
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (  # noqa: PLC0415
        default_8bit_quantize_configs as configs,
    )

    channels = _channels_class()
    image = tf_keras.Input((task["crop_size"], task["crop_size"], task["planes"]), name="crop")
    made = {"crop": image}
    last = "crop"
    for entry in task["network"]:
        inputs = [made[name] for name in entry["inputs"]]
        if entry["kind"] == "GetItem":
            layer = channels(*entry["channels"], name=entry["name"])
            # A slice has the quantisation of what it is cut from.
            layer = tfmot.quantize_annotate.QuantizeAnnotate(layer, quantize_config=configs.NoOpQuantizeConfig())
        else:
            layer = getattr(tf_keras.layers, entry["kind"])(**entry["arguments"], name=entry["name"])
        last = entry["name"]
        made[last] = layer(inputs if len(inputs) > 1 else inputs[0])
        stored = [weights[f"{last}/{i}"] for i in range(len(layer.get_weights()))]
        if stored:
            layer.set_weights(stored)
    return tf_keras.Model(image, made[last])


def _aware(model: Any) -> Any:  # noqa: ANN401 - a model of tf_keras
    import tensorflow_model_optimization as tfmot  # noqa: PLC0415 - only in this process
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (  # noqa: PLC0415
        default_8bit_quantize_configs as configs,
    )

    own = {"Channels": _channels_class(), "NoOpQuantizeConfig": configs.NoOpQuantizeConfig}
    with tfmot.quantization.keras.quantize_scope(own):
        return tfmot.quantization.keras.quantize_apply(tfmot.quantization.keras.quantize_annotate_model(model))


def _calibrated(model: Any, task: dict[str, Any], planes: Any) -> None:  # noqa: ANN401 - a model of tf_keras, an array
    """Set every range to that of the layer's outputs before the training.

    The toolkit starts all ranges at −6 to 6 and moves them by a thousandth a batch, so that a short fine-tuning would
    end with ranges far wider than the outputs.
    """
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops  # noqa: PLC0415 - only here

    creeping = quant_ops.MovingAvgQuantize
    rng = np.random.default_rng(task["seed"])
    try:
        for batch in range(CALIBRATION_BATCHES):
            decay = batch / (batch + 1)  # the plain mean of all batches so far

            def settling(*given: Any, _decay: float = decay, **named: Any) -> Any:  # noqa: ANN401 - passes through
                return creeping(*given, **{**named, "ema_decay": _decay})

            quant_ops.MovingAvgQuantize = settling
            chosen = rng.choice(len(planes), min(task["batch_size"], len(planes)), replace=False)
            model(_real(task, planes[chosen]), training=True)
    finally:
        quant_ops.MovingAvgQuantize = creeping


def _real(task: dict[str, Any], planes: Any) -> Any:  # noqa: ANN401 - arrays
    return planes.astype(np.float32) * np.float32(task["scale"]) + np.float32(task["offset"])


def _trained(model: Any, task: dict[str, Any], planes: Any, logits: Any) -> None:  # noqa: ANN401 - as above
    import tf_keras  # noqa: PLC0415 - only in this process

    model.compile(tf_keras.optimizers.Adam(task["learning_rate"]), tf_keras.losses.MeanSquaredError())
    rng = np.random.default_rng(task["seed"])
    size = task["batch_size"]
    for _ in range(task["epochs"]):
        order = rng.permutation(len(planes))
        for start in range(0, len(order), size):
            part = order[start : start + size]
            model.train_on_batch(_real(task, planes[part]), logits[part])


def _set_input_range(model: Any, low: float, high: float) -> None:  # noqa: ANN401 - a model of tf_keras
    """Set the input's range to that of a pixel; the toolkit's running mean of the inputs only comes close to it."""
    found = 0
    for layer in model.layers:
        if type(layer).__name__ == "QuantizeLayer":
            for variable in layer.weights:
                if variable.name.rpartition("/")[2].startswith("quantize_layer_min"):
                    variable.assign(low)
                    found += 1
                if variable.name.rpartition("/")[2].startswith("quantize_layer_max"):
                    variable.assign(high)
                    found += 1
    if found != 2:
        raise RuntimeError(f"the toolkit's input range was set {found} times instead of twice")


if __name__ == "__main__":
    main()
