"""Write the tiny networks of the tests: real TFLite files whose weights are set by hand, not trained.

Each finds the greatest spike min(c − p, c − n) of its crop of previous, current and next grey and gives logits of
∓ 100 × (spike − 20 grey levels) / 255. Usage: tiny_models.py FOLDER. Runs TensorFlow, so in a process of its own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

MIN_SPIKE_DN = 20


def network(crop_size, *, middle_only):
    first = np.float32([[-1, -1], [1, 1], [0, 0]])  # c − p twice; the second becomes c − n
    first[0, 1], first[2, 1] = 0, -1
    second = np.float32([[1, 1], [0, -1]])  # a and a − b
    third = np.float32([[1], [-1]])  # min(a, b) = a − max(a − b, 0)

    @tf.function(input_signature=[tf.TensorSpec((None, crop_size, crop_size, 3), tf.float32)])
    def forward(crop):
        x = crop
        for weights in (first, second, third):
            x = tf.nn.relu(tf.nn.conv2d(x, weights[None, None], 1, "VALID"))
        if middle_only:
            around = crop_size // 2 - 1
            x = x[:, around:-around, around:-around]
        spike = tf.reshape(tf.reduce_max(x, axis=(1, 2)), (-1, 1))
        return 100 * (spike * np.float32([[-1, 1]]) + np.float32([1, -1]) * MIN_SPIKE_DN / 255)

    return forward.get_concrete_function()


def crops(crop_size):
    rng = np.random.default_rng(1)
    for spike in np.linspace(0, 1, 40):
        crop = rng.random((1, crop_size, crop_size, 3), np.float32)
        crop[0, crop_size // 2, crop_size // 2] = 0, spike, 0
        yield [crop if spike < 1 else np.zeros_like(crop)]


def convert(crop_size, dtype, *, middle_only=False):
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network(crop_size, middle_only=middle_only)])
    if dtype == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: crops(crop_size)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def quantisation(model):
    interpreter = tf.lite.Interpreter(model_content=model)
    details = (interpreter.get_input_details()[0], interpreter.get_output_details()[0])
    return [dict(zip(("scale", "zero_point"), detail["quantization"], strict=True)) for detail in details]


def main():
    folder = Path(sys.argv[1])
    known = {}
    for name, crop_size, dtype, middle_only in (
        ("int8_64", 64, "int8", False),
        ("int8_32", 32, "int8", False),
        ("float32_64", 64, "float32", False),
        ("screen_17", 17, "int8", True),
    ):
        model = convert(crop_size, dtype, middle_only=middle_only)
        (folder / f"{name}.tflite").write_bytes(model)
        known[name] = quantisation(model) if dtype == "int8" else [None, None]
    (folder / "quantisation.json").write_text(json.dumps(known), encoding="utf-8")


main()
